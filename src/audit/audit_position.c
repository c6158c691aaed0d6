/*
 * audit_position.c
 *	  Determines the position of log entries within a transaction.
 *
 * Entries are ordered by (seq, command_id, id).  Usually, seq is the id.
 * However, if a statement's triggers run other statements, the entries of
 * these inner statements may be written first, but they must sort after the
 * outer statement's entries.  In this case, the outer statement's entries have
 * the id of the first inner entry as their seq.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "audit/audit_position.h"

#include "access/xact.h"
#include "utils/memutils.h"

/*
 * Maximum number of statements whose positions are remembered in a
 * transaction.
 */
#define MAX_POSITIONS 65536

/* The id of a statement's first entry in the log. */
typedef struct Position
{
	CommandId	command;
	int64		id;
} Position;

static Position *positions = NULL;
static int	position_count = 0;
static int	position_size = 0;

/*
 * Callback for the end of a transaction: discard the positions, which are
 * valid only within the transaction.
 */
static void
forget_positions(XactEvent event, void *arg)
{
	if (event != XACT_EVENT_ABORT && event != XACT_EVENT_COMMIT &&
		event != XACT_EVENT_PREPARE)
		return;
	if (positions)
		pfree(positions);
	positions = NULL;
	position_count = position_size = 0;
}

void
cmig_audit_position_init(void)
{
	RegisterXactCallback(forget_positions, NULL);
}

int64
cmig_audit_position_of(CommandId command, int64 id)
{
	int			low = 0;
	int			high = position_count;

	if (position_count > 0 && positions[position_count - 1].command == command)
		return id;
	if (position_count == 0 || positions[position_count - 1].command < command)
	{
		if (position_count == MAX_POSITIONS)
		{
			position_count /= 2;
			memmove(positions, positions + MAX_POSITIONS - position_count,
					sizeof(Position) * position_count);
		}
		if (position_count == position_size)
		{
			position_size = position_size ? position_size * 2 : 16;
			if (positions)
				positions = repalloc(positions, sizeof(Position) * position_size);
			else
				positions = MemoryContextAlloc(TopMemoryContext,
											   sizeof(Position) * position_size);
		}
		positions[position_count].command = command;
		positions[position_count++].id = id;
		return id;
	}
	while (low < high)
	{
		int			middle = (low + high) / 2;

		if (positions[middle].command > command)
			high = middle;
		else
			low = middle + 1;
	}
	return positions[low].id;
}
