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
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rls.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

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
	{TEXTOID}
};

/*
 * A query for the greatest id that is followed by enough free ids for a whole
 * batch.  The query is slow, and is used only if the greatest id of all is not
 * followed by enough ids.
 */
static CmigQuery gap_query = {
	"SELECT max(id)::text FROM (SELECT id::bigint, lead(id::bigint) OVER (ORDER BY id::bigint)"
	" FROM (SELECT 0 AS id UNION ALL SELECT id::bigint FROM cmig.journal WHERE id::bigint > 0"
	" AND scope::text = $1) j) k (id, next)"
	" WHERE coalesce(next, 9223372036854775807)::numeric - id > " CppAsString2(CMIG_JOURNAL_BATCH),
	{TEXTOID}
};

/*
 * Returns the id that a query finds in the current scope, or 0 if it finds
 * none.  The query sees all committed rows, including those that are not
 * visible to a REPEATABLE READ transaction.
 */
static int64
id_of(CmigQuery *query)
{
	Datum		values[1] = {CStringGetTextDatum(cmig_scope_current())};
	char	   *text = cmig_query_at_snapshot(query, values, cmig_latest_snapshot());

	return text ? DatumGetInt64(DirectFunctionCall1(int8in, CStringGetDatum(text))) : 0;
}

int64
cmig_journal_out_of_order(void)
{
	int64		id = id_of(&last_id_query);

	return id > PG_INT64_MAX - CMIG_JOURNAL_BATCH ? id : 0;
}

/*
 * Returns the id after which the ids of the next new rows start.  At least
 * CMIG_JOURNAL_BATCH ids after it are free.
 */
static int64
last_id(void)
{
	int64		id = id_of(&last_id_query);

	return id > PG_INT64_MAX - CMIG_JOURNAL_BATCH ? id_of(&gap_query) : id;
}

int64
cmig_journal_write(const CmigJournalEntry *entry)
{
	/* a time of zero is that of a step that has not finished */
	static CmigQuery query = {
		"INSERT INTO cmig.journal (id, revision, direction, outcome, started_at,"
		" elapsed, role, application_name,"
		" transaction_id, checksum, search_path, sqlstate, message, statement, scope)"
		" VALUES ($1, $2, $3, $4, $5, nullif($6, '2000-01-01 00:00:00+00') - $5, $7::name, $8,"
		" pg_current_xact_id(), $9, $10, $11, $12, nullif($13, 0), $14)",
		{INT8OID, TEXTOID, TEXTOID, TEXTOID, TIMESTAMPTZOID, TIMESTAMPTZOID,
		TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, INT4OID, TEXTOID}
	};
	TimestampTz now = GetCurrentTimestamp();
	bool		at_once = entry->started_at == 0;
	int64		id = last_id() + 1;

	cmig_query_do(&query, id, entry->revision, entry->direction,
				  entry->outcome ? entry->outcome : "done",
				  at_once ? now : entry->started_at, at_once ? now : entry->finished_at,
				  cmig_session_role(), application_name, entry->checksum,
				  cmig_session_search_path(),
				  entry->sqlstate, entry->message, entry->statement, cmig_scope_current());
	return id;
}

void
cmig_journal_finish(int64 id, const CmigJournalEntry *entry)
{
	static CmigQuery query = {
		"UPDATE cmig.journal SET outcome = $2, elapsed = $3 - $4,"
		" transaction_id = CASE WHEN $2 = 'done' THEN pg_current_xact_id() END,"
		" checksum = coalesce($5, checksum::text), sqlstate = $6, message = $7, statement = nullif($8, 0)"
		" WHERE id::bigint = $1 AND scope::text = $9",
		{INT8OID, TEXTOID, TIMESTAMPTZOID, TIMESTAMPTZOID, TEXTOID, TEXTOID, TEXTOID, INT4OID,
		TEXTOID}
	};

	cmig_query_do(&query, id, entry->outcome, entry->finished_at, entry->started_at,
				  entry->checksum,
				  entry->sqlstate, entry->message, entry->statement, cmig_scope_current());
}

void
cmig_journal_interrupted(void)
{
	static CmigQuery query = {
		"UPDATE cmig.journal SET outcome = 'failed', transaction_id = NULL,"
		" message = 'the run was interrupted' WHERE outcome::text = 'running' AND scope::text = $1",
		{TEXTOID}
	};

	cmig_query_do(&query, cmig_scope_current());
}

/*
 * The rows come after those that the current scope has, which are of a former
 * schema with its name.  As the table's owner, because a migrator is not allowed
 * to change these columns.
 */
void
cmig_journal_take(const char *scope)
{
	static CmigQuery query = {
		"UPDATE cmig.journal SET scope = $2, id = id::bigint"
		" + (SELECT coalesce(max(k.id::bigint), 0) FROM cmig.journal k WHERE k.scope::text = $2)"
		" WHERE scope::text = $1",
		{TEXTOID, TEXTOID}
	};
	const char *current = cmig_scope_current();
	CmigRole	caller;

	cmig_role_act_as_owner(&caller, cmig_role_owner_of(get_relname_relid("journal",
																		 get_namespace_oid("cmig", false))));
	cmig_query_do(&query, scope, current);
	cmig_role_return(&caller);
}

bool
cmig_journal_has_running(void)
{
	static CmigQuery query = {
		"SELECT FROM cmig.journal WHERE outcome::text = 'running' AND scope::text = $1 LIMIT 1",
		{TEXTOID}
	};

	return cmig_query_do(&query, cmig_scope_current()) > 0;
}

/*
 * Returns an array with the strings or times at an offset in each entry.  A
 * string may be NULL.
 */
static Datum
field_array(const CmigJournalBatch *batch, Oid type, Size offset)
{
	Datum		elements[CMIG_JOURNAL_BATCH];
	bool		nulls[CMIG_JOURNAL_BATCH] = {0};
	int			count = batch->count;
	int			lower = 1;
	bool		times = type == TIMESTAMPTZOID;

	for (int i = 0; i < count; i++)
	{
		const char *field = (const char *) &batch->entries[i] + offset;
		const char *text = times ? NULL : *(const char *const *) field;

		nulls[i] = !times && text == NULL;
		elements[i] = times ? TimestampTzGetDatum(*(const TimestampTz *) field) :
			text ? CStringGetTextDatum(text) : (Datum) 0;
	}
	return PointerGetDatum(construct_md_array(elements, nulls, 1, &count, &lower, type,
											  times ? 8 : -1,
											  times && FLOAT8PASSBYVAL,
											  times ? TYPALIGN_DOUBLE : TYPALIGN_INT));
}

/* Write the rows in the batch, and empty the batch. */
static void
write_batch(CmigJournalBatch *batch)
{
	static CmigQuery query = {
		"INSERT INTO cmig.journal (id, revision, direction, outcome, started_at,"
		" elapsed, role, application_name,"
		" transaction_id, checksum, search_path, message, scope)"
		" SELECT $11 + e.n, e.revision, e.direction, e.outcome, e.started_at,"
		" e.finished_at - e.started_at, $8::name, $9,"
		" pg_current_xact_id(), e.checksum, $10, e.message, $12"
		" FROM ROWS FROM (unnest($1), unnest($2), unnest($3), unnest($4), unnest($5),"
		" unnest($6), unnest($7)) WITH ORDINALITY AS e (revision, direction, outcome,"
		" started_at, finished_at, checksum, message, n) ORDER BY e.n",
		{TEXTARRAYOID, TEXTARRAYOID, TEXTARRAYOID, TIMESTAMPTZARRAYOID,
			TIMESTAMPTZARRAYOID, TEXTARRAYOID, TEXTARRAYOID, TEXTOID, TEXTOID, TEXTOID,
		INT8OID, TEXTOID}
	};
	static const Size offsets[] = {
		offsetof(CmigJournalEntry, revision), offsetof(CmigJournalEntry, direction),
		offsetof(CmigJournalEntry, outcome), offsetof(CmigJournalEntry, started_at),
		offsetof(CmigJournalEntry, finished_at), offsetof(CmigJournalEntry, checksum),
		offsetof(CmigJournalEntry, message)
	};
	Datum		values[12];
	char		nulls[13] = "       nnn  ";
	MemoryContext old = MemoryContextSwitchTo(batch->context);

	for (int i = 0; i < lengthof(offsets); i++)
		values[i] = field_array(batch, query.argtypes[i] == TEXTARRAYOID ? TEXTOID : TIMESTAMPTZOID,
								offsets[i]);
	cmig_query_bind_text(values, nulls, 7, cmig_session_role());
	cmig_query_bind_text(values, nulls, 8, application_name);
	cmig_query_bind_text(values, nulls, 9, cmig_session_search_path());
	values[10] = Int64GetDatum(last_id());
	values[11] = CStringGetTextDatum(cmig_scope_current());
	cmig_query_run(&query, values, nulls);
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

List *
cmig_journal_read_paths(const char *search_path, const char *role)
{
	static CmigQuery query = {
		"SELECT p.revision, p.search_path, p.role FROM ("
		" SELECT DISTINCT ON (j.revision::text) j.revision::text, j.search_path::text, j.role::text"
		"  FROM cmig.journal j WHERE j.direction::text = 'upgrade' AND j.outcome::text = 'done'"
		" AND j.revision IS NOT NULL"
		"  AND j.scope::text = $3"
		"  ORDER BY j.revision::text, j.id::bigint DESC) p"
		" WHERE p.search_path <> $1 OR (p.search_path ~ '[$]user' AND p.role <> $2)",
		{TEXTOID, TEXTOID, TEXTOID}
	};

	return cmig_query_list(&query, search_path, role, cmig_scope_current());
}

/*
 * The last checksum of the revision in the current scope comes first, and then
 * that in any scope.  A repair in the database counts for all scopes.  Rows of
 * different scopes are ordered by time, because their ids do not show the
 * order.
 */
char *
cmig_journal_read_checksum(const char *revision)
{
	static CmigQuery query = {
		"SELECT j.checksum::text FROM cmig.journal j,"
		" LATERAL (SELECT j.scope::text = $2 OR (j.scope::text = ''"
		" AND j.direction::text = 'repair')) o (own)"
		" WHERE j.revision::text = $1 AND j.outcome::text = 'done'"
		" AND j.direction::text IN ('upgrade', 'stamp', 'repair') AND j.checksum::text IS NOT NULL"
		" ORDER BY o.own DESC, CASE WHEN $2 <> '' OR NOT o.own THEN j.started_at::timestamptz"
		" END DESC NULLS LAST,"
		" j.id::bigint DESC LIMIT 1",
		{TEXTOID, TEXTOID}
	};

	return cmig_query_value(&query, revision, cmig_scope_current());
}

CmigJournalRepeatable
cmig_journal_read_repeatable(const char *revision)
{
	static CmigQuery query = {
		"SELECT r.checksum, EXISTS (SELECT FROM cmig.journal d WHERE d.id::bigint > r.id"
		" AND d.scope::text = $2 AND d.direction::text = 'downgrade' AND d.outcome::text = 'done')"
		" FROM (SELECT j.id::bigint, j.checksum::text FROM cmig.journal j"
		" WHERE j.revision::text = $1 AND j.outcome::text = 'done' AND j.scope::text = $2"
		" AND j.direction::text IN ('upgrade', 'repair') AND j.checksum::text IS NOT NULL"
		" ORDER BY j.id::bigint DESC LIMIT 1) r",
		{TEXTOID, TEXTOID}
	};
	char	  **row = cmig_query_row(&query, revision, cmig_scope_current());

	return row ? (CmigJournalRepeatable)
	{
		row[0], *row[1] == 't'
	} : (CmigJournalRepeatable)
	{
		0
	};
}

bool
cmig_journal_read_last(CmigJournalEntry *entry)
{
	static CmigQuery query = {
		"SELECT coalesce(revision::text, ''), coalesce(direction::text, ''),"
		" coalesce(outcome::text, ''), message::text, coalesce(statement::integer, 0)"
		" FROM cmig.journal WHERE direction::text NOT IN ('repair', 'drift') AND scope::text = $1"
		" ORDER BY id::bigint DESC LIMIT 1",
		{TEXTOID}
	};
	char	  **row = cmig_query_row(&query, cmig_scope_current());

	if (row != NULL)
		*entry = (CmigJournalEntry)
	{
		.revision = row[0],.direction = row[1],.outcome = row[2],.message = row[3],.statement =
			atoi(row[4])
	};
	return row != NULL;
}

bool
cmig_journal_read_last_drift(CmigJournalDrift *drift)
{
	static CmigQuery query = {
		"SELECT CASE WHEN isfinite(j.started_at::timestamptz)"
		" THEN extract(epoch FROM clock_timestamp() - j.started_at::timestamptz)::bigint ELSE 0 END,"
		" coalesce(j.message::text, ''), EXISTS (SELECT FROM cmig.journal n"
		" WHERE n.id > j.id AND n.scope::text = j.scope::text"
		" AND n.direction::text NOT IN ('drift', 'repair', 'expand', 'abandon'))"
		" FROM cmig.journal j WHERE j.revision IS NULL AND j.direction::text = 'drift'"
		" AND j.scope::text = $1 ORDER BY j.id DESC LIMIT 1",
		{TEXTOID}
	};
	char	  **row = cmig_query_row(&query, cmig_scope_current());

	if (row != NULL)
		*drift = (CmigJournalDrift)
	{
		cmig_journal_ago(strtod(row[0], NULL)), row[1], *row[2] == 't'
	};
	return row != NULL;
}

char *
cmig_journal_ago(double seconds)
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

List *
cmig_journal_read_rows(int most)
{
	static CmigQuery query = {
		"SELECT revision::text, coalesce(direction::text, ''), coalesce(outcome::text, ''),"
		" coalesce(role::text, ''), CASE WHEN sqlstate IS NULL THEN message::text"
		"  ELSE sqlstate::text || ': ' || message::text END,"
		" coalesce(to_char(started_at::timestamptz, 'YYYY-MM-DD HH24:MI:SSOF'), started_at::text),"
		" CASE WHEN ms < 1000 THEN round(ms) || ' ms' WHEN ms < 120000"
		" THEN round(ms / 1000, 1) || ' s'"
		"  ELSE round(ms / 60000) || ' min' END, count(*) OVER ()"
		" FROM cmig.journal, LATERAL (SELECT extract(epoch FROM elapsed::interval) * 1000) e (ms)"
		" WHERE scope::text = $1 ORDER BY id::bigint DESC LIMIT $2",
		{TEXTOID, INT4OID}
	};

	return cmig_query_list(&query, cmig_scope_current(), most);
}

/*
 * A message is that of an error or of the revision.  It is truncated so that
 * psql prints lines of 100 characters: the columns other than "direction",
 * "revision", "role", and the message, with the separators, have 51.
 */
void
cmig_journal_return_log(ReturnSetInfo *result)
{
	static CmigQuery query = {
		"SELECT date_trunc('second', j.started_at::timestamptz),"
		" concat_ws(' ', coalesce(j.direction::text, ''),"
		"  CASE WHEN j.direction::text = 'stamp' AND j.message::text = '" CMIG_JOURNAL_REMOVED "' THEN 'removed' END,"
		"  CASE WHEN j.outcome::text IS DISTINCT FROM 'done'"
		" THEN coalesce(j.outcome::text, '') END),"
		" j.revision::text, coalesce(j.role::name, ''), date_trunc('milliseconds', j.elapsed::interval),"
		" CASE WHEN m.line = m.message AND char_length(m.line) <= w.width THEN m.line"
		"  ELSE left(m.line, w.width - 3) || '...' END"
		" FROM cmig.journal j LEFT JOIN cmig.revision r ON r.revision::text = j.revision::text,"
		" LATERAL (SELECT coalesce(j.sqlstate::text || ': ' || j.message::text, j.message::text, r.message::text, '')) t (message),"
		" LATERAL (SELECT t.message, (regexp_match(t.message, '^[^\r\n]*'))[1]) m (message, line),"
		" (SELECT greatest(20, 100 - 51 - 9 - greatest(8, max(char_length(revision::text)))"
		"  - greatest(4, max(char_length(role::text)))) FROM cmig.journal"
		" WHERE scope::text = $1) w (width)"
		" WHERE j.scope::text = $1 ORDER BY j.id::bigint DESC",
		{TEXTOID}
	};
	Datum		values[1] = {CStringGetTextDatum(cmig_scope_current())};

	cmig_extension_share();
	if (cmig_query_each(&query, values, NULL, cmig_query_return_row, result) == 0)
		cmig_citus_warn_worker();
}

void
cmig_journal_each_applied(CmigRowCallback callback, void *arg)
{
	static CmigQuery query = {
		"SELECT DISTINCT ON (revision) revision::text,"

		/*
		 * in seconds: an interval that compares as short can have years and
		 * days that do not
		 */
		" date_trunc('second', started_at::timestamptz + CASE WHEN started_at::timestamptz < '9000-01-01'"
		"  AND elapsed::interval BETWEEN '0' AND '900 years'"
		" THEN make_interval(secs => extract(epoch FROM elapsed::interval)::float8) ELSE '0' END)"
		" FROM cmig.journal WHERE outcome::text = 'done'"
		" AND direction::text IN ('upgrade', 'stamp')"
		" AND revision IS NOT NULL AND started_at IS NOT NULL AND scope::text = $1"
		" ORDER BY revision, id DESC",
		{TEXTOID}
	};
	Datum		values[1] = {CStringGetTextDatum(cmig_scope_current())};

	cmig_query_each(&query, values, NULL, callback, arg);
}

List *
cmig_journal_read_captured(const CmigNames *revisions)
{
	static CmigQuery query = {
		"SELECT DISTINCT revision::text, checksum::text, substring(message::text"
		" FROM '^captured, excluded: ({.*})$') FROM cmig.journal"
		" WHERE revision::text = ANY ($1) AND direction::text = 'drift' AND checksum IS NOT NULL"
		" AND role::text = $2 AND scope::text = ''",
		{TEXTARRAYOID, TEXTOID}
	};

	return cmig_query_list(&query, revisions, cmig_session_role());
}

const char *
cmig_journal_captured_meanwhile(Snapshot snapshot)
{
	static CmigQuery query = {
		"SELECT revision::text, transaction_id::text,"
		" CASE WHEN started_at::timestamptz BETWEEN now() - interval '1 month' AND now() + interval '1 month'"
		" THEN elapsed::interval BETWEEN now() - started_at::timestamptz"
		" AND clock_timestamp() - started_at::timestamptz END::text"
		" FROM cmig.journal j"
		" WHERE direction::text = 'drift' AND checksum IS NOT NULL AND scope::text = ''"
		" AND transaction_id IS DISTINCT FROM pg_current_xact_id_if_assigned()"
		" AND coalesce(transaction_id < pg_snapshot_xmax(pg_current_snapshot()), true)"
		" AND NOT EXISTS (SELECT FROM cmig.revision r WHERE r.revision::text = j.revision::text)"
		" ORDER BY id DESC LIMIT 1"
	};
	CmigValue  *row = cmig_query_row(&query);

	if (row == NULL)
		return NULL;

	/*
	 * the snapshot tells what was not committed then, and the time, what was
	 * not written; rows that a migrator has written cannot lie in the future
	 */
	if ((row[2] != NULL && strcmp(row[2], "true") == 0) ||
		(row[1] != NULL && XidInMVCCSnapshot((TransactionId) strtoull(row[1], NULL, 10), snapshot)))
		return row[0];
	return NULL;
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
	*value = cmig_getattr_compat(row, column, desc, &isnull);
	return !isnull;
}

/* ----------------------------------------------------------------
 * Checks who writes a row of cmig.backfill_run.
 *
 * The place from which a backfill continues decides which rows of its table are
 * updated again, or not at all.  So the row is about a table, and not about a
 * name, which could be that of another table for a moment: target_id is the
 * table's OID and the database in which it is that, and after a space, the OIDs of
 * the partitions in "parts".  Only the trigger sets it, so that a row and its table
 * belong together from the beginning.
 *
 * cmig.backfill has checked that its role may run the UPDATE, and writes the row
 * of the table that it has locked.  By hand, a role writes it only if it may
 * update all rows and columns of the table.  The level "owner", which restores
 * dumps, writes any row: no other one has TRUNCATE.  If such a role writes a row of
 * another database, as a restore does, its name is looked up, this one time.
 * ----------------------------------------------------------------
 */

Oid			cmig_backfill_row_table = InvalidOid;
const char *cmig_backfill_row_parts = NULL;

char *
cmig_backfill_row_id(Oid table)
{
	return psprintf("%s/%u", cmig_versions_database(), table);
}

bool
cmig_backfill_row_any(void)
{
	Oid			rows = get_relname_relid("backfill_run", get_namespace_oid("cmig", false));

	return pg_class_aclcheck(rows, GetUserId(), ACL_TRUNCATE) == ACLCHECK_OK;
}

/* Returns the value of a column of type text, or NULL. */
static char *
text_of(const TriggerData *trigger, HeapTuple row, const char *name)
{
	Datum		value;

	return value_of(trigger, row, name, TEXTOID, &value) ? TextDatumGetCString(value) : NULL;
}

/* Returns the table that has the name now: only the role of scripts may have USAGE. */
static Oid
table_named(const char *target)
{
	static CmigQuery query = {"SELECT " CMIG_RELATION_NAMED("$1"), {TEXTOID}};
	char	   *table = target ? cmig_query_value(&query, target) : NULL;

	return table ? atooid(table) : InvalidOid;
}

/*
 * Returns the table of a row, or InvalidOid if it is not known in this database.
 * pg_upgrade keeps the OIDs, but the cluster is another one.  So the table must
 * then still have the name, too.
 */
static Oid
table_of(const char *target, const char *id)
{
	const char *given = id ? pnstrdup(id, strcspn(id, " ")) : "";
	const char *last = strrchr(given, '/');
	Oid			table = last ? atooid(last + 1) : InvalidOid;
	const char *own = cmig_backfill_row_id(table);

	if (!OidIsValid(table) || strcmp(strchr(given, '/'), strchr(own, '/')) != 0)
		return InvalidOid;
	return strcmp(given, own) == 0 || table_named(target) == table ? table : InvalidOid;
}

/* Can the current role, or the one that runs scripts, update the whole table? */
static bool
may_update(Oid table)
{
	Oid			roles[] = {GetUserId(), get_role_oid(cmig_session_role(), true)};

	for (int i = 0; i < lengthof(roles); i++)
	{
		bool		missing = false;

		if (OidIsValid(roles[i]) &&
			(i == 0 || cmig_can_set_role_compat(GetUserId(), roles[i])) &&
			pg_class_aclcheck_ext(table, roles[i], ACL_UPDATE, &missing) == ACLCHECK_OK &&
			check_enable_rls(table, roles[i], true) != RLS_ENABLED)
			return true;
	}
	return false;
}

/* Raise an error unless the row of this table may be written by hand. */
static void
require_may_update(Oid table, const char *target, bool is_delete)
{
	if (OidIsValid(table) &&
		(table == cmig_backfill_row_table || may_update(table) ||
		 (is_delete && !SearchSysCacheExists1(RELOID, ObjectIdGetDatum(table)))))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("permission denied to write a row of cmig.backfill_run for table %s",
					target ? target : "NULL"),
			 OidIsValid(table) ? 0 : errdetail("The row is not about a table of this database."),
			 errhint("Only a role that can update the table, or has the level \"owner\", can do this.")));
}

/* The BEFORE trigger on cmig.backfill_run: returns the row that is written. */
static HeapTuple
check_backfill_row(const TriggerData *trigger)
{
	bool		is_delete = TRIGGER_FIRED_BY_DELETE(trigger->tg_event);
	HeapTuple	old = TRIGGER_FIRED_BY_INSERT(trigger->tg_event) ? NULL : trigger->tg_trigtuple;
	HeapTuple	new = old && !is_delete ? trigger->tg_newtuple : trigger->tg_trigtuple;
	char	   *target = text_of(trigger, new, "target");
	char	   *id = text_of(trigger, new, "target_id");
	char	   *old_target = old ? text_of(trigger, old, "target") : NULL;
	char	   *old_id = old ? text_of(trigger, old, "target_id") : NULL;
	bool		same = old && cmig_text_same(target, old_target);
	bool		any = cmig_backfill_row_any();
	Oid			table = InvalidOid;
	int			column = get_attnum(RelationGetRelid(trigger->tg_relation), "target_id");
	Datum		value;
	bool		isnull = false;
	const char *parts;

	if (old && (same || !any))
		table = table_of(old_target, old_id);
	if (old && !any)
		require_may_update(table, old_target, is_delete);
	if (is_delete)
		return old;

	if (OidIsValid(cmig_backfill_row_table))
		table = cmig_backfill_row_table;
	else if (any && !cmig_text_same(id, old_id))
		table = table_of(target, id);
	else if (!same)
		table = InvalidOid;
	if (!OidIsValid(table))
		table = table_named(target);
	if (!any)
		require_may_update(table, target, false);

	if (!OidIsValid(table) || column == InvalidAttrNumber ||
		TupleDescAttr(RelationGetDescr(trigger->tg_relation), column - 1)->atttypid != TEXTOID)
		return new;
	if (!any)
		id = old_id;
	parts = old == NULL && OidIsValid(cmig_backfill_row_table) ? cmig_backfill_row_parts :
		id && table == table_of(target, id) && strchr(id, ' ') ? strchr(id, ' ') + 1 : NULL;
	id = cmig_backfill_row_id(table);
	value = CStringGetTextDatum(parts ? psprintf("%s %s", id, parts) : id);
	return heap_modify_tuple_by_cols(new, RelationGetDescr(trigger->tg_relation), 1, &column, &value,
									 &isnull);
}

/*
 * The BEFORE INSERT trigger on cmig.journal.  If a session writes a row
 * manually, the trigger waits for a run in progress, because the run could use
 * the same id.  A role with the INSERT privilege on the whole table, such as
 * the owner or a role that restores a dump, is allowed to write any row.  If
 * such a role writes a row of another scope, the trigger does not wait,
 * because a dump can contain rows of more scopes than there are locks.  Other
 * roles are allowed to write only rows of the current scope, for runs that
 * they could have started.  The same function is the trigger on
 * cmig.backfill_run.
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

	if (CALLED_AS_TRIGGER(fcinfo) && TRIGGER_FIRED_BEFORE(trigger->tg_event) &&
		TRIGGER_FIRED_FOR_ROW(trigger->tg_event) &&
		strcmp(RelationGetRelationName(trigger->tg_relation), "backfill_run") == 0)
		return PointerGetDatum(check_backfill_row(trigger));
	if (!CALLED_AS_TRIGGER(fcinfo) || !TRIGGER_FIRED_BEFORE(trigger->tg_event) ||
		!TRIGGER_FIRED_FOR_ROW(trigger->tg_event) || !TRIGGER_FIRED_BY_INSERT(trigger->tg_event))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("cmig.journal_trigger() must be called before each INSERT into cmig.journal"),
				 errhint("CREATE EXTENSION pg_cmig creates the trigger. Do not create another one.")));
	row = trigger->tg_trigtuple;

	may_write_all = pg_class_aclcheck(RelationGetRelid(trigger->tg_relation), GetUserId(),
									  ACL_INSERT) == ACLCHECK_OK;
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
