/*
 * journal.c
 *	  cmig.journal: one row for each step that was carried out.
 */
#include "postgres.h"

#include "compat.h"
#include "journal.h"
#include "query.h"
#include "session.h"

#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/timestamp.h"

static CmigQuery insert_query = {
	.sql = "INSERT INTO cmig.journal (revision, direction, outcome, started_at,"
	" elapsed, role, session_role, application_name, client_address,"
	" transaction_id, checksum, search_path, sqlstate, message, statement)"
	" VALUES ($1, $2, $3, $4, $5, $6::name, SESSION_USER, $7, inet_client_addr(),"
	" pg_current_xact_id(), $8, $9, $10, $11, $12)",
	.nargs = 12,
	.argtypes = {TEXTOID, TEXTOID, TEXTOID, TIMESTAMPTZOID, INTERVALOID,
		TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, INT4OID}
};

static CmigQuery checksum_query = {
	.sql = "SELECT checksum FROM cmig.journal"
	" WHERE revision = $1 AND outcome = 'done'"
	" AND direction IN ('upgrade', 'stamp', 'repair')"
	" ORDER BY id DESC LIMIT 1",
	.nargs = 1,
	.argtypes = {TEXTOID}
};

static void
set_text(Datum *values, char *nulls, int column, const char *value)
{
	if (value == NULL)
		return;
	values[column] = CStringGetTextDatum(value);
	nulls[column] = ' ';
}

void
cmig_journal_write(const CmigJournalEntry *entry)
{
	Datum		values[12];
	char		nulls[13] = "nnnnnnnnnnnn";

	set_text(values, nulls, 0, entry->revision);
	set_text(values, nulls, 1, entry->direction);
	set_text(values, nulls, 2, entry->outcome);
	values[3] = TimestampTzGetDatum(entry->started_at);
	nulls[3] = ' ';
	if (entry->finished_at != 0)
	{
		values[4] = DirectFunctionCall2(timestamp_mi,
										TimestampTzGetDatum(entry->finished_at),
										TimestampTzGetDatum(entry->started_at));
		nulls[4] = ' ';
	}
	set_text(values, nulls, 5, cmig_session_role());
	set_text(values, nulls, 6, application_name);
	set_text(values, nulls, 7, entry->checksum);
	set_text(values, nulls, 8, cmig_session_search_path());
	set_text(values, nulls, 9, entry->sqlstate);
	set_text(values, nulls, 10, entry->message);
	if (entry->statement != 0)
	{
		values[11] = Int32GetDatum(entry->statement);
		nulls[11] = ' ';
	}

	cmig_query_run(&insert_query, values, nulls);
}

static void
keep_text(TupleDesc desc, HeapTuple row, void *arg)
{
	*(char **) arg = cmig_query_text(desc, row, 1);
}

char *
cmig_journal_checksum(const char *revision)
{
	Datum		values[1] = {CStringGetTextDatum(revision)};
	char	   *checksum = NULL;

	cmig_query_each(&checksum_query, values, NULL, keep_text, &checksum);
	return checksum;
}
