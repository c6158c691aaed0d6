/*
 * as_of.c
 *	  cmig.audit_as_of: a table as it was.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

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

#include "audit/internal.h"
#include "base/base.h"
#include "base/compat.h"

/* ----------------------------------------------------------------
 * Builds the queries of audit_as_of().
 *
 * The answer is found backward.  A row that has no entry after the given time
 * has not changed since, so it is read from the table itself; for any other
 * row, the first entry after that time contains the old row.  Therefore, no
 * entries from before that time are needed, rows that are older than the audit
 * are correct, and columns that were added since have the values that
 * PostgreSQL gave them.
 *
 * An example: a table t (id, v) has the rows (1, 'b'), (3, 'c') and (4, 'd')
 * now, and its log has these entries after the given time:
 *
 * 		UPDATE 1	old_row {"id": 1, "v": "a"}, new_row {"id": 1, "v": "b"}
 * 		DELETE 2	old_row {"id": 2, "v": "x"}
 * 		INSERT 3	new_row {"id": 3, "v": "c"}
 *
 * In the query, "after" contains these entries.  "event" contains the state of
 * the row before each of them: (1, image {"id": 1, "v": "a"}), (2, image
 * {"id": 2, "v": "x"}), and (3, gone), which means that there was no row.
 * "first" contains the first event of each key.  The answer consists of the
 * images of "first" that are not gone, (1, 'a') and (2, 'x'), and of the rows
 * of the table whose key is not in "first": (4, 'd').
 *
 * Two cases are more complex.  If entries contain only the changed columns,
 * the old values in all entries after the time are put into the row as it is
 * now, or as it was when it was deleted.  An entry for TRUNCATE contains no
 * old rows, so if there is one after the time, a row without an entry between
 * the time and the TRUNCATE is assembled from the entries before the time.
 *
 * For a table without a key, equal rows are counted: rows that exist now,
 * minus rows that were inserted since, plus rows that were deleted.
 *
 * The queries run with the caller's privileges.  They return rows that have not
 * changed, and images, which image.c converts to rows.
 * ----------------------------------------------------------------
 */

/* The parameters of the queries, in their order: $1 is CMIG_AS_OF_AT. */
typedef enum CmigAsOfParameter
{
	CMIG_AS_OF_AT,				/* the requested time */
	CMIG_AS_OF_LOW,				/* the lowest row_hash of the table's entries */
	CMIG_AS_OF_HIGH,			/* every row_hash of the entries is less than
								 * this */
	CMIG_AS_OF_HASHES,			/* row_hash of each form of the key */
	CMIG_AS_OF_KEY,				/* the key, with current column names */
	CMIG_AS_OF_RENAMES,			/* former and current column names */
	CMIG_AS_OF_HIDDEN,			/* columns to remove from images */
	CMIG_AS_OF_SEQ,				/* seq of the first TRUNCATE after the
								 * requested time */
	CMIG_AS_OF_PARAMETERS		/* the number of parameters */
} CmigAsOfParameter;

/* The properties on which a query's text depends. */
typedef struct CmigAsOfQuery
{
	const char *type;			/* the table's quoted name */
	const char *table;			/* the quoted name, with ONLY for a plain
								 * table */
	const char *alias;			/* the table's alias in the query, which is
								 * not the name of any column */
	const char *live_key;		/* SQL expression for a table row's key */
	bool		has_renames;	/* is CMIG_AS_OF_RENAMES set? */
	bool		has_hidden;		/* is CMIG_AS_OF_HIDDEN set? */
	bool		has_key;		/* is only the row with a given key wanted? */
	bool		truncated;		/* is there a TRUNCATE after the requested
								 * time? */
	bool		keys_changed;	/* has a key changed after the requested time? */
	bool		deferrable;		/* can rows share a key within a transaction? */
} CmigAsOfQuery;

/*
 * The queries that the following functions return have four columns: the row,
 * if it is read from the table; otherwise, the row's image (null if the log
 * does not contain it); whether the image is only a part of the row; and the
 * key.
 */

/* The parameters as they are written in the queries. */
#define PARAM_AT "$1"
#define PARAM_LOW "$2"
#define PARAM_HIGH "$3"
#define PARAM_HASHES "$4"
#define PARAM_KEY "$5"
#define PARAM_RENAMES "$6"
#define PARAM_HIDDEN "$7"
#define PARAM_SEQ "$8"

StaticAssertDecl(CMIG_AS_OF_AT == 0 && CMIG_AS_OF_LOW == 1 && CMIG_AS_OF_HIGH == 2 &&
				 CMIG_AS_OF_HASHES == 3 && CMIG_AS_OF_KEY == 4 && CMIG_AS_OF_RENAMES == 5 &&
				 CMIG_AS_OF_HIDDEN == 6 && CMIG_AS_OF_SEQ == 7,
				 "the parameters are numbered as their enum");

/*
 * Returns SQL for an image or key with the columns' current names.  "clock" is
 * an SQL expression for the time of the image or key.
 */
static char *
renamed(const CmigAsOfQuery *as_of, const char *image, const char *clock)
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

/*
 * Returns SQL for an image without its hidden columns.  "image" is SQL for the
 * complete image.
 */
static char *
shown(const CmigAsOfQuery *as_of, const char *image)
{
	return as_of->has_hidden ? psprintf("((%s) - " PARAM_HIDDEN ")", image) : pstrdup(image);
}

/*
 * Returns a query for the row entries (with alias e) that satisfy the
 * condition.
 */
static char *
entries(const CmigAsOfQuery *as_of, const char *condition)
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

/*
 * Returns a query for the row entries after the given time, but before the
 * first TRUNCATE that follows it.
 */
static char *
after(const CmigAsOfQuery *as_of)
{
	return entries(as_of, as_of->truncated ?
				   "e.clock_at > " PARAM_AT " AND e.seq < " PARAM_SEQ :
				   "e.clock_at > " PARAM_AT);
}

/*
 * Returns a condition that restricts a query to the key, or "" if no key is
 * given.
 */
static const char *
key_condition(const CmigAsOfQuery *as_of, const char *key)
{
	return as_of->has_key ? psprintf(" AND %s = " PARAM_KEY, key) : "";
}

/*
 * Query for the state of the row before each entry that follows the requested
 * time.
 */
#define EVENTS \
	"SELECT coalesce(a.old_hash, a.row_hash) AS h, coalesce(a.old_key, a.row_key) AS k," \
	" a.seq, a.command_id, a.id, a.clock_at, a.operation = 'INSERT' AS gone," \
	" a.operation = 'DELETE' OR a.old_key IS NOT NULL AS ends, a.old_row AS image," \
	" a.logged_key FROM after a"

/*
 * Additional events: if an update gave a row a new key, no row had that key
 * before the update.  The keys are compared by value, so an update from 1.0 to
 * 1.00 is not included.
 */
#define ARRIVALS \
	" UNION ALL" \
	" SELECT a.row_hash, a.row_key, a.seq, a.command_id, a.id, a.clock_at, true, true, NULL, NULL" \
	" FROM after a WHERE a.old_key <> a.row_key"

/*
 * Returns a query that selects rows of "source", which is also a query.  The
 * selected rows show which row had a key, and with which values.
 *
 * With a deferrable key, one row can take over a key before another row gives
 * it up, for example when two rows exchange their keys.  Therefore, if any row
 * took over a key in a transaction, only the entries of the row that had the
 * key before the transaction are used.  These entries begin with the first one
 * whose old row is not the result of taking over the key, and entries of rows
 * that took over the key before that row gave it up are left out.  If more
 * rows took over the key than gave it up, no row had the key before the
 * transaction, since at most one row has a key at the end of a transaction.
 * If all entries belong to rows that took over the key, and as many rows gave
 * it up, the entries do not show which row had the key before the transaction,
 * so none of them is used.
 *
 * If "backwards" is false, the entries after the requested time are examined,
 * and "source" contains the row before each entry, as described above.  If
 * "backwards" is true, the entries up to the requested time are examined, and
 * everything is reversed: "source" contains the row after each entry, a row
 * that gives up the key is gone, and the row that has the key at the end of a
 * transaction is used.
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
					"  explained AS (SELECT x.id FROM x WHERE x.arrivals AND NOT x.gone AND EXISTS (SELECT FROM x p"
					"    WHERE p.k = x.k AND p.transaction_id = x.transaction_id AND NOT p.leaves"
					"    AND (p.seq, p.command_id, p.id) %s (x.seq, x.command_id, x.id)"
					"    AND (p.far_image @> x.image OR x.image @> p.far_image)))"
					"  SELECT y.*,"
					"  pg_catalog.bool_or(y.other) OVER (PARTITION BY y.k, y.transaction_id) AS shared,"
					"  pg_catalog.bool_or(y.other) OVER w AS certain,"
					"  pg_catalog.first_value(y.gone) OVER w AS comes,"
					"  pg_catalog.sum(y.gone::integer - y.leaves::integer) OVER ("
					"   PARTITION BY y.k, y.transaction_id) AS balance,"
					"  pg_catalog.bool_or(y.leaves) OVER (PARTITION BY y.k, y.transaction_id"
					"   ORDER BY y.seq%s, y.command_id%s, y.id%s"
					"   ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS left_later"
					"  FROM (SELECT x.*, NOT x.gone AND NOT EXISTS (SELECT FROM explained t WHERE t.id = x.id) AS other"
					"   FROM x) y"
					"  WINDOW w AS (PARTITION BY y.k, y.transaction_id"
					"   ORDER BY y.seq%s, y.command_id%s, y.id%s)) z"
					" WHERE CASE WHEN z.balance > 0 THEN z.gone"
					"  WHEN z.comes AND NOT z.shared THEN z.balance <> 0"
					"  ELSE z.certain AND NOT (z.gone AND coalesce(z.left_later, false)) END",
					backwards ? "old_row" : "new_row", source, backwards ? "until" : "after",
					backwards ? ">" : "<", back, back, back, forth, forth, forth);
}

/* Returns the query for "event"; see the top of this file. */
static char *
events(const CmigAsOfQuery *as_of)
{
	if (as_of->deferrable)
		return of_one_row(EVENTS ARRIVALS, false);
	return pstrdup(as_of->keys_changed ? EVENTS ARRIVALS : EVENTS);
}

/* Query for the state of the row after each entry up to the requested time. */
#define EVENTS_UNTIL \
	"SELECT e.row_key AS k, e.seq, e.command_id, e.id, e.clock_at, e.operation = 'DELETE' AS gone," \
	" e.operation = 'INSERT' OR e.old_key IS NOT NULL AS ends, e.new_row AS image, e.logged_key FROM until e" \
	" UNION ALL" \
	" SELECT e.old_key, e.seq, e.command_id, e.id, e.clock_at, true, true, NULL, NULL" \
	" FROM until e WHERE e.old_key <> e.row_key"

/*
 * Returns the query to use if all entries that are needed contain whole rows.
 *
 * Returns the query to use if entries contain whole rows, so that the first
 * entry for each key is sufficient.  An image that contains the key is a whole
 * row, because an image of only the changed columns does not contain the key.
 */
static char *
audit_as_of_sql_simple(const CmigAsOfQuery *as_of)
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
 * Returns a query for the rows that have no entry after the given time, with
 * their keys.  These are the table's rows as they are now or, if the table was
 * truncated after that time, the rows that result from the entries up to that
 * time.  The image is NULL if it cannot be assembled because an entry lacks
 * its image.
 */
static char *
unchanged_rows(const CmigAsOfQuery *as_of)
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

/*
 * Returns a query for the entries up to the given time, starting after the
 * last TRUNCATE in this period.
 */
static char *
until(const CmigAsOfQuery *as_of)
{
	return entries(as_of, "e.clock_at <= " PARAM_AT
				   " AND e.seq > coalesce((SELECT pg_catalog.max(p.seq) FROM cmig_audit.log p"
				   " WHERE p.row_hash = " PARAM_LOW " AND p.operation = 'TRUNCATE'"
				   " AND p.clock_at <= " PARAM_AT "), -9223372036854775808)");
}

/*
 * Returns the query to use for entries of any kind, and for a truncated table.
 *
 * Returns the query to use for entries of any kind, and for a truncated table.
 * If columns were renamed, "event" is materialized, so that the subqueries that
 * rename columns are not pulled up into the window function.  Otherwise,
 * PostgreSQL decides that w.n = 0 allows the function to stop early, then pulls
 * up the subqueries, and cannot find the function again.
 */
static char *
audit_as_of_sql_general(const CmigAsOfQuery *as_of)
{
	return psprintf("WITH after AS (%s), until AS (%s), event AS %s(%s),"
					" chain AS (SELECT w.* FROM (SELECT v.*, pg_catalog.count(*) FILTER (WHERE v.ends) OVER ("
					"   PARTITION BY v.k ORDER BY v.seq, v.command_id, v.id"
					"   ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS n FROM event v) w WHERE w.n = 0),"
					" first AS (SELECT DISTINCT ON (c.k) c.k, c.gone,"
					"   coalesce(c.image @> c.logged_key OR c.ends AND c.image IS NOT NULL, false) AS known FROM chain c"
					"  ORDER BY c.k, c.seq, c.command_id, c.id),"
					" whole AS (SELECT c.k, pg_catalog.bool_or(c.ends) AS whole,"
					"  pg_catalog.bool_or(c.image IS NULL AND NOT c.gone) AS lost FROM chain c GROUP BY c.k),"
					" image AS (SELECT i.k, pg_catalog.jsonb_object_agg(i.key, i.value) AS image FROM ("
					"   SELECT DISTINCT ON (c.k, j.key) c.k, j.key, j.value"
					"   FROM chain c, pg_catalog.jsonb_each(%s) j WHERE NOT c.gone"
					"   ORDER BY c.k, j.key, c.seq, c.command_id, c.id) i GROUP BY i.k),"
					" rest AS (%s)"
					" SELECT NULL::%s, %s, false, s.k FROM ("
					"  SELECT f.k, CASE WHEN w.lost AND NOT f.known THEN NULL"
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

/*
 * Returns the query to use for a table without a key.  It counts equal rows.
 *
 * Returns the query to use for a table without a key.  It counts equal rows.
 */
static char *
audit_as_of_sql_counting(const CmigAsOfQuery *as_of)
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

/* ----------------------------------------------------------------
 * Returns a table's rows as they were at a given time.
 *
 * as_of.c explains how the answer is found.  This file collects the
 * information that the queries depend on, and runs the queries.  They run with
 * the caller's privileges, so the table must not change between a check and
 * the query.  Such changes by other sessions are prevented by locks on the
 * table, by target.c, and by the check in base/query.c that the name
 * still refers to the table.  The owner's code runs in this session in a
 * read-only transaction (image.c).
 * ----------------------------------------------------------------
 */

PG_FUNCTION_INFO_V1(cmig_audit_as_of);

/* One call of audit_as_of(). */
typedef struct AsOf
{
	CmigAuditTarget *target;
	TimestampTz at;
	CmigAsOfQuery query;
	Datum		values[CMIG_AS_OF_PARAMETERS];
	char		nulls[CMIG_AS_OF_PARAMETERS + 1];
	ReturnSetInfo *result;
	bool		partial;		/* has the simple query returned an image that
								 * is only a part of the row? */
	CmigAuditImages images;
	MemoryContext row_context;	/* reset for each row */
} AsOf;

static const Oid parameter_types[CMIG_AS_OF_PARAMETERS] = {
	[CMIG_AS_OF_AT] = TIMESTAMPTZOID,
	[CMIG_AS_OF_LOW] = INT8OID,
	[CMIG_AS_OF_HIGH] = INT8OID,
	[CMIG_AS_OF_HASHES] = INT8ARRAYOID,
	[CMIG_AS_OF_KEY] = JSONBOID,
	[CMIG_AS_OF_RENAMES] = JSONBOID,
	[CMIG_AS_OF_HIDDEN] = TEXTARRAYOID,
	[CMIG_AS_OF_SEQ] = INT8OID
};

/* Returns a row if a key was changed after the requested time. */
static CmigQuery changed_keys = {
	"SELECT 'yes' FROM cmig_audit.log l"
	" WHERE l.old_hash >= $1 AND l.old_hash < $2 AND l.clock_at > $3 LIMIT 1",
	3, {INT8OID, INT8OID, TIMESTAMPTZOID}
};

/* Returns the position (seq) of the first TRUNCATE after the requested time. */
static CmigQuery first_truncate = {
	"SELECT pg_catalog.min(l.seq)::text FROM cmig_audit.log l"
	" WHERE l.row_hash = $1 AND l.operation = 'TRUNCATE' AND l.clock_at > $2",
	2, {INT8OID, TIMESTAMPTZOID}
};

/* Raise an error for an imported entry that lacks the old or the new row. */
static void
raise_lost(const AsOf *as_of, Datum key)
{
	char	   *text = JsonbToCString(NULL, &DatumGetJsonbP(key)->root, VARSIZE(DatumGetPointer(key)));

	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("cannot reconstruct a row of table \"%s\" as of the given time", as_of->target->name),
			 errdetail("A log entry for the row with key %s does not contain the row as it was before or after the change.", text),
			 errhint("Use a time after that entry. To see what was logged: SELECT * FROM cmig.audit_history(%s, %s)",
					 quote_literal_cstr(as_of->query.type), quote_literal_cstr(text))));
}

/* Callback that adds a row of the query to the function's result. */
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

/* Run a query, and return its rows as the function's result. */
static void
run_query(AsOf *as_of, const char *sql)
{
	CmigQuery	query = {0};

	query.sql = sql;
	query.nargs = CMIG_AS_OF_PARAMETERS;
	memcpy(query.argtypes, parameter_types, sizeof(parameter_types));
	query.relation = as_of->target->relation;
	query.alias = as_of->query.alias;
	cmig_query_each(&query, as_of->values, as_of->nulls, put_row, as_of);
}

/*
 * Add all rows to the function's result.  For a table without a key, run the
 * query that counts equal rows.  For other tables, run the simple query and, if
 * it does not suffice or the table was truncated, the general query.
 */
static void
put_all_rows(void *arg)
{
	AsOf	   *as_of = arg;

	if (as_of->target->key_columns == NIL)
	{
		run_query(as_of, audit_as_of_sql_counting(&as_of->query));
		return;
	}
	if (!as_of->query.truncated)
		run_query(as_of, audit_as_of_sql_simple(&as_of->query));
	if (as_of->query.truncated || as_of->partial)
	{
		tuplestore_clear(as_of->result->setResult);
		as_of->partial = false;
		run_query(as_of, audit_as_of_sql_general(&as_of->query));
	}
}

/*
 * Prevent changes to the types of all columns, because the queries call
 * to_jsonb() for keys and rows with the caller's privileges.  Returns the
 * result of cmig_audit_types_hold().
 */
static bool
hold_types(Relation relation)
{
	TupleDesc	desc = RelationGetDescr(relation);
	List	   *types = NIL;

	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(desc, i);

		if (!attribute->attisdropped)
			types = list_append_unique_oid(types, attribute->atttypid);
	}
	return cmig_audit_types_hold(types);
}

/*
 * Returns an alias for the table that is not the name of a column, so that the
 * alias refers to the whole row.  Policies on the table are unlikely to use
 * this name, either.
 */
static char *
alias_for(Oid relation)
{
	char	   *alias = pstrdup("cmig_live");

	while (get_attnum(relation, alias) != InvalidAttrNumber)
		alias = psprintf("%s_", alias);
	return alias;
}

/*
 * Returns an SQL expression for the key of a row of the table, as the trigger
 * writes it.
 */
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

/* Can several rows have the same key during a transaction? */
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

/*
 * Raise an error for a partition whose changes are logged as changes of the
 * partitioned table.
 */
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
			 errhint("Query the partitioned table with a condition on its partition key: SELECT * FROM cmig.audit_as_of(NULL::%s, <time>)",
					 cmig_query_relation_name(root))));
}

/* Returns the table whose row type is the type of the first argument. */
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
set_parameter(AsOf *as_of, CmigAsOfParameter parameter, Datum value)
{
	as_of->values[parameter] = value;
	as_of->nulls[parameter] = ' ';
}

/* Restrict the query to the key in the third argument, if it is not null. */
static void
set_key(AsOf *as_of, FunctionCallInfo fcinfo)
{
	List	   *keys = cmig_audit_key_argument(fcinfo, 2, as_of->target);
	Datum	   *hashes;
	ListCell   *lc;
	int			count = 0;

	if (keys == NIL)
		return;
	as_of->query.has_key = true;
	hashes = palloc(sizeof(Datum) * list_length(keys));
	foreach(lc, keys)
	{
		hashes[count++] = Int64GetDatum(cmig_audit_log_row_hash(as_of->target->table_id,
																JsonbPGetDatum(lfirst(lc))));
	}
	set_parameter(as_of, CMIG_AS_OF_HASHES,
				  PointerGetDatum(construct_array(hashes, count, INT8OID, 8,
												  FLOAT8PASSBYVAL, TYPALIGN_DOUBLE)));
	set_parameter(as_of, CMIG_AS_OF_KEY, JsonbPGetDatum(linitial(keys)));
}

/*
 * Lock the table, and collect the information that the queries need.  The lock
 * is held until the end of the transaction, so that no other session can
 * rename or alter the table, or replace it with a view, which the queries
 * would read with the caller's privileges.
 */
static void
begin_as_of(AsOf *as_of, FunctionCallInfo fcinfo)
{
	CmigAsOfQuery *query = &as_of->query;
	Oid			oid = table_of_argument(fcinfo);

	LockRelationOid(oid, AccessShareLock);
	/* check that the table was not dropped or replaced before it was locked */
	if (table_of_argument(fcinfo) != oid)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("relation with OID %u does not exist", oid)));
	as_of->target = cmig_audit_target_of(oid);
	as_of->at = PG_GETARG_TIMESTAMPTZ(1);
	as_of->result = (ReturnSetInfo *) fcinfo->resultinfo;
	query->alias = alias_for(oid);
	query->live_key = live_key(as_of->target, query->alias);

	memset(as_of->nulls, 'n', CMIG_AS_OF_PARAMETERS);
	set_parameter(as_of, CMIG_AS_OF_AT, PG_GETARG_DATUM(1));
	set_parameter(as_of, CMIG_AS_OF_LOW, Int64GetDatum((int64) as_of->target->table_id << 32));
	set_parameter(as_of, CMIG_AS_OF_HIGH, Int64GetDatum(((int64) as_of->target->table_id + 1) << 32));
}

/*
 * Set the parts of the query that depend on the log entries after the requested
 * time.
 */
static void
look_at_log(AsOf *as_of)
{
	CmigAsOfQuery *query = &as_of->query;
	Datum		changed_values[3] = {as_of->values[CMIG_AS_OF_LOW], as_of->values[CMIG_AS_OF_HIGH],
	as_of->values[CMIG_AS_OF_AT]};
	Datum		truncate_values[2] = {as_of->values[CMIG_AS_OF_LOW], as_of->values[CMIG_AS_OF_AT]};
	char	   *truncate = NULL;
	char	   *changed = NULL;
	Jsonb	   *renames = cmig_audit_as_of_layouts_renames(as_of->target);

	query->has_renames = renames != NULL;
	if (renames)
		set_parameter(as_of, CMIG_AS_OF_RENAMES, JsonbPGetDatum(renames));
	cmig_query_each(&changed_keys, changed_values, NULL, cmig_query_keep_text, &changed);
	query->keys_changed = changed != NULL;
	cmig_query_each(&first_truncate, truncate_values, NULL, cmig_query_keep_text, &truncate);
	query->truncated = truncate != NULL;
	if (truncate)
		set_parameter(as_of, CMIG_AS_OF_SEQ,
					  DirectFunctionCall1(int8in, CStringGetDatum(truncate)));
}

/* Set the parts of the query that depend on the table as it is now. */
static void
look_at_table(AsOf *as_of, Relation relation)
{
	CmigAsOfQuery *query = &as_of->query;
	List	   *young = NIL;
	ArrayType  *hidden;

	/*
	 * read the names again, because the schema may have been renamed while
	 * the key was read
	 */
	query->type = quote_qualified_identifier(get_namespace_name(RelationGetNamespace(relation)),
											 RelationGetRelationName(relation));
	query->table = relation->rd_rel->relkind == RELKIND_RELATION ?
		psprintf("ONLY %s", query->type) : query->type;
	query->deferrable = key_is_deferrable(relation);
	if (as_of->target->key_columns == NIL)
		young = cmig_audit_as_of_layouts_young(as_of->target, relation, &as_of->values[CMIG_AS_OF_LOW],
											   query->truncated ? DT_NOBEGIN : as_of->at);
	hidden = cmig_audit_as_of_layouts_hidden(as_of->target, relation, cmig_audit_log_extension_owner(), young);
	query->has_hidden = hidden != NULL;
	if (hidden)
		set_parameter(as_of, CMIG_AS_OF_HIDDEN, PointerGetDatum(hidden));
	as_of->row_context = AllocSetContextCreate(CurrentMemoryContext, "pg_cmig row",
											   ALLOCSET_DEFAULT_SIZES);
	cmig_audit_image_init(&as_of->images, RelationGetRelid(relation), relation->rd_rel->relowner,
						  as_of->target->key_columns, as_of->at);
}

Datum
cmig_audit_as_of(PG_FUNCTION_ARGS)
{
	AsOf		as_of = {0};
	Relation	relation;
	bool		held;
	int			guc_level;

	if (PG_ARGISNULL(1))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("the time must not be null"),
				 errhint("SELECT * FROM cmig.audit_as_of(NULL::<table>, now() - interval '1 day')")));
	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
	cmig_audit_reader_begin();
	begin_as_of(&as_of, fcinfo);
	cmig_audit_as_of_layouts_check_keys(as_of.target, &as_of.values[CMIG_AS_OF_LOW], as_of.at);
	if (PG_NARGS() > 2)
		set_key(&as_of, fcinfo);
	look_at_log(&as_of);
	relation = table_open(as_of.target->relation, AccessShareLock);
	refuse_partition(relation);
	look_at_table(&as_of, relation);
	held = hold_types(relation);
	table_close(relation, AccessShareLock);

	guc_level = cmig_audit_row_pin_reader();
	/* turn off JIT compilation, which would take longer than it saves */
	cmig_settings_override("jit", "off");

	/*
	 * turn off nested loops, which are slow but which the planner might
	 * choose, because it cannot estimate how many entries of a transaction
	 * share a key
	 */
	if (as_of.query.deferrable)
		cmig_settings_override("enable_nestloop", "off");
	cmig_audit_image_explain(&as_of.images, put_all_rows, &as_of);
	AtEOXact_GUC(false, guc_level);
	cmig_audit_types_release(held);
	return (Datum) 0;
}
