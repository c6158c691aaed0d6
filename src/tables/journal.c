/*
 * journal.c
 *	  Writes cmig.journal, which contains a row for each step that was run.
 *
 * The id of a new row is derived from the existing rows.  A sequence would not
 * work, because it is not replicated, and because restoring a dump into a live
 * database would set it back.  Every session that writes rows holds the run
 * lock (cmig.journal_trigger takes it for manually written rows), so the
 * greatest committed id plus one is free.
 *
 * A run must never fail because no id is left.  The trigger
 * (journal_trigger.c) rejects an id that is far beyond the last one, unless
 * the row is written by the table's owner or by a restore.  If such a row
 * leaves too few ids after it, new rows have ids in the last gap that is large
 * enough.
 *
 * In new rows, session_role and client_address have the columns' defaults,
 * because a migrator is not allowed to write to these columns.  The trigger
 * checks the column "role".
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/errors.h"
#include "base/query.h"
#include "run/scope.h"
#include "run/session.h"
#include "tables/catalog.h"
#include "tables/journal.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

/* A batch of rows that have not been written yet. */
struct CmigJournalBatch
{
	int			count;
	CmigJournalEntry entries[CMIG_JOURNAL_BATCH];
	MemoryContext context;		/* memory context of the entries' checksums */
};

static CmigQuery last_id_query = {
	.sql = "SELECT coalesce(max(id::bigint), 0)::text FROM cmig.journal WHERE scope::text = $1",
	.nargs = 1,
	.argtypes = {TEXTOID}
};

/*
 * A query for the greatest id that is followed by enough free ids for a whole
 * batch.  The query is slow, and is used only if the greatest id of all is not
 * followed by enough ids.
 */
static CmigQuery gap_query = {
	.sql = "SELECT max(id)::text FROM (SELECT id::bigint, lead(id::bigint) OVER (ORDER BY id::bigint)"
	" FROM (SELECT 0 AS id UNION ALL SELECT id::bigint FROM cmig.journal WHERE id::bigint > 0 AND scope::text = $1) j) k (id, next)"
	" WHERE coalesce(next, 9223372036854775807)::numeric - id > " CppAsString2(CMIG_JOURNAL_BATCH),
	.nargs = 1,
	.argtypes = {TEXTOID}
};

static CmigQuery insert_query = {
	.sql = "INSERT INTO cmig.journal (id, revision, direction, outcome, started_at,"
	" elapsed, role, application_name,"
	" transaction_id, checksum, search_path, sqlstate, message, statement, scope)"
	" VALUES ($13, $1, $2, $3, $4, $5, $6::name, $7,"
	" pg_current_xact_id(), $8, $9, $10, $11, $12, $14)",
	.nargs = 14,
	.argtypes = {TEXTOID, TEXTOID, TEXTOID, TIMESTAMPTZOID, INTERVALOID,
	TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, INT4OID, INT8OID, TEXTOID}
};

static CmigQuery insert_all_query = {
	.sql = "INSERT INTO cmig.journal (id, revision, direction, outcome, started_at,"
	" elapsed, role, application_name,"
	" transaction_id, checksum, search_path, message, scope)"
	" SELECT $11 + e.n, e.revision, e.direction, e.outcome, e.started_at,"
	" e.finished_at - e.started_at, $8::name, $9,"
	" pg_current_xact_id(), e.checksum, $10, e.message, $12"
	" FROM ROWS FROM (unnest($1), unnest($2), unnest($3), unnest($4), unnest($5),"
	" unnest($6), unnest($7)) WITH ORDINALITY AS e (revision, direction, outcome,"
	" started_at, finished_at, checksum, message, n) ORDER BY e.n",
	.nargs = 12,
	.argtypes = {TEXTARRAYOID, TEXTARRAYOID, TEXTARRAYOID, TIMESTAMPTZARRAYOID,
		TIMESTAMPTZARRAYOID, TEXTARRAYOID, TEXTARRAYOID, TEXTOID, TEXTOID, TEXTOID,
	INT8OID, TEXTOID}
};

static CmigQuery finish_query = {
	.sql = "UPDATE cmig.journal SET outcome = $2, elapsed = $3,"
	" transaction_id = CASE WHEN $2 = 'done' THEN pg_current_xact_id() END,"
	" checksum = coalesce($4, checksum::text), sqlstate = $5, message = $6, statement = $7"
	" WHERE id::bigint = $1 AND scope::text = $8",
	.nargs = 8,
	.argtypes = {INT8OID, TEXTOID, INTERVALOID, TEXTOID, TEXTOID, TEXTOID, INT4OID, TEXTOID}
};

static CmigQuery interrupted_query = {
	.sql = "UPDATE cmig.journal SET outcome = 'failed', transaction_id = NULL,"
	" message = 'the run was interrupted' WHERE outcome::text = 'running' AND scope::text = $1",
	.nargs = 1,
	.argtypes = {TEXTOID}
};

static CmigQuery running_query = {
	.sql = "SELECT EXISTS (SELECT FROM cmig.journal WHERE outcome::text = 'running' AND scope::text = $1)::text",
	.nargs = 1,
	.argtypes = {TEXTOID}
};

/* Returns the name of the current scope as a query argument. */
static Datum
own_scope(void)
{
	return CStringGetTextDatum(cmig_scope_current());
}

/*
 * Returns the id that a query finds in the current scope, or 0 if it finds
 * none.  The query sees all committed rows, including those that are not
 * visible to a REPEATABLE READ transaction.
 */
static int64
id_of(CmigQuery *query)
{
	Datum		values[1] = {own_scope()};
	char	   *text = cmig_query_at_snapshot(query, values, GetLatestSnapshot());

	return text ? DatumGetInt64(DirectFunctionCall1(int8in, CStringGetDatum(text))) : 0;
}

/* Is the id followed by too few ids for a whole batch? */
static bool
is_last_number(int64 id)
{
	return id > PG_INT64_MAX - CMIG_JOURNAL_BATCH;
}

int64
cmig_journal_last_id(void)
{
	int64		id = id_of(&last_id_query);

	return is_last_number(id) ? id_of(&gap_query) : id;
}

int64
cmig_journal_out_of_order(void)
{
	int64		id = id_of(&last_id_query);

	return is_last_number(id) ? id : 0;
}

int64
cmig_journal_start(const CmigJournalEntry *entry)
{
	int64		id = cmig_journal_last_id() + 1;
	Datum		values[14];
	char		nulls[15] = "nnnnnnnnnnnn  ";

	cmig_query_bind_text(values, nulls, 0, entry->revision);
	cmig_query_bind_text(values, nulls, 1, entry->direction);
	cmig_query_bind_text(values, nulls, 2, entry->outcome);
	values[3] = TimestampTzGetDatum(entry->started_at);
	nulls[3] = ' ';
	if (entry->finished_at != 0)
	{
		values[4] = DirectFunctionCall2(timestamp_mi,
										TimestampTzGetDatum(entry->finished_at),
										TimestampTzGetDatum(entry->started_at));
		nulls[4] = ' ';
	}
	cmig_query_bind_text(values, nulls, 5, cmig_session_role());
	cmig_query_bind_text(values, nulls, 6, application_name);
	cmig_query_bind_text(values, nulls, 7, entry->checksum);
	cmig_query_bind_text(values, nulls, 8, cmig_session_search_path());
	cmig_query_bind_text(values, nulls, 9, entry->sqlstate);
	cmig_query_bind_text(values, nulls, 10, entry->message);
	if (entry->statement != 0)
	{
		values[11] = Int32GetDatum(entry->statement);
		nulls[11] = ' ';
	}

	values[12] = Int64GetDatum(id);
	values[13] = own_scope();

	cmig_query_run(&insert_query, values, nulls);
	return id;
}

void
cmig_journal_write(const CmigJournalEntry *entry)
{
	(void) cmig_journal_start(entry);
}

void
cmig_journal_finish(int64 id, const CmigJournalEntry *entry)
{
	Datum		values[8];
	char		nulls[9] = "nnnnnnn ";

	values[0] = Int64GetDatum(id);
	nulls[0] = ' ';
	cmig_query_bind_text(values, nulls, 1, entry->outcome);
	values[2] = DirectFunctionCall2(timestamp_mi,
									TimestampTzGetDatum(entry->finished_at),
									TimestampTzGetDatum(entry->started_at));
	nulls[2] = ' ';
	cmig_query_bind_text(values, nulls, 3, entry->checksum);
	cmig_query_bind_text(values, nulls, 4, entry->sqlstate);
	cmig_query_bind_text(values, nulls, 5, entry->message);
	if (entry->statement != 0)
	{
		values[6] = Int32GetDatum(entry->statement);
		nulls[6] = ' ';
	}
	values[7] = own_scope();
	cmig_query_run(&finish_query, values, nulls);
}

void
cmig_journal_interrupted(void)
{
	Datum		values[1] = {own_scope()};

	cmig_query_run(&interrupted_query, values, NULL);
}

bool
cmig_journal_has_running(void)
{
	Datum		values[1] = {own_scope()};
	char	   *found = NULL;

	cmig_query_each(&running_query, values, NULL, cmig_query_keep_text, &found);
	return found != NULL && strcmp(found, "true") == 0;
}

/*
 * Returns an array of the times at which the entries' steps finished
 * ("finished" is true) or started.
 */
static Datum
times_array(const CmigJournalEntry *entries, int count, bool finished)
{
	Datum	   *elements = palloc(sizeof(Datum) * count);

	for (int i = 0; i < count; i++)
		elements[i] = TimestampTzGetDatum(finished ? entries[i].finished_at
										  : entries[i].started_at);
	return PointerGetDatum(construct_array(elements, count, TIMESTAMPTZOID, 8,
										   FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
}

/*
 * Returns an array of strings, one for each entry.  pick() returns the string
 * of an entry, which may be NULL.
 */
static Datum
texts_array(const CmigJournalEntry *entries, int count,
			const char *(*pick) (const CmigJournalEntry *))
{
	Datum	   *elements = palloc(sizeof(Datum) * count);
	bool	   *nulls = palloc(sizeof(bool) * count);
	int			lower = 1;

	for (int i = 0; i < count; i++)
	{
		const char *text = pick(&entries[i]);

		nulls[i] = text == NULL;
		elements[i] = text ? CStringGetTextDatum(text) : (Datum) 0;
	}
	return PointerGetDatum(construct_md_array(elements, nulls, 1, &count, &lower,
											  TEXTOID, -1, false, TYPALIGN_INT));
}

/* Functions that texts_array() uses to get a field of an entry */
static const char *
pick_revision(const CmigJournalEntry *entry)
{
	return entry->revision;
}

static const char *
pick_direction(const CmigJournalEntry *entry)
{
	return entry->direction;
}

static const char *
pick_outcome(const CmigJournalEntry *entry)
{
	return entry->outcome;
}

static const char *
pick_checksum(const CmigJournalEntry *entry)
{
	return entry->checksum;
}

static const char *
pick_message(const CmigJournalEntry *entry)
{
	return entry->message;
}

/* Write the rows in the batch, and empty the batch. */
static void
write_batch(CmigJournalBatch *batch)
{
	const CmigJournalEntry *entries = batch->entries;
	Datum		values[12];
	char		nulls[13] = "       nnn  ";
	MemoryContext old = MemoryContextSwitchTo(batch->context);

	values[0] = texts_array(entries, batch->count, pick_revision);
	values[1] = texts_array(entries, batch->count, pick_direction);
	values[2] = texts_array(entries, batch->count, pick_outcome);
	values[3] = times_array(entries, batch->count, false);
	values[4] = times_array(entries, batch->count, true);
	values[5] = texts_array(entries, batch->count, pick_checksum);
	values[6] = texts_array(entries, batch->count, pick_message);
	cmig_query_bind_text(values, nulls, 7, cmig_session_role());
	cmig_query_bind_text(values, nulls, 8, application_name);
	cmig_query_bind_text(values, nulls, 9, cmig_session_search_path());
	values[10] = Int64GetDatum(cmig_journal_last_id());
	values[11] = own_scope();
	cmig_query_run(&insert_all_query, values, nulls);
	MemoryContextSwitchTo(old);
	MemoryContextReset(batch->context);
	batch->count = 0;
}

CmigJournalBatch *
cmig_journal_batch(void)
{
	CmigJournalBatch *batch = palloc(sizeof(CmigJournalBatch));

	batch->count = 0;
	batch->context = AllocSetContextCreate(CurrentMemoryContext, "pg_cmig journal",
										   ALLOCSET_DEFAULT_SIZES);
	return batch;
}

void
cmig_journal_add(CmigJournalBatch *batch, const CmigJournalEntry *entry)
{
	CmigJournalEntry *kept = &batch->entries[batch->count++];

	*kept = *entry;
	if (kept->checksum)
		kept->checksum = MemoryContextStrdup(batch->context, kept->checksum);
	if (batch->count == CMIG_JOURNAL_BATCH)
		write_batch(batch);
}

void
cmig_journal_end(CmigJournalBatch *batch)
{
	if (batch->count > 0)
		write_batch(batch);
	MemoryContextDelete(batch->context);
	pfree(batch);
}
