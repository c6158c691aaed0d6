/*
 * audit_as_of.c
 *	  A table's rows as they were at a time.
 *
 * The answer is found backwards.  A row that has no entry after the time is
 * as it is now, so the table itself is asked; of the others the first entry
 * after the time holds the old row.  So nothing is needed from before the
 * time, rows that were there before audit was turned on are right, and
 * columns that were added since have the values that the server gave them.
 *
 * Two things need more.  Where entries hold only what changed, the old values
 * of all entries from the time on are laid over the row as it is now, or as
 * it was deleted.  And a TRUNCATE after the time leaves no old rows, so what
 * has no entry between is put together from the entries before.
 *
 * A table without a key is counted: so many equal rows there are now, less
 * those that came, plus those that went.
 *
 * The queries run with the caller's rights.  They give rows that are as they
 * are now, and images, of which audit_image.c makes rows.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "audit/audit_columns.h"
#include "audit/audit_image.h"
#include "audit/audit_layout.h"
#include "audit/audit_log.h"
#include "audit/audit_options.h"
#include "audit/audit_read.h"
#include "audit/audit_row.h"
#include "audit/audit_target.h"
#include "audit/audit_trigger.h"
#include "base/compat.h"
#include "base/errors.h"
#include "base/query.h"
#include "base/settings.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/pg_index.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "funcapi.h"
#include "lib/stringinfo.h"
#include "storage/lmgr.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/json.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"
#include "utils/typcache.h"

PG_FUNCTION_INFO_V1(cmig_audit_as_of);

/* Parameters of the queries below. */
#define PARAMETERS 8
#define PARAM_AT "$1"
#define PARAM_LOW "$2"			/* row_hash of the table: from, below */
#define PARAM_HIGH "$3"
#define PARAM_HASHES "$4"		/* row_hash of the key's variants */
#define PARAM_KEY "$5"
#define PARAM_RENAMES "$6"
#define PARAM_HIDDEN "$7"
#define PARAM_SEQ "$8"			/* of the first TRUNCATE after the time */

typedef struct AsOf
{
	CmigAuditTarget *target;
	const char *table;			/* quoted name, with ONLY where that fits */
	const char *type;
	const char *alias;			/* of the table; no column is called so */
	const char *live_key;		/* expression: the key of its row */
	bool		has_renames;
	bool		has_hidden;
	bool		has_key;
	bool		truncated;		/* there is a TRUNCATE after the time */
	bool		keys_changed;	/* a key changed after the time */
	bool		deferrable;		/* rows can share a key within a transaction */
	ReturnSetInfo *result;
	bool		partial;		/* an entry with only what changed was met */
	CmigAuditImages images;
	MemoryContext row_context;	/* reset for each row */
	Datum	   *values;			/* the queries' parameters */
	const char *nulls;
} AsOf;

static CmigQuery changed_keys = {
	"SELECT 'yes' FROM cmig_audit.log l"
	" WHERE l.old_hash >= $1 AND l.old_hash < $2 AND l.clock_at > $3 LIMIT 1",
	3, {INT8OID, INT8OID, TIMESTAMPTZOID}
};

static CmigQuery entries_between = {
	"SELECT 'yes' FROM cmig_audit.log l WHERE l.row_hash >= $1 AND l.row_hash < $2"
	" AND l.row_key IS NOT NULL AND l.clock_at > $3 AND l.clock_at < $4 LIMIT 1",
	4, {INT8OID, INT8OID, TIMESTAMPTZOID, TIMESTAMPTZOID}
};

static CmigQuery first_truncate = {
	"SELECT pg_catalog.min(l.seq)::text FROM cmig_audit.log l"
	" WHERE l.row_hash = $1 AND l.operation = 'TRUNCATE' AND l.clock_at > $2",
	2, {INT8OID, TIMESTAMPTZOID}
};

/* An image or key in today's names. */
static char *
renamed(const AsOf *as_of, const char *image, const char *clock)
{
	if (!as_of->has_renames)
		return pstrdup(image);
	return psprintf("coalesce((SELECT pg_catalog.jsonb_object_agg(m.value, o.value)"
					" FROM pg_catalog.jsonb_array_elements(" PARAM_RENAMES ") AS r(r),"
					" pg_catalog.jsonb_each_text(r.r->'columns') AS m, pg_catalog.jsonb_each(%s) AS o"
					" WHERE o.key = m.key AND m.value IS NOT NULL"
					" AND %s >= (r.r->>'from')::timestamptz"
					" AND %s < (r.r->>'to')::timestamptz), %s)",
					image, clock, clock, image);
}

static char *
shown(const AsOf *as_of, const char *image)
{
	return as_of->has_hidden ? psprintf("((%s) - " PARAM_HIDDEN ")", image) : pstrdup(image);
}

/* Entries of rows, after the time or until then, as e. */
static char *
entries(const AsOf *as_of, const char *condition)
{
	return psprintf("SELECT e.seq, e.command_id, e.id, e.operation, e.row_hash, e.old_hash,"
					" %s AS row_key, %s AS old_key, e.old_row, e.new_row, e.clock_at,"
					" e.row_key AS logged_key, e.transaction_id"
					" FROM cmig_audit.log e WHERE e.row_hash >= " PARAM_LOW
					" AND e.row_hash < " PARAM_HIGH " AND e.row_key IS NOT NULL AND %s%s",
					renamed(as_of, "e.row_key", "e.clock_at"),
					renamed(as_of, "e.old_key", "e.clock_at"), condition,
					as_of->has_key ? " AND (e.row_hash = ANY (" PARAM_HASHES ")"
					" OR e.old_hash = ANY (" PARAM_HASHES "))" : "");
}

static char *
after(const AsOf *as_of)
{
	return entries(as_of, as_of->truncated ?
				   "e.clock_at > " PARAM_AT " AND e.seq < " PARAM_SEQ :
				   "e.clock_at > " PARAM_AT);
}

/* Only the row with the key, where one was asked for. */
static const char *
key_condition(const AsOf *as_of, const char *key)
{
	return as_of->has_key ? psprintf(" AND %s = " PARAM_KEY, key) : "";
}

/* What entries after the time say of the row before them. */
#define EVENTS \
	"SELECT coalesce(a.old_hash, a.row_hash) AS h, coalesce(a.old_key, a.row_key) AS k," \
	" a.seq, a.command_id, a.id, a.clock_at, a.operation = 'INSERT' AS gone," \
	" a.operation = 'DELETE' OR a.old_key IS NOT NULL AS ends, a.old_row AS image," \
	" a.logged_key FROM after a"

/*
 * A key that a row got by changing it was not there before, but for one that
 * is equal and only looks different, as 1.0 and 1.00.
 */
#define ARRIVALS \
	" UNION ALL" \
	" SELECT a.row_hash, a.row_key, a.seq, a.command_id, a.id, a.clock_at, true, true, NULL, NULL" \
	" FROM after a WHERE a.old_key <> a.row_key"

/*
 * Where the key is deferrable, a row may come to a key before the row that has
 * it leaves, as when two rows exchange their keys.  So among the entries of a
 * transaction in which rows came to a key, those of the row that was there
 * before count: from the first entry on whose old row is not what one that
 * arrived became, and without arrivals before it leaves.  If more came than
 * left there was none, since each transaction leaves one at most; if all are
 * of rows that arrived, and as many left, the transaction says nothing.
 *
 * That is how it reads for the entries after the time, where source tells of
 * rows as they were before each entry.  For those until the time all of it is
 * the other way round: source tells of rows as they were after each entry,
 * rows that leave are gone, and the row that is there at last counts.
 */
static char *
of_one_row(const char *source, bool backwards)
{
	const char *forth = backwards ? " DESC" : "";
	const char *back = backwards ? "" : " DESC";

	return psprintf("SELECT z.* FROM (WITH x AS (SELECT v.*, a.transaction_id, a.%s AS far_image,"
					"   v.ends AND NOT v.gone AND (a.old_key = a.row_key) IS NOT TRUE AS leaves,"
					"   pg_catalog.bool_or(v.gone) OVER (PARTITION BY v.k, a.transaction_id) AS arrivals"
					"   FROM (%s) v JOIN %s a ON a.id = v.id),"
					"  told AS (SELECT x.id FROM x WHERE x.arrivals AND NOT x.gone AND EXISTS (SELECT FROM x p"
					"    WHERE p.k = x.k AND p.transaction_id = x.transaction_id AND NOT p.leaves"
					"    AND (p.seq, p.command_id, p.id) %s (x.seq, x.command_id, x.id)"
					"    AND (p.far_image @> x.image OR x.image @> p.far_image)))"
					"  SELECT y.*,"
					"  pg_catalog.bool_or(y.other) OVER (PARTITION BY y.k, y.transaction_id) AS shared,"
					"  pg_catalog.bool_or(y.other) OVER w AS told,"
					"  pg_catalog.first_value(y.gone) OVER w AS comes,"
					"  pg_catalog.sum(y.gone::integer - y.leaves::integer) OVER ("
					"   PARTITION BY y.k, y.transaction_id) AS balance,"
					"  pg_catalog.bool_or(y.leaves) OVER (PARTITION BY y.k, y.transaction_id"
					"   ORDER BY y.seq%s, y.command_id%s, y.id%s"
					"   ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS left_later"
					"  FROM (SELECT x.*, NOT x.gone AND NOT EXISTS (SELECT FROM told t WHERE t.id = x.id) AS other"
					"   FROM x) y"
					"  WINDOW w AS (PARTITION BY y.k, y.transaction_id"
					"   ORDER BY y.seq%s, y.command_id%s, y.id%s)) z"
					" WHERE CASE WHEN z.balance > 0 THEN z.gone"
					"  WHEN z.comes AND NOT z.shared THEN z.balance <> 0"
					"  ELSE z.told AND NOT (z.gone AND coalesce(z.left_later, false)) END",
					backwards ? "old_row" : "new_row", source, backwards ? "until" : "after",
					backwards ? ">" : "<", back, back, back, forth, forth, forth);
}

static char *
events(const AsOf *as_of)
{
	if (as_of->deferrable)
		return of_one_row(EVENTS ARRIVALS, false);
	return pstrdup(as_of->keys_changed ? EVENTS ARRIVALS : EVENTS);
}

/* What entries until the time say of the row after them. */
#define EVENTS_UNTIL \
	"SELECT e.row_key AS k, e.seq, e.command_id, e.id, e.clock_at, e.operation = 'DELETE' AS gone," \
	" e.operation = 'INSERT' OR e.old_key IS NOT NULL AS ends, e.new_row AS image, e.logged_key FROM until e" \
	" UNION ALL" \
	" SELECT e.old_key, e.seq, e.command_id, e.id, e.clock_at, true, true, NULL, NULL" \
	" FROM until e WHERE e.old_key <> e.row_key"

/*
 * Whole rows: the first entry tells all.  Whether an image is whole is told by
 * the key in it.
 */
static char *
simple_query(const AsOf *as_of)
{
	const char *hash = as_of->has_renames ? "" : "v.h, ";

	return psprintf("WITH after AS NOT MATERIALIZED (%s), event AS NOT MATERIALIZED (%s),"
					" first AS (SELECT DISTINCT ON (%sv.k) v.k, v.gone, v.ends, v.image, v.clock_at%s"
					"  FROM event v ORDER BY %sv.k, v.seq, v.command_id, v.id)"
					" SELECT NULL::%s, %s, NOT f.ends AND NOT f.image @> f.%s, f.k"
					"  FROM first f WHERE NOT f.gone%s"
					" UNION ALL SELECT %s, NULL, false, NULL FROM %s %s"
					"  WHERE NOT EXISTS (SELECT FROM first f WHERE f.k = %s)%s",
					after(as_of), events(as_of), hash,
					as_of->has_renames ? ", v.logged_key" : "", hash, as_of->type,
					shown(as_of, renamed(as_of, "f.image", "f.clock_at")),
					as_of->has_renames ? "logged_key" : "k",
					key_condition(as_of, "f.k"), as_of->alias, as_of->table, as_of->alias,
					as_of->live_key, key_condition(as_of, as_of->live_key));
}

/*
 * The rows that had no entry after the time, with their key: the table as it
 * is, or when it was truncated, what the entries until the time tell.  The
 * image is NULL where an entry that counts has none.
 */
static char *
unchanged_rows(const AsOf *as_of)
{
	if (!as_of->truncated)
		return psprintf("SELECT %s AS k, pg_catalog.to_jsonb(%s) AS image FROM %s %s",
						as_of->live_key, as_of->alias, as_of->table, as_of->alias);
	return psprintf("SELECT c.k, CASE WHEN NOT pg_catalog.bool_or(c.lost)"
					" THEN pg_catalog.jsonb_object_agg(c.key, c.value) FILTER (WHERE c.key IS NOT NULL) END AS image FROM ("
					" SELECT DISTINCT ON (b.k, j.key) b.k, j.key, j.value, i.i IS NULL AND NOT b.newest_whole AS lost"
					" FROM (SELECT b.*, coalesce(pg_catalog.first_value(b.image @> b.logged_key OR b.ends AND b.image IS NOT NULL) OVER ("
					"   PARTITION BY b.k ORDER BY b.seq DESC, b.command_id DESC, b.id DESC), false) AS newest_whole, pg_catalog.count(*) FILTER (WHERE b.ends) OVER ("
					"   PARTITION BY b.k ORDER BY b.seq DESC, b.command_id DESC, b.id DESC"
					"   ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS n,"
					"  pg_catalog.first_value(b.gone) OVER ("
					"   PARTITION BY b.k ORDER BY b.seq DESC, b.command_id DESC, b.id DESC) AS is_gone"
					"  FROM (%s) b) b CROSS JOIN LATERAL (SELECT %s) i(i)"
					" LEFT JOIN LATERAL pg_catalog.jsonb_each(i.i) j ON true"
					" WHERE b.n = 0 AND NOT b.is_gone"
					" ORDER BY b.k, j.key, i.i IS NULL DESC, b.seq DESC, b.command_id DESC, b.id DESC) c GROUP BY c.k",
					as_of->deferrable ? of_one_row(EVENTS_UNTIL, true) : EVENTS_UNTIL,
					renamed(as_of, "b.image", "b.clock_at"));
}

static char *
until(const AsOf *as_of)
{
	return entries(as_of, "e.clock_at <= " PARAM_AT
				   " AND e.seq > coalesce((SELECT pg_catalog.max(p.seq) FROM cmig_audit.log p"
				   " WHERE p.row_hash = " PARAM_LOW " AND p.operation = 'TRUNCATE'"
				   " AND p.clock_at <= " PARAM_AT "), -9223372036854775808)");
}

/*
 * Whatever the entries hold, and also when the table was truncated.  The sub-
 * selects that rename must not get into the window function: the server tells
 * that w.n = 0 lets it stop early before it pulls them up, and then does not
 * find the function again.
 */
static char *
general_query(const AsOf *as_of)
{
	return psprintf("WITH after AS (%s), until AS (%s), event AS %s(%s),"
					" chain AS (SELECT w.* FROM (SELECT v.*, pg_catalog.count(*) FILTER (WHERE v.ends) OVER ("
					"   PARTITION BY v.k ORDER BY v.seq, v.command_id, v.id"
					"   ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS n FROM event v) w WHERE w.n = 0),"
					" first AS (SELECT DISTINCT ON (c.k) c.k, c.gone,"
					"   coalesce(c.image @> c.logged_key OR c.ends AND c.image IS NOT NULL, false) AS told FROM chain c"
					"  ORDER BY c.k, c.seq, c.command_id, c.id),"
					" whole AS (SELECT c.k, pg_catalog.bool_or(c.ends) AS whole,"
					"  pg_catalog.bool_or(c.image IS NULL AND NOT c.gone) AS lost FROM chain c GROUP BY c.k),"
					" image AS (SELECT i.k, pg_catalog.jsonb_object_agg(i.key, i.value) AS image FROM ("
					"   SELECT DISTINCT ON (c.k, j.key) c.k, j.key, j.value"
					"   FROM chain c, pg_catalog.jsonb_each(%s) j WHERE NOT c.gone"
					"   ORDER BY c.k, j.key, c.seq, c.command_id, c.id) i GROUP BY i.k),"
					" rest AS (%s)"
					" SELECT NULL::%s, %s, false, s.k FROM ("
					"  SELECT f.k, CASE WHEN w.lost AND NOT f.told THEN NULL"
					"   WHEN w.whole THEN coalesce(i.image, '{}') ELSE coalesce(r.image, '{}') || coalesce(i.image, '{}') END AS image"
					"  FROM first f JOIN whole w ON w.k = f.k LEFT JOIN image i ON i.k = f.k"
					"  LEFT JOIN rest r ON r.k = f.k WHERE NOT f.gone"
					"  UNION ALL SELECT r.k, r.image FROM rest r"
					"  WHERE NOT EXISTS (SELECT FROM first f WHERE f.k = r.k)) s WHERE true%s",
					after(as_of), until(as_of), as_of->has_renames ? "MATERIALIZED " : "",
					events(as_of), renamed(as_of, "c.image", "c.clock_at"),
					unchanged_rows(as_of), as_of->type, shown(as_of, "s.image"),
					key_condition(as_of, "s.k"));
}

/* Without a key: so many equal rows. */
static char *
counting_query(const AsOf *as_of)
{
	const char *counted = "SELECT e.row_key AS k, %d * CASE WHEN e.operation = 'DELETE' THEN -1"
	" WHEN e.operation = 'INSERT' OR e.old_key IS NOT NULL THEN 1 ELSE 0 END AS n FROM %s e"
	" UNION ALL SELECT e.old_key, -1 * %d FROM %s e WHERE e.old_key IS NOT NULL";
	char	   *changes;

	if (as_of->truncated)
		changes = psprintf(counted, 1, "until", 1, "until");
	else
		changes = psprintf("SELECT %s AS k, 1 AS n FROM %s %s UNION ALL %s",
						   as_of->live_key, as_of->table, as_of->alias,
						   psprintf(counted, -1, "after", -1, "after"));
	return psprintf("WITH after AS (%s), until AS (%s)"
					" SELECT NULL::%s, s.k, false, s.k"
					" FROM (SELECT c.k, pg_catalog.sum(c.n) AS n"
					"  FROM (SELECT %s AS k, c.n FROM (%s) c) c GROUP BY c.k) s,"
					" pg_catalog.generate_series(1, s.n) AS copies WHERE true%s",
					after(as_of), until(as_of), as_of->type, shown(as_of, "c.k"), changes,
					key_condition(as_of, "s.k"));
}

/* Imported entries can be of new values only. */
static void
raise_lost(const AsOf *as_of, Datum key)
{
	char	   *text = JsonbToCString(NULL, &DatumGetJsonbP(key)->root, VARSIZE(DatumGetPointer(key)));

	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("the log does not tell what a row of table \"%s\" was then", as_of->target->name),
			 errdetail("An entry of the row with the key %s does not have the row as it was before or after.", text),
			 errhint("Ask for a time after that entry; SELECT * FROM cmig.audit_history(%s, %s) shows what was logged.",
					 quote_literal_cstr(as_of->type), quote_literal_cstr(text))));
}

static void
put_row(TupleDesc desc, HeapTuple row, void *arg)
{
	AsOf	   *as_of = arg;
	bool		isnull;
	Datum		value;
	HeapTupleHeader header;
	HeapTupleData tuple;
	MemoryContext old;

	if (as_of->partial)
		return;
	if (DatumGetBool(cmig_query_datum(desc, row, 3, &isnull)))
	{
		as_of->partial = true;
		return;
	}
	old = MemoryContextSwitchTo(as_of->row_context);
	value = cmig_query_datum(desc, row, 1, &isnull);
	if (isnull)
	{
		Datum		image = cmig_query_datum(desc, row, 2, &isnull);

		if (isnull)
			raise_lost(as_of, cmig_query_datum(desc, row, 4, &isnull));
		value = cmig_audit_image_row(&as_of->images, image);
	}
	header = DatumGetHeapTupleHeader(value);
	tuple.t_len = HeapTupleHeaderGetDatumLength(header);
	ItemPointerSetInvalid(&tuple.t_self);
	tuple.t_tableOid = InvalidOid;
	tuple.t_data = header;
	tuplestore_puttuple(as_of->result->setResult, &tuple);
	MemoryContextSwitchTo(old);
	MemoryContextReset(as_of->row_context);
}

static void
run(AsOf *as_of, const char *sql)
{
	static const Oid types[PARAMETERS] = {TIMESTAMPTZOID, INT8OID, INT8OID, INT8ARRAYOID,
	JSONBOID, JSONBOID, TEXTARRAYOID, INT8OID};
	CmigQuery	query = {0};

	query.sql = sql;
	query.nargs = PARAMETERS;
	memcpy(query.argtypes, types, sizeof(types));
	cmig_query_each(&query, as_of->values, as_of->nulls, put_row, as_of);
	cmig_query_free(&query);
}

static void
run_all(void *arg)
{
	AsOf	   *as_of = arg;

	if (as_of->target->key_columns == NIL)
	{
		run(as_of, counting_query(as_of));
		return;
	}
	if (!as_of->truncated)
		run(as_of, simple_query(as_of));
	if (as_of->truncated || as_of->partial)
	{
		tuplestore_clear(as_of->result->setResult);
		as_of->partial = false;
		run(as_of, general_query(as_of));
	}
}

/* The server's function answers in a buffer of its own, the same each time. */
static char *
time_text(const CmigAuditLayout *layout)
{
	return pstrdup(timestamptz_to_str(layout->recorded_at));
}

/* [{"columns": renames, "from": time, "to": time}, ...]; NULL if nothing was renamed. */
static Jsonb *
all_renames(CmigAuditTarget *target)
{
	StringInfoData text;
	bool		any = false;

	initStringInfo(&text);
	appendStringInfoChar(&text, '[');
	for (int i = 0; i < list_length(target->layouts); i++)
	{
		CmigAuditLayout *layout = list_nth(target->layouts, i);
		Jsonb	   *renames = cmig_audit_target_renames(target, i);

		if (renames == NULL)
			continue;
		appendStringInfo(&text, "%s{\"columns\": %s, \"from\": \"%s\", \"to\": \"%s\"}",
						 any ? ", " : "",
						 JsonbToCString(NULL, &renames->root, VARSIZE(renames)),
						 i == 0 ? "-infinity" : time_text(layout),
						 i + 1 < list_length(target->layouts) ?
						 time_text(list_nth(target->layouts, i + 1)) : "infinity");
		any = true;
	}
	appendStringInfoChar(&text, ']');
	return any ? DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(text.data))) : NULL;
}

/* Are there entries of rows after a time, while a layout held? */
static bool
has_entries(const CmigAuditTarget *target, int layout, const Datum *range, TimestampTz at)
{
	TimestampTz from = ((CmigAuditLayout *) list_nth(target->layouts, layout))->recorded_at;
	TimestampTz to = layout + 1 < list_length(target->layouts) ?
	((CmigAuditLayout *) list_nth(target->layouts, layout + 1))->recorded_at : DT_NOEND;
	Datum		values[4] = {range[0], range[1]};
	char	   *found = NULL;

	if (to <= at)
		return false;
	values[2] = TimestampTzGetDatum(layout > 0 ? Max(at, from - 1) : at);
	values[3] = TimestampTzGetDatum(to);
	cmig_query_each(&entries_between, values, NULL, cmig_query_keep_text, &found);
	return found != NULL;
}

/*
 * Rows of a table without a key are found again by all that they hold.
 * Columns that are younger than some of the entries that count cannot take
 * part.
 */
static List *
young_columns(CmigAuditTarget *target, Relation relation, const Datum *range, TimestampTz at)
{
	TupleDesc	desc = RelationGetDescr(relation);
	List	   *names = NIL;

	for (int i = 0; i < list_length(target->layouts); i++)
	{
		if (!has_entries(target, i, range, at))
			continue;
		for (int n = 0; n < desc->natts; n++)
		{
			char	   *name = NameStr(TupleDescAttr(desc, n)->attname);

			if (!TupleDescAttr(desc, n)->attisdropped &&
				!cmig_audit_target_had_column(target, i, name))
				names = lappend(names, pstrdup(name));
		}
	}
	return names;
}

/* A column can become part of the key after it was hidden. */
static void
refuse_hidden_key(const CmigAuditTarget *target, const List *hidden)
{
	const ListCell *lc,
			   *k;

	foreach(lc, hidden)
	{
		const char *name = ((CmigAuditName *) lfirst(lc))->name;

		foreach(k, target->key_columns)
		{
			if (strcmp(lfirst(k), name) == 0)
				ereport(ERROR,
						(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						 errmsg("column \"%s\" of the key of table \"%s\" is hidden in the log",
								name, target->name),
						 errdetail("The rows cannot be told apart."),
						 errhint("Call cmig.enable_audit() with redact, hash and exclude without the column, and ask for a time after that.")));
		}
	}
}

/* Columns whose values the log does not have as they were, besides others. */
static ArrayType *
hidden_columns(const CmigAuditTarget *target, Relation relation, Oid extension_owner,
			   const List *others)
{
	bool		with_excluded = target->key_columns == NIL;
	CmigAuditOptions *options = NULL;
	List	   *names = NIL;
	Datum	   *elements;
	ListCell   *lc;
	int			count = 0;

	for (int i = 0; relation->trigdesc && i < relation->trigdesc->numtriggers; i++)
	{
		Trigger    *trigger = &relation->trigdesc->triggers[i];

		if (strncmp(trigger->tgname, "cmig_audit_", 11) == 0 && trigger->tgnargs == 2)
			options = cmig_audit_options_parse(trigger->tgnargs, trigger->tgargs);
	}
	if (options)
	{
		cmig_audit_columns_resolve(options, RelationGetRelid(relation), extension_owner,
								   CMIG_AUDIT_READING);
		names = list_concat(options->redact, options->hash);
		refuse_hidden_key(target, names);
		refuse_hidden_key(target, options->exclude);
		if (with_excluded)
			names = list_concat(names, options->exclude);
	}
	if (names == NIL && others == NIL)
		return NULL;
	elements = palloc(sizeof(Datum) * (list_length(names) + list_length(others)));
	foreach(lc, names)
	{
		elements[count++] = CStringGetTextDatum(((CmigAuditName *) lfirst(lc))->name);
	}
	foreach(lc, others)
	{
		elements[count++] = CStringGetTextDatum(lfirst(lc));
	}
	return construct_array(elements, count, TEXTOID, -1, false, TYPALIGN_INT);
}

static char *
columns_text(List *names)
{
	StringInfoData text;
	ListCell   *lc;

	if (names == NIL)
		return "the whole row";
	initStringInfo(&text);
	foreach(lc, names)
	{
		appendStringInfo(&text, "%s%s", lc == list_head(names) ? "" : ", ",
						 quote_identifier(lfirst(lc)));
	}
	return text.data;
}

/*
 * Entries after the time whose keys are of other columns than the table's
 * now cannot be told to which of its rows they belong.
 */
static void
check_keys(CmigAuditTarget *target, const Datum *range, TimestampTz at)
{
	for (int i = 0; i < list_length(target->layouts); i++)
	{
		CmigAuditLayout *layout = list_nth(target->layouts, i);

		if ((target->key_columns == NIL && layout->key_columns == NIL) ||
			cmig_audit_target_layout_key(target, i) != NIL)
			continue;
		if (has_entries(target, i, range, at))
			ereport(ERROR,
					(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					 errmsg("the key of table \"%s\" has changed since then", target->name),
					 errdetail("Rows were told apart by %s and are by %s now.",
							   columns_text(layout->key_columns),
							   columns_text(target->key_columns)),
					 errhint("Ask for a time after the change, or look the rows up in cmig_audit.log.")));
	}
}

/*
 * The queries call to_jsonb() of keys and rows with the caller's rights, and
 * that calls casts to json.
 */
static void
check_types(Relation relation)
{
	TupleDesc	desc = RelationGetDescr(relation);
	List	   *types = NIL;

	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(desc, i);

		if (!attribute->attisdropped)
			types = list_append_unique_oid(types, attribute->atttypid);
	}
	cmig_audit_target_check_types(types);
}

/* A name that no column has, so that it means the row. */
static char *
alias_for(Oid relation)
{
	char	   *alias = pstrdup("live");

	while (get_attnum(relation, alias) != InvalidAttrNumber)
		alias = psprintf("%s_", alias);
	return alias;
}

/* The key of a row of the table, as the trigger writes it. */
static char *
live_key(const CmigAuditTarget *target, const char *alias)
{
	StringInfoData text;
	ListCell   *lc;

	if (target->key_columns == NIL)
		return psprintf("pg_catalog.to_jsonb(%s)", alias);
	initStringInfo(&text);
	appendStringInfoString(&text, "pg_catalog.jsonb_build_object(");
	foreach(lc, target->key_columns)
	{
		if (lc != list_head(target->key_columns))
			appendStringInfoString(&text, ", ");
		appendStringInfo(&text, "%s::text, %s.%s", quote_literal_cstr(lfirst(lc)),
						 alias, quote_identifier(lfirst(lc)));
	}
	appendStringInfoChar(&text, ')');
	return text.data;
}

static bool
key_is_deferrable(Relation relation)
{
	List	   *oids = RelationGetIndexList(relation);
	ListCell   *lc;
	bool		deferrable = false;

	foreach(lc, oids)
	{
		HeapTuple	tuple = SearchSysCache1(INDEXRELID, ObjectIdGetDatum(lfirst_oid(lc)));

		if (!HeapTupleIsValid(tuple))
			continue;
		deferrable |= ((Form_pg_index) GETSTRUCT(tuple))->indisprimary &&
			!((Form_pg_index) GETSTRUCT(tuple))->indimmediate;
		ReleaseSysCache(tuple);
	}
	list_free(oids);
	return deferrable;
}

/* The entries of a partition are among those of its partitioned table. */
static void
refuse_partition(Relation relation)
{
	TriggerDesc *triggers = relation->trigdesc;
	Oid			trigger = InvalidOid;
	Oid			root;

	for (int i = 0; triggers && i < triggers->numtriggers; i++)
	{
		if (triggers->triggers[i].tgisclone &&
			strncmp(triggers->triggers[i].tgname, "cmig_audit_", 11) == 0)
			trigger = triggers->triggers[i].tgoid;
	}
	if (!OidIsValid(trigger))
		return;
	root = cmig_audit_options_root(RelationGetRelid(relation), trigger);
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("partition \"%s\" is audited through its partitioned table",
					RelationGetRelationName(relation)),
			 errhint("SELECT * FROM cmig.audit_as_of(NULL::%s, <time>), with a condition on its partition key.",
					 quote_qualified_identifier(get_namespace_name(get_rel_namespace(root)),
												get_rel_name(root)))));
}

static Oid
table_of_argument(FunctionCallInfo fcinfo)
{
	Oid			type = get_fn_expr_argtype(fcinfo->flinfo, 0);
	Oid			relation = OidIsValid(type) ? get_typ_typrelid(type) : InvalidOid;

	if (!OidIsValid(relation) ||
		(get_rel_relkind(relation) != RELKIND_RELATION &&
		 get_rel_relkind(relation) != RELKIND_PARTITIONED_TABLE))
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("the first argument must have the row type of a table"),
				 errhint("SELECT * FROM cmig.audit_as_of(NULL::<table>, <time>)")));
	return relation;
}

static void
set_key(AsOf *as_of, FunctionCallInfo fcinfo, Datum *values, char *nulls)
{
	List	   *keys = cmig_audit_target_key(fcinfo, 2, as_of->target);
	Datum	   *hashes;
	ListCell   *lc;
	int			count = 0;

	if (keys == NIL)
		return;
	as_of->has_key = true;
	hashes = palloc(sizeof(Datum) * list_length(keys));
	foreach(lc, keys)
	{
		hashes[count++] = Int64GetDatum(cmig_audit_trigger_row_hash(as_of->target->table_id,
																	JsonbPGetDatum(lfirst(lc))));
	}
	values[3] = PointerGetDatum(construct_array(hashes, count, INT8OID, 8,
												FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
	values[4] = JsonbPGetDatum(linitial(keys));
	nulls[3] = nulls[4] = ' ';
}

Datum
cmig_audit_as_of(PG_FUNCTION_ARGS)
{
	AsOf		as_of = {0};
	Oid			oid = table_of_argument(fcinfo);
	Relation	relation;
	Datum		values[PARAMETERS] = {0};
	char		nulls[PARAMETERS + 1] = "   nnnnn";
	Datum		changed_values[3];
	Datum		truncate_values[2];
	char	   *truncate = NULL;
	char	   *changed = NULL;
	Jsonb	   *renames;
	List	   *young = NIL;
	ArrayType  *hidden;
	int			guc_level;

	if (PG_ARGISNULL(1))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("the time must not be null")));
	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
	cmig_audit_read_begin(fcinfo);
	/* its owner could put a view in its place, which the query would read */
	LockRelationOid(oid, AccessShareLock);
	as_of.target = cmig_audit_target_of(oid);
	as_of.result = (ReturnSetInfo *) fcinfo->resultinfo;
	as_of.type = quote_qualified_identifier(get_namespace_name(get_rel_namespace(oid)),
											get_rel_name(oid));
	as_of.table = get_rel_relkind(oid) == RELKIND_RELATION ?
		psprintf("ONLY %s", as_of.type) : as_of.type;
	as_of.alias = alias_for(oid);
	as_of.live_key = live_key(as_of.target, as_of.alias);

	values[0] = PG_GETARG_DATUM(1);
	values[1] = Int64GetDatum((int64) as_of.target->table_id << 32);
	values[2] = Int64GetDatum(((int64) as_of.target->table_id + 1) << 32);
	check_keys(as_of.target, &values[1], PG_GETARG_TIMESTAMPTZ(1));
	if (PG_NARGS() > 2)
		set_key(&as_of, fcinfo, values, nulls);

	renames = all_renames(as_of.target);
	relation = table_open(oid, AccessShareLock);
	refuse_partition(relation);
	check_types(relation);
	as_of.deferrable = key_is_deferrable(relation);
	as_of.row_context = AllocSetContextCreate(CurrentMemoryContext, "pg_cmig row",
											  ALLOCSET_DEFAULT_SIZES);
	cmig_audit_image_init(&as_of.images, oid, relation->rd_rel->relowner,
						  as_of.target->key_columns, PG_GETARG_TIMESTAMPTZ(1));
	as_of.has_renames = renames != NULL;
	if (renames)
	{
		values[5] = JsonbPGetDatum(renames);
		nulls[5] = ' ';
	}
	changed_values[0] = values[1];
	changed_values[1] = values[2];
	changed_values[2] = values[0];
	cmig_query_each(&changed_keys, changed_values, NULL,
					cmig_query_keep_text, &changed);
	as_of.keys_changed = changed != NULL;
	truncate_values[0] = values[1];
	truncate_values[1] = values[0];
	cmig_query_each(&first_truncate, truncate_values, NULL, cmig_query_keep_text, &truncate);
	if (truncate)
	{
		as_of.truncated = true;
		values[7] = DirectFunctionCall1(int8in, CStringGetDatum(truncate));
		nulls[7] = ' ';
	}
	if (as_of.target->key_columns == NIL)
		young = young_columns(as_of.target, relation, &values[1],
							  as_of.truncated ? DT_NOBEGIN : PG_GETARG_TIMESTAMPTZ(1));
	hidden = hidden_columns(as_of.target, relation,
							cmig_audit_log_extension_owner(), young);
	table_close(relation, AccessShareLock);
	as_of.has_hidden = hidden != NULL;
	if (hidden)
	{
		values[6] = PointerGetDatum(hidden);
		nulls[6] = ' ';
	}

	guc_level = cmig_audit_row_pin_reader();
	/* compiling takes longer than the expressions are worth */
	cmig_settings_override("jit", "off");
	/* nothing is known of how many entries of a transaction share a key */
	if (as_of.deferrable)
		cmig_settings_override("enable_nestloop", "off");
	as_of.values = values;
	as_of.nulls = nulls;
	cmig_audit_image_explain(&as_of.images, run_all, &as_of);
	AtEOXact_GUC(false, guc_level);
	return (Datum) 0;
}
