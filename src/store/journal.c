/*
 * journal.c
 *	  Rows of cmig.journal, one for each step that was run.
 *
 * The id of a new row is derived from the existing rows.  A sequence would not
 * work, because it is not replicated, and because restoring a dump into a live
 * database would set it back.  Every session that writes rows holds the run
 * lock (cmig.journal_trigger takes it for manually written rows), so the
 * greatest committed id plus one is free.
 *
 * A run must never fail because no id is left.  The trigger rejects an id that
 * is far beyond the last one, unless the row is written by the table's owner or
 * by a restore.  If such a row leaves too few ids after it, new rows have ids in
 * the last gap that is large enough.
 *
 * In new rows, session_role and client_address have the columns' defaults,
 * because a migrator is not allowed to write to these columns.  The trigger
 * checks the column "role".
 *
 * Only rows of the current scope are read, except by the queries for
 * checksums.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "datatype/timestamp.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "base/base.h"
#include "base/compat.h"
#include "run/run.h"
#include "store/internal.h"

/* The maximum number of rows that a batch writes with one statement. */
#define CMIG_JOURNAL_BATCH 500

/* A batch of rows that have not been written yet. */
struct CmigJournalBatch
{
	int			count;
	CmigJournalEntry entries[CMIG_JOURNAL_BATCH];
	MemoryContext context;		/* memory context of the entries' checksums */
};

static CmigQuery last_id_query = {
	"SELECT coalesce(max(id::bigint), 0)::text FROM cmig.journal WHERE scope::text = $1",
	1, {TEXTOID}
};

/*
 * A query for the greatest id that is followed by enough free ids for a whole
 * batch.  The query is slow, and is used only if the greatest id of all is not
 * followed by enough ids.
 */
static CmigQuery gap_query = {
	"SELECT max(id)::text FROM (SELECT id::bigint, lead(id::bigint) OVER (ORDER BY id::bigint)"
	" FROM (SELECT 0 AS id UNION ALL SELECT id::bigint FROM cmig.journal WHERE id::bigint > 0 AND scope::text = $1) j) k (id, next)"
	" WHERE coalesce(next, 9223372036854775807)::numeric - id > " CppAsString2(CMIG_JOURNAL_BATCH),
	1, {TEXTOID}
};

static CmigQuery insert_query = {
	"INSERT INTO cmig.journal (id, revision, direction, outcome, started_at,"
	" elapsed, role, application_name,"
	" transaction_id, checksum, search_path, sqlstate, message, statement, scope)"
	" VALUES ($13, $1, $2, $3, $4, $5, $6::name, $7,"
	" pg_current_xact_id(), $8, $9, $10, $11, $12, $14)",
	14, {TEXTOID, TEXTOID, TEXTOID, TIMESTAMPTZOID, INTERVALOID,
	TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, INT4OID, INT8OID, TEXTOID}
};

static CmigQuery insert_all_query = {
	"INSERT INTO cmig.journal (id, revision, direction, outcome, started_at,"
	" elapsed, role, application_name,"
	" transaction_id, checksum, search_path, message, scope)"
	" SELECT $11 + e.n, e.revision, e.direction, e.outcome, e.started_at,"
	" e.finished_at - e.started_at, $8::name, $9,"
	" pg_current_xact_id(), e.checksum, $10, e.message, $12"
	" FROM ROWS FROM (unnest($1), unnest($2), unnest($3), unnest($4), unnest($5),"
	" unnest($6), unnest($7)) WITH ORDINALITY AS e (revision, direction, outcome,"
	" started_at, finished_at, checksum, message, n) ORDER BY e.n",
	12, {TEXTARRAYOID, TEXTARRAYOID, TEXTARRAYOID, TIMESTAMPTZARRAYOID,
		TIMESTAMPTZARRAYOID, TEXTARRAYOID, TEXTARRAYOID, TEXTOID, TEXTOID, TEXTOID,
	INT8OID, TEXTOID}
};

static CmigQuery finish_query = {
	"UPDATE cmig.journal SET outcome = $2, elapsed = $3,"
	" transaction_id = CASE WHEN $2 = 'done' THEN pg_current_xact_id() END,"
	" checksum = coalesce($4, checksum::text), sqlstate = $5, message = $6, statement = $7"
	" WHERE id::bigint = $1 AND scope::text = $8",
	8, {INT8OID, TEXTOID, INTERVALOID, TEXTOID, TEXTOID, TEXTOID, INT4OID, TEXTOID}
};

static CmigQuery interrupted_query = {
	"UPDATE cmig.journal SET outcome = 'failed', transaction_id = NULL,"
	" message = 'the run was interrupted' WHERE outcome::text = 'running' AND scope::text = $1",
	1, {TEXTOID}
};

static CmigQuery running_query = {
	"SELECT EXISTS (SELECT FROM cmig.journal WHERE outcome::text = 'running' AND scope::text = $1)::text",
	1, {TEXTOID}
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

/*
 * Returns the id after which the ids of the next new rows start.  At least
 * CMIG_JOURNAL_BATCH ids after it are free.
 */
static int64
last_id(void)
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
	int64		id = last_id() + 1;
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
 * Return an array with a field of each entry, a time or a string, given the
 * field's offset.  A string may be NULL.
 */
static Datum
times_array(const CmigJournalEntry *entries, int count, Size offset)
{
	Datum	   *elements = palloc(sizeof(Datum) * count);

	for (int i = 0; i < count; i++)
		elements[i] = TimestampTzGetDatum(*(const TimestampTz *) ((const char *) &entries[i] + offset));
	return PointerGetDatum(construct_array(elements, count, TIMESTAMPTZOID, 8,
										   FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
}

static Datum
texts_array(const CmigJournalEntry *entries, int count, Size offset)
{
	Datum	   *elements = palloc(sizeof(Datum) * count);
	bool	   *nulls = palloc(sizeof(bool) * count);
	int			lower = 1;

	for (int i = 0; i < count; i++)
	{
		const char *text = *(const char *const *) ((const char *) &entries[i] + offset);

		nulls[i] = text == NULL;
		elements[i] = text ? CStringGetTextDatum(text) : (Datum) 0;
	}
	return PointerGetDatum(construct_md_array(elements, nulls, 1, &count, &lower,
											  TEXTOID, -1, false, TYPALIGN_INT));
}

/* Write the rows in the batch, and empty the batch. */
static void
write_batch(CmigJournalBatch *batch)
{
	const CmigJournalEntry *entries = batch->entries;
	Datum		values[12];
	char		nulls[13] = "       nnn  ";
	MemoryContext old = MemoryContextSwitchTo(batch->context);

	values[0] = texts_array(entries, batch->count, offsetof(CmigJournalEntry, revision));
	values[1] = texts_array(entries, batch->count, offsetof(CmigJournalEntry, direction));
	values[2] = texts_array(entries, batch->count, offsetof(CmigJournalEntry, outcome));
	values[3] = times_array(entries, batch->count, offsetof(CmigJournalEntry, started_at));
	values[4] = times_array(entries, batch->count, offsetof(CmigJournalEntry, finished_at));
	values[5] = texts_array(entries, batch->count, offsetof(CmigJournalEntry, checksum));
	values[6] = texts_array(entries, batch->count, offsetof(CmigJournalEntry, message));
	cmig_query_bind_text(values, nulls, 7, cmig_session_role());
	cmig_query_bind_text(values, nulls, 8, application_name);
	cmig_query_bind_text(values, nulls, 9, cmig_session_search_path());
	values[10] = Int64GetDatum(last_id());
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

#define OF_SCRIPT \
	" WHERE revision::text = $1 AND outcome::text = 'done'" \
	" AND direction::text IN ('upgrade', 'stamp', 'repair') AND checksum::text IS NOT NULL"

/*
 * A query for the last checksum of a revision in a scope.  A repair in the
 * database counts for all scopes.  Rows of different scopes are ordered by
 * time, because their ids do not show the order.
 */
static CmigQuery checksum_query = {
	"SELECT checksum::text FROM cmig.journal" OF_SCRIPT
	" AND (scope::text = $2 OR (scope::text = '' AND direction::text = 'repair'))"
	" ORDER BY CASE WHEN $2 <> '' THEN started_at::timestamptz END DESC NULLS LAST, id::bigint DESC LIMIT 1",
	2, {TEXTOID, TEXTOID}
};

/* A query for the last checksum of a revision in any scope. */
static CmigQuery any_checksum_query = {
	"SELECT checksum::text FROM cmig.journal" OF_SCRIPT
	" ORDER BY started_at::timestamptz DESC, id::bigint DESC LIMIT 1",
	1, {TEXTOID}
};

/*
 * A query for the checksum of a repeatable revision's last run, and for
 * whether a downgrade has been run since then.
 */
static CmigQuery repeatable_query = {
	"SELECT r.checksum, EXISTS (SELECT FROM cmig.journal d WHERE d.id::bigint > r.id"
	" AND d.scope::text = $2 AND d.direction::text = 'downgrade' AND d.outcome::text = 'done')"
	" FROM (SELECT j.id::bigint, j.checksum::text FROM cmig.journal j"
	" WHERE j.revision::text = $1 AND j.outcome::text = 'done' AND j.scope::text = $2"
	" AND j.direction::text IN ('upgrade', 'repair') AND j.checksum::text IS NOT NULL"
	" ORDER BY j.id::bigint DESC LIMIT 1) r",
	2, {TEXTOID, TEXTOID}
};

static CmigQuery last_query = {
	"SELECT coalesce(revision::text, ''), coalesce(direction::text, ''),"
	" coalesce(outcome::text, ''), sqlstate::text, message::text, statement::integer"
	" FROM cmig.journal WHERE direction::text NOT IN ('repair', 'drift') AND scope::text = $1"
	" ORDER BY id::bigint DESC LIMIT 1",
	1, {TEXTOID}
};

static CmigQuery listing_query = {
	"SELECT revision::text, coalesce(direction::text, ''), coalesce(outcome::text, ''),"
	" coalesce(role::text, ''), sqlstate::text, message::text,"
	" date_trunc('second', started_at::timestamptz), date_trunc('milliseconds', elapsed::interval)"
	" FROM cmig.journal WHERE scope::text = $1 ORDER BY id::bigint DESC",
	1, {TEXTOID}
};

static CmigQuery widths_query = {
	"SELECT max(char_length(revision::text)), max(char_length(role::text)) FROM cmig.journal"
	" WHERE scope::text = $1",
	1, {TEXTOID}
};

static CmigQuery applied_query = {
	"SELECT DISTINCT ON (revision) revision::text,"
	" date_trunc('second', started_at::timestamptz + coalesce(elapsed::interval, '0'))"
	" FROM cmig.journal WHERE outcome::text = 'done' AND direction::text IN ('upgrade', 'stamp')"
	" AND scope::text = $1 ORDER BY revision, id DESC",
	1, {TEXTOID}
};

static CmigQuery last_drift_query = {
	"SELECT CASE WHEN isfinite(j.started_at::timestamptz)"
	" THEN extract(epoch FROM clock_timestamp() - j.started_at::timestamptz)::float8 ELSE 0 END,"
	" coalesce(j.message::text, ''), EXISTS (SELECT FROM cmig.journal n"
	" WHERE n.id > j.id AND n.scope::text = j.scope::text AND n.direction::text NOT IN ('drift', 'repair'))"
	" FROM cmig.journal j WHERE j.revision IS NULL AND j.direction::text = 'drift'"
	" AND j.scope::text = $1 ORDER BY j.id DESC LIMIT 1",
	1, {TEXTOID}
};

static CmigQuery captured_query = {
	"SELECT DISTINCT revision::text, checksum::text FROM cmig.journal"
	" WHERE revision::text = ANY ($1) AND direction::text = 'drift' AND checksum IS NOT NULL"
	" AND role::text = $2 AND scope::text = ''",
	2, {TEXTARRAYOID, TEXTOID}
};

static CmigQuery paths_query = {
	"SELECT p.revision, p.search_path, p.role FROM ("
	" SELECT DISTINCT ON (j.revision::text) j.revision::text, j.search_path::text, j.role::text"
	"  FROM cmig.journal j WHERE j.direction::text = 'upgrade' AND j.outcome::text = 'done' AND j.revision IS NOT NULL"
	"  AND j.scope::text = $3"
	"  ORDER BY j.revision::text, j.id::bigint DESC) p"
	" WHERE p.search_path <> $1 OR (p.search_path ~ '[$]user' AND p.role <> $2)",
	3, {TEXTOID, TEXTOID, TEXTOID}
};

/*
 * Run a query whose only argument is the current scope, and call the callback
 * for each row.  Returns the number of rows.
 */
static uint64
each_of_scope(CmigQuery *query, CmigRowCallback callback, void *arg)
{
	Datum		values[1] = {own_scope()};

	return cmig_query_each(query, values, NULL, callback, arg);
}

/* A caller's callback, which has one of several types, and its argument. */
typedef struct Reader
{
	CmigJournalPathCallback path;
	CmigJournalShow show;
	CmigJournalApplied applied;
	CmigJournalCaptured captured;
	void	   *arg;
} Reader;

static void
read_path(TupleDesc desc, HeapTuple row, void *arg)
{
	const Reader *reader = arg;

	reader->path(cmig_query_text(desc, row, 1), cmig_query_text(desc, row, 2),
				 cmig_query_text_or_null(desc, row, 3), reader->arg);
}

void
cmig_journal_read_paths(const char *search_path, const char *role,
						CmigJournalPathCallback callback, void *arg)
{
	Datum		values[3] = {CStringGetTextDatum(search_path), CStringGetTextDatum(role), own_scope()};
	Reader		reader = {.path = callback,.arg = arg};

	cmig_query_each(&paths_query, values, NULL, read_path, &reader);
}

char *
cmig_journal_read_checksum(const char *revision)
{
	Datum		values[2] = {CStringGetTextDatum(revision), own_scope()};
	char	   *checksum = NULL;

	cmig_query_each(&checksum_query, values, NULL, cmig_query_keep_text, &checksum);
	if (checksum == NULL)
		cmig_query_each(&any_checksum_query, values, NULL, cmig_query_keep_text, &checksum);
	return checksum;
}

/*
 * Row callback of repeatable_query: store the row in a CmigJournalRepeatable.
 */
static void
keep_repeatable(TupleDesc desc, HeapTuple row, void *arg)
{
	CmigJournalRepeatable *last = arg;

	last->checksum = cmig_query_text(desc, row, 1);
	last->reverted = cmig_query_bool(desc, row, 2, false);
}

CmigJournalRepeatable
cmig_journal_read_repeatable(const char *revision)
{
	Datum		values[2] = {CStringGetTextDatum(revision), own_scope()};
	CmigJournalRepeatable last = {0};

	cmig_query_each(&repeatable_query, values, NULL, keep_repeatable, &last);
	return last;
}

/* Row callback of last_query: store the row in a CmigJournalEntry. */
static void
keep_last(TupleDesc desc, HeapTuple row, void *arg)
{
	CmigJournalEntry *entry = arg;

	entry->revision = cmig_query_text(desc, row, 1);
	entry->direction = cmig_query_text(desc, row, 2);
	entry->outcome = cmig_query_text(desc, row, 3);
	entry->sqlstate = cmig_query_text_or_null(desc, row, 4);
	entry->message = cmig_query_text_or_null(desc, row, 5);
	entry->statement = cmig_query_int32(desc, row, 6, 0);
}

bool
cmig_journal_read_last(CmigJournalEntry *entry)
{
	memset(entry, 0, sizeof(*entry));
	return each_of_scope(&last_query, keep_last, entry) > 0;
}

/* Row callback of last_drift_query: store the row in a CmigJournalDrift. */
static void
keep_drift(TupleDesc desc, HeapTuple row, void *arg)
{
	CmigJournalDrift *drift = arg;

	drift->seconds = cmig_query_float8(desc, row, 1, 0);
	drift->message = cmig_query_text(desc, row, 2);
	drift->is_past = cmig_query_bool(desc, row, 3, false);
}

bool
cmig_journal_read_last_drift(CmigJournalDrift *drift)
{
	memset(drift, 0, sizeof(*drift));
	return each_of_scope(&last_drift_query, keep_drift, drift) > 0;
}

char *
cmig_journal_read_ago(double seconds)
{
	static const struct
	{
		int			length;
		const char *name;
	}			units[] = {
		{86400, "day"}, {3600, "hour"}, {60, "minute"}, {1, "second"}
	};
	int			i = 0;
	long		count;

	while (i < lengthof(units) - 1 && seconds < units[i].length)
		i++;
	count = Max((long) (seconds / units[i].length), 0);
	return psprintf("%ld %s%s ago", count, units[i].name, count == 1 ? "" : "s");
}

/* Row callback of listing_query: pass the row on to the caller's callback. */
static void
show_row(TupleDesc desc, HeapTuple row, void *arg)
{
	const Reader *reader = arg;
	CmigJournalShown shown = {0};
	bool		isnull;
	Datum		value;

	shown.revision = cmig_query_text_or_null(desc, row, 1);
	shown.direction = cmig_query_text(desc, row, 2);
	shown.outcome = cmig_query_text(desc, row, 3);
	shown.role = cmig_query_text(desc, row, 4);
	shown.sqlstate = cmig_query_text_or_null(desc, row, 5);
	shown.message = cmig_query_text_or_null(desc, row, 6);
	shown.started_at = DatumGetTimestampTz(cmig_query_datum(desc, row, 7, &isnull));
	shown.has_started_at = !isnull;
	value = cmig_query_datum(desc, row, 8, &isnull);
	shown.elapsed = isnull ? NULL : DatumGetIntervalP(value);
	reader->show(&shown, reader->arg);
}

void
cmig_journal_read_each(CmigJournalShow callback, void *arg)
{
	Reader		reader = {.show = callback,.arg = arg};

	each_of_scope(&listing_query, show_row, &reader);
}

/* Row callback of widths_query: store the row in a CmigJournalWidths. */
static void
keep_widths(TupleDesc desc, HeapTuple row, void *arg)
{
	CmigJournalWidths *widths = arg;

	widths->revision = cmig_query_int32(desc, row, 1, 0);
	widths->role = cmig_query_int32(desc, row, 2, 0);
}

CmigJournalWidths
cmig_journal_read_widths(void)
{
	CmigJournalWidths widths = {0};

	each_of_scope(&widths_query, keep_widths, &widths);
	return widths;
}

/* Row callback of applied_query: pass the row on to the caller's callback. */
static void
show_applied(TupleDesc desc, HeapTuple row, void *arg)
{
	const Reader *reader = arg;
	char	   *revision = cmig_query_text_or_null(desc, row, 1);
	bool		isnull;
	Datum		at = cmig_query_datum(desc, row, 2, &isnull);

	if (revision && !isnull)
		reader->applied(revision, DatumGetTimestampTz(at), reader->arg);
	if (revision)
		pfree(revision);
}

void
cmig_journal_read_each_applied(CmigJournalApplied callback, void *arg)
{
	Reader		reader = {.applied = callback,.arg = arg};

	each_of_scope(&applied_query, show_applied, &reader);
}

/* Row callback of captured_query: pass the row on to the caller's callback. */
static void
pass_captured(TupleDesc desc, HeapTuple row, void *arg)
{
	const Reader *reader = arg;

	reader->captured(cmig_query_text(desc, row, 1), cmig_query_text(desc, row, 2), reader->arg);
}

void
cmig_journal_read_each_captured(const CmigNames *revisions, CmigJournalCaptured callback, void *arg)
{
	Reader		reader = {.captured = callback,.arg = arg};
	Datum		values[2] = {cmig_catalog_names_datum(revisions), CStringGetTextDatum(cmig_session_role())};

	cmig_query_each(&captured_query, values, NULL, pass_captured, &reader);
}

PG_FUNCTION_INFO_V1(cmig_journal_trigger);

/*
 * Ids up to this one are always accepted, because enough ids remain after
 * them.  Therefore, the last id need not be looked up for each row.
 */
#define ALWAYS_NEAR (INT64CONST(1) << 40)

/*
 * Get the value of a column in the new row.  Returns false if the value is
 * null, or if the column does not exist or has a type other than "type".
 */
static bool
value_of(const TriggerData *trigger, HeapTuple row, const char *name, Oid type, Datum *value)
{
	TupleDesc	desc = RelationGetDescr(trigger->tg_relation);
	int			column = get_attnum(RelationGetRelid(trigger->tg_relation), name);
	bool		isnull;

	if (column == InvalidAttrNumber || TupleDescAttr(desc, column - 1)->atttypid != type)
		return false;
	*value = heap_getattr(row, column, desc, &isnull);
	return !isnull;
}

/*
 * The BEFORE INSERT trigger on cmig.journal.  If a session writes a row
 * manually, the trigger waits for a run in progress, because the run could use
 * the same id.  A role with the INSERT privilege on the whole table, such as
 * the owner or a role that restores a dump, is allowed to write any row.  If
 * such a role writes a row of another scope, the trigger does not wait,
 * because a dump can contain rows of more scopes than there are locks.  Other
 * roles are allowed to write only rows of the current scope, for runs that
 * they could have started.
 */
Datum
cmig_journal_trigger(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;
	HeapTuple	row;
	Datum		value;
	bool		may_write_all;
	Oid			role;
	int64		last;

	if (!CALLED_AS_TRIGGER(fcinfo) || !TRIGGER_FIRED_BEFORE(trigger->tg_event) ||
		!TRIGGER_FIRED_FOR_ROW(trigger->tg_event) || !TRIGGER_FIRED_BY_INSERT(trigger->tg_event))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("cmig.journal_trigger() must be called before each INSERT into cmig.journal"),
				 errhint("CREATE EXTENSION pg_cmig creates the trigger. Do not create another one.")));
	row = trigger->tg_trigtuple;

	may_write_all = pg_class_aclcheck(RelationGetRelid(trigger->tg_relation), GetUserId(), ACL_INSERT) == ACLCHECK_OK;
	if (value_of(trigger, row, "scope", TEXTOID, &value) &&
		strcmp(TextDatumGetCString(value), cmig_scope_current()) != 0)
	{
		if (may_write_all)
			return PointerGetDatum(row);
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied to insert a row into cmig.journal for another scope"),
				 errdetail("The current scope is %s.", cmig_scope_text()),
				 errhint("Do not insert rows into cmig.journal. Only pg_cmig writes to it.")));
	}
	if (!cmig_run_lock_held())
		cmig_run_lock_transaction("an INSERT into cmig.journal");
	if (may_write_all)
		return PointerGetDatum(row);

	/* the role must be one as which the caller is allowed to run scripts */
	if (value_of(trigger, row, "role", NAMEOID, &value))
	{
		role = get_role_oid(NameStr(*DatumGetName(value)), true);
		if (!OidIsValid(role) ||
			(role != GetUserId() && !cmig_can_set_role_compat(GetSessionUserId(), role)))
			ereport(ERROR,
					(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
					 errmsg("permission denied to insert a row into cmig.journal for role \"%s\"",
							NameStr(*DatumGetName(value))),
					 errdetail("Role \"%s\" cannot SET ROLE to that role.",
							   GetUserNameFromId(GetSessionUserId(), true)),
					 errhint("Do not insert rows into cmig.journal. Only pg_cmig writes to it.")));
	}

	/* enough ids must remain after the row's */
	if (value_of(trigger, row, "id", INT8OID, &value) && DatumGetInt64(value) > ALWAYS_NEAR)
	{
		last = Max(last_id(), 0);
		if (DatumGetInt64(value) - last > CMIG_JOURNAL_BATCH)
			ereport(ERROR,
					(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
					 errmsg("permission denied to insert a row into cmig.journal with id " INT64_FORMAT,
							DatumGetInt64(value)),
					 errdetail("The next row has id " INT64_FORMAT ".", last + 1),
					 errhint("Do not insert rows into cmig.journal. Only pg_cmig writes to it.")));
	}
	return PointerGetDatum(row);
}
