/*
 * log.c
 *	  Implements cmig.log, which lists the rows of the journal.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "fmgr.h"
#include "funcapi.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "base/compat.h"
#include "graph/repeatables.h"
#include "report/view.h"
#include "tables/catalog.h"
#include "tables/journal_read.h"

PG_FUNCTION_INFO_V1(cmig_log);

/*
 * SCREEN_WIDTH is the line width.  FIXED_WIDTH is the width of the columns
 * that have the same width in every row ("2026-01-31 12:34:56+00" and
 * "00:00:00.000"), plus the separators that psql prints between the six
 * columns.  LEAST_MESSAGE is the minimum width of a message.
 */
#define SCREEN_WIDTH 100
#define FIXED_WIDTH (22 + 12 + 17)
#define LEAST_MESSAGE 20

/* The state of a call to cmig.log. */
typedef struct Log
{
	FunctionCallInfo fcinfo;
	CmigGraph  *graph;			/* provides the revisions' messages */
	int			width;			/* maximum length of a message, in characters */
} Log;

/* Returns the first line of a message, truncated to the width. */
static char *
shorten(const char *message, int width)
{
	int			length = strcspn(message, "\r\n");
	int			kept;

	if (pg_mbstrlen_with_len(message, length) <= width && message[length] == '\0')
		return pstrdup(message);
	kept = pg_mbcharcliplen(message, length, width - 3);
	return psprintf("%.*s...", kept, message);
}

/* Returns the message to show for a row. */
static const char *
message_of(const Log *log, const CmigJournalShown *row)
{
	int			node;

	if (row->message && row->sqlstate)
		return psprintf("%s: %s", row->sqlstate, row->message);
	if (row->message)
		return row->message;
	node = row->revision ? cmig_repeatables_find_any(log->graph, row->revision) : -1;
	return node >= 0 ? log->graph->nodes[node].revision->message : "";
}

/* Add a row to the result. */
static void
put_row(const CmigJournalShown *row, void *arg)
{
	const Log  *log = arg;
	bool		done = strcmp(row->outcome, "done") == 0;
	Datum		values[6] = {0};
	bool		nulls[6] = {0};
	NameData	role;

	values[0] = TimestampTzGetDatum(row->started_at);
	nulls[0] = !row->has_started_at;
	values[1] = CStringGetTextDatum(done ? row->direction :
									psprintf("%s %s", row->direction, row->outcome));
	nulls[2] = row->revision == NULL;
	if (row->revision)
		values[2] = CStringGetTextDatum(row->revision);
	namestrcpy(&role, row->role);
	values[3] = NameGetDatum(&role);
	nulls[4] = row->elapsed == NULL;
	values[4] = IntervalPGetDatum(row->elapsed);
	values[5] = CStringGetTextDatum(shorten(message_of(log, row), log->width));
	cmig_view_put_row(log->fcinfo, values, nulls);
}

Datum
cmig_log(PG_FUNCTION_ARGS)
{
	Log			log = {.fcinfo = fcinfo};
	CmigRevisionSet *set;
	CmigJournalWidths widths;

	InitMaterializedSRF(fcinfo, 0);
	set = cmig_catalog_read_revisions(true);
	log.graph = cmig_graph_build(set->revisions, set->count);
	cmig_repeatables_add(log.graph, set->repeatables, set->repeatable_count);
	widths = cmig_journal_read_widths();
	log.width = SCREEN_WIDTH - FIXED_WIDTH - (int) strlen("downgrade") -
		Max(widths.revision, (int) strlen("revision")) - Max(widths.role, (int) strlen("role"));
	log.width = Max(log.width, LEAST_MESSAGE);
	cmig_journal_read_each(put_row, &log);
	return (Datum) 0;
}
