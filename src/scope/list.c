/*
 * list.c
 *	  Scopes, and cmig.scopes.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "catalog/pg_collation.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "run/run.h"
#include "scope/internal.h"
#include "store/store.h"

/*
 * A subquery that returns one row for each scope: its name, and its version
 * rows, one per line.
 */
#define ROWS \
	"(SELECT v.scope::text AS scope, string_agg(v.revision::text, E'\\n' ORDER BY v.revision::text COLLATE \"C\") AS rows" \
	" FROM cmig.scope_version v GROUP BY 1)"

/*
 * The last checksum of each repeatable revision in the scope s.scope, and
 * whether a downgrade has been run since then.
 */
#define REPEATED \
	"(SELECT coalesce(string_agg(concat(r.revision::text, ' ', x.checksum, ' ', x.id < d.id), E'\n' ORDER BY r.revision::text COLLATE \"C\"), '')" \
	" FROM cmig.revision r LEFT JOIN LATERAL (SELECT j.id::bigint, j.checksum::text FROM cmig.journal j" \
	"  WHERE j.revision::text = r.revision::text AND j.scope::text = s.scope AND j.outcome::text = 'done'" \
	"  AND j.direction::text IN ('upgrade', 'repair') AND j.checksum::text IS NOT NULL ORDER BY j.id::bigint DESC LIMIT 1) x ON true" \
	" WHERE r.repeatable::boolean)"

/* The last downgrade of each scope, for REPEATED. */
#define DOWNGRADES \
	" LEFT JOIN (SELECT j.scope::text, max(j.id::bigint) FROM cmig.journal j" \
	"  WHERE j.direction::text = 'downgrade' AND j.outcome::text = 'done'" \
	"  AND EXISTS (SELECT FROM cmig.revision WHERE repeatable::boolean) GROUP BY 1) d (scope, id) ON d.scope = s.scope"

/*
 * A query for the schemas, with their version rows, that match a LIKE pattern
 * and are not members of extensions.
 */
static CmigQuery matching_query = {
	.sql = "SELECT s.scope, coalesce(r.rows, ''), true, NULL, NULL::timestamptz, " REPEATED
	" FROM (SELECT n.nspname::text FROM pg_namespace n WHERE n.nspname::text LIKE $1"
	" AND NOT EXISTS (SELECT FROM pg_depend d"
	"  WHERE d.classid = 'pg_namespace'::regclass AND d.objid = n.oid"
	" AND d.deptype = 'e')) s (scope)"
	" LEFT JOIN " ROWS " r ON r.scope = s.scope" DOWNGRADES
	" ORDER BY s.scope COLLATE \"C\"",
	.argtypes = {TEXTOID}
};

/*
 * A query for the scopes, with the result of their last run.  The recursive
 * part goes from one scope in the index of the journal to the next.
 */
static CmigQuery tried_query = {
	.sql = "SELECT s.scope, coalesce(r.rows, ''),"
	" EXISTS (SELECT FROM pg_namespace n WHERE n.nspname::text = s.scope),"
	" CASE WHEN j.outcome = 'failed'"
	" THEN concat_ws(': ', j.sqlstate, j.message) END, j.started_at, " REPEATED
	" FROM (SELECT v.scope::text FROM cmig.scope_version v"
	"  UNION (WITH RECURSIVE k(scope) AS (SELECT min(j.scope::text) FROM cmig.journal j"
	" WHERE j.scope::text > ''"
	"   UNION ALL SELECT (SELECT min(j.scope::text) FROM cmig.journal j"
	" WHERE j.scope::text > k.scope) FROM k WHERE k.scope IS NOT NULL)"
	"   SELECT k.scope FROM k WHERE k.scope IS NOT NULL)) s (scope)"
	" LEFT JOIN " ROWS " r ON r.scope = s.scope"
	" LEFT JOIN LATERAL (SELECT j.outcome::text, j.sqlstate::text, j.message::text, j.started_at::timestamptz"
	"  FROM cmig.journal j WHERE j.scope::text = s.scope"
	" AND j.direction::text NOT IN ('repair', 'drift')"
	"  ORDER BY j.id::bigint DESC LIMIT 1) j ON true" DOWNGRADES
	" ORDER BY s.scope COLLATE \"C\""
};

/* Row callback of the queries: append the scope, if it has a name, to a list. */
static void
collect(const CmigRow *row, void *arg)
{
	List	  **items = arg;
	CmigScopeItem *item = palloc0(sizeof(CmigScopeItem));
	bool		isnull;
	Datum		since;

	item->name = cmig_query_text_or_null(row, 1);
	item->rows = cmig_query_text(row, 2);
	item->exists = cmig_query_bool(row, 3, false);
	item->failure = cmig_query_text_or_null(row, 4);
	since = cmig_query_datum(row, 5, TIMESTAMPTZOID, &isnull);
	item->since = isnull ? 0 : DatumGetTimestampTz(since);
	item->repeated = cmig_query_text(row, 6);
	if (item->name)
		*items = lappend(*items, item);
}

/*
 * JIT compilation is turned off: even with thousands of scopes, it would take
 * longer than the query itself.
 */
List *
cmig_scope_list(const char *pattern)
{
	List	   *items = NIL;
	Datum		values[1] = {pattern ? CStringGetTextDatum(pattern) : (Datum) 0};
	List	   *versions = NIL;
	ListCell   *lc;

	foreach_ptr(CmigValue, row, cmig_expansion_schemas())
		versions = lappend(versions, row[2]);

	cmig_query_each(pattern ? &matching_query : &tried_query, values, NULL, collect, &items);
	foreach(lc, items)
	{
		CmigScopeItem *item = lfirst(lc);

		if (cmig_scope_reserved(item->name) != NULL || (!item->exists && item->rows[0] == '\0') ||
			cmig_text_list_has(versions, item->name))
			items = foreach_delete_current(items, lc);
	}
	return items;
}

List *
cmig_scope_list_gone(void)
{
	static CmigQuery query = {
		.sql = "SELECT s.scope, n.nspname::text FROM (SELECT DISTINCT v.scope::text COLLATE \"C\" FROM cmig.scope_version v) s (scope)"
		" LEFT JOIN pg_namespace n ON n.nspname::text = s.scope WHERE s.scope IS NOT NULL"
		" ORDER BY 1"
	};
	List	   *gone = NIL;

	foreach_ptr(CmigValue, row, cmig_query_list(&query))
	{
		if (row[1] == NULL || cmig_scope_reserved(row[0]) != NULL)
			gone = lappend(gone, row[0]);
	}
	return gone;
}

int
cmig_scope_list_enter(const char *scope)
{
	int			guc_level = NewGUCNestLevel();

	cmig_scope_enter(scope);
	return guc_level;
}

/* An entry of the cache.  The key is a checksum of what it depends on. */
typedef struct CacheEntry
{
	char		key[CMIG_CHECKSUM_DIGITS + 1];
	int			result;
} CacheEntry;

HTAB *
cmig_scope_list_cache(void)
{
	HASHCTL		control = {.keysize = CMIG_CHECKSUM_DIGITS +
	1,.entrysize = sizeof(CacheEntry),.hcxt = CurrentMemoryContext};

	return hash_create("pg_cmig scopes", 64, &control, HASH_ELEM | HASH_STRINGS | HASH_CONTEXT);
}

int *
cmig_scope_list_result(HTAB *cache, const CmigScopeItem *item, bool *found)
{
	pg_cryptohash_ctx *checksum = cmig_checksum_start();

	cmig_checksum_add(checksum, item->rows, strlen(item->rows) + 1);
	cmig_checksum_add(checksum, item->repeated, strlen(item->repeated));
	return &((CacheEntry *) hash_search(cache, cmig_checksum_finish(checksum), HASH_ENTER,
										found))->result;
}

/* ----------------------------------------------------------------
 * cmig.scopes
 * ----------------------------------------------------------------
 */

PG_FUNCTION_INFO_V1(cmig_scopes);

#define COLUMNS 5

/* The number of pending revisions of a scope in which nothing is applied */
#define UNKNOWN (-1)

/*
 * Returns the number of pending revisions of a scope, which are not applied but
 * belong to the same tree as an applied revision, and of the repeatable
 * revisions that an upgrade to them would run.  Returns UNKNOWN if nothing is
 * applied.
 */
static int
pending_of(HTAB *cache, const CmigScopeItem *item)
{
	MemoryContext context;
	MemoryContext old;
	int			guc_level;
	CmigRevisionSet *set;
	CmigGraph  *graph;
	CmigApplied *applied;
	CmigPlan   *plan;
	List	   *nodes = NIL;
	bool		found;
	int		   *result;

	if (!item->exists || item->rows[0] == '\0')
		return UNKNOWN;
	result = cmig_scope_list_result(cache, item, &found);
	if (found)
		return *result;
	context = AllocSetContextCreate(CurrentMemoryContext, "pg_cmig scope", ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(context);
	guc_level = cmig_scope_list_enter(item->name);
	set = cmig_active_read(false);
	graph = cmig_graph_build(set->revisions, set->count);
	(void) cmig_active_separate(graph);
	applied = cmig_applied_find(graph, cmig_version_rows_read());
	for (int i = 0; i < graph->count; i++)
	{
		bool		pending = false;

		foreach_int(node, applied->applied->set[i] ? NIL : applied->nodes)
			pending |= cmig_trees_same(graph, node, i);
		if (pending)
			nodes = lappend_int(nodes, i);
	}
	*result = UNKNOWN;
	if (applied->nodes != NIL)
	{
		plan = cmig_plan_upgrade(graph, applied, nodes);
		*result = list_length(nodes) - plan->count;
		cmig_repeatables_add(graph, set->repeatables, set->repeatable_count);
		cmig_repeatable_add_due(graph, applied, plan, false);
		*result += plan->count;
	}
	AtEOXact_GUC(false, guc_level);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	return *result;
}

CmigScopeSummary
cmig_scope_summary(void)
{
	CmigScopeSummary summary = {0};
	HTAB	   *cache = cmig_scope_list_cache();

	foreach_ptr(const CmigScopeItem, item, cmig_scope_list(NULL))
	{
		int			pending = pending_of(cache, item);

		if (!item->exists)
			continue;
		summary.count++;
		if (!TIMESTAMP_NOT_FINITE(item->since))
			summary.last_run = Max(summary.last_run, item->since);
		if (item->failure)
			summary.failed++;
		else if (pending == UNKNOWN)
			summary.never++;
		else if (pending > 0)
			summary.behind++;
	}
	return summary;
}

Datum
cmig_scopes(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	HTAB	   *cache;
	List	   *items;

	InitMaterializedSRF(fcinfo, 0);
	cache = cmig_scope_list_cache();
	items = cmig_scope_list(NULL);
	if (items == NIL)
		cmig_citus_warn_worker();
	foreach_ptr(const CmigScopeItem, item, items)
	{
		int			pending = pending_of(cache, item);
		Datum		values[COLUMNS] = {0};
		bool		nulls[COLUMNS] = {0};

		CHECK_FOR_INTERRUPTS();
		values[0] = CStringGetTextDatum(item->name);
		values[1] = DirectFunctionCall2Coll(text_to_array, C_COLLATION_OID,
											CStringGetTextDatum(item->rows),
											CStringGetTextDatum("\n"));
		values[2] = Int32GetDatum(pending);
		nulls[2] = pending == UNKNOWN;
		nulls[3] = item->failure == NULL;
		if (item->failure)
			values[3] = CStringGetTextDatum(item->failure);
		values[4] = TimestampTzGetDatum(item->since);
		nulls[4] = item->since == 0;
		cmig_result_add(result, lengthof(values), values, nulls);
	}
	return (Datum) 0;
}
