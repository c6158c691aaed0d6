/*
 * sequence_range.c
 *	  The values that a sequence can return, before and after a change.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "kinds/kinds.h"
#include "kinds/sequence_range.h"

int64
cmig_sequence_range_limit(const char *type, bool down, bool maximum)
{
	if (down == maximum)
		return maximum ? -1 : 1;
	if (strcmp(type, "smallint") == 0)
		return maximum ? PG_INT16_MAX : PG_INT16_MIN;
	if (strcmp(type, "integer") == 0)
		return maximum ? PG_INT32_MAX : PG_INT32_MIN;
	return maximum ? PG_INT64_MAX : PG_INT64_MIN;
}

/*
 * Does the change restart the sequence?  This is the case if the direction
 * changes, if the new range has no value in common with the old one, or if the
 * old start value is past the end of the new range.
 */
static bool
must_restart(const CmigSequenceRange *from, const CmigSequenceRange *to)
{
	if (from->down != to->down || from->high < to->low || from->low > to->high)
		return true;
	return to->down ? from->start < to->low : from->start > to->high;
}

/* Returns the first value of the range. */
static int64
first_value(const CmigSequenceRange *range)
{
	return range->down ? range->high : range->low;
}

bool
cmig_sequence_range_restarts(const CmigSequenceRange *from, const CmigSequenceRange *to)
{
	return must_restart(from, to) || must_restart(to, from);
}

/*
 * Returns a statement that makes a sequence continue after the column's values
 * in the range.  The statement has no effect if the sequence is already past
 * these values.
 */
static char *
resume(const char *sequence, const CmigSequenceRange *range, const CmigObject *column)
{
	const char *name = cmig_quote(column->name),
			   *last = range->down ? "min" : "max";

	return psprintf("SELECT pg_catalog.setval(%s, pg_catalog.%s(%s)) FROM %s WHERE %s BETWEEN " INT64_FORMAT " AND " INT64_FORMAT
					" HAVING pg_catalog.%s(%s) %s (SELECT last_value FROM %s)",
					cmig_literal(sequence), last, name, column->parent->identity, name, range->low, range->high,
					last, name, range->down ? "<=" : ">=", sequence);
}

/*
 * Returns a statement that sets the sequence's next value if "condition"
 * holds.
 */
static char *
set_value(const char *sequence, int64 value, const char *condition)
{
	return psprintf("SELECT pg_catalog.setval(%s, " INT64_FORMAT ", false) FROM %s WHERE %s",
					cmig_literal(sequence), value, sequence, condition);
}

/*
 * Returns the statements that change the range without restarting the
 * sequence.
 */
static char *
continue_range(const char *alter, const char *sequence,
			   const CmigSequenceRange *from, const CmigSequenceRange *to)
{
	int64		begin = from->start,
				first = first_value(to);
	StringInfoData sql;

	initStringInfo(&sql);
	if (to->down ? begin > first : begin < first)
	{
		begin = first;
		appendStringInfo(&sql, "%s;\n", set_value(sequence, begin, psprintf("last_value %c " INT64_FORMAT, to->down ? '>' : '<', begin)));
	}
	appendStringInfoString(&sql, alter);
	if (begin != to->start)
		appendStringInfo(&sql, ";\n%s", set_value(sequence, to->start, psprintf("last_value = " INT64_FORMAT " AND NOT is_called", begin)));
	return sql.data;
}

char *
cmig_sequence_range_alter(const char *alter, const char *sequence, const CmigSequenceRange *from,
						  const CmigSequenceRange *to, const CmigObject *column)
{
	char	   *sql = must_restart(from, to) ? psprintf("%s RESTART", alter) :
	continue_range(alter, sequence, from, to);

	return column != NULL && cmig_sequence_range_restarts(from, to) ?
		psprintf("%s;\n%s", sql, resume(sequence, to, column)) : sql;
}
