/*
 * scope_rows.c
 *	  Implements cmig.scopes, which lists the scopes and their state.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/citus.h"
#include "base/compat.h"
#include "graph/repeatables.h"
#include "graph/trees.h"
#include "graph/plan.h"
#include "scope/scope_list.h"
#include "tables/active.h"
#include "tables/version_rows.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/tuplestore.h"

PG_FUNCTION_INFO_V1(cmig_scopes);

#define COLUMNS 5

/* The number of pending revisions of a scope in which nothing is applied */
#define UNKNOWN (-1)

/* Is any revision of the node's tree applied? */
static bool
is_of_applied_tree(const CmigGraph *graph, const CmigApplied *applied, int node)
{
	ListCell   *lc;

	foreach(lc, applied->nodes)
	{
		if (cmig_trees_same(graph, lfirst_int(lc), node))
			return true;
	}
	return false;
}

/*
 * Callback: count the pending revisions of the current scope, which are not
 * applied but belong to the same tree as an applied revision.  Sets *arg to
 * the count, or to UNKNOWN if nothing is applied.
 */
static void
count_pending(void *arg)
{
	int		   *pending = arg;
	CmigRevisionSet *set = cmig_active_read(false);
	CmigGraph  *graph = cmig_graph_build(set->revisions, set->count);
	CmigApplied *applied;

	(void) cmig_active_separate(graph);
	applied = cmig_applied_find(graph, cmig_version_rows_read());
	*pending = applied->nodes == NIL ? UNKNOWN : 0;
	for (int i = 0; i < graph->count && *pending != UNKNOWN; i++)
		if (!applied->applied->set[i] && is_of_applied_tree(graph, applied, i))
			(*pending)++;
}

/* Returns the number of pending revisions of a scope, or UNKNOWN. */
static int
pending_of(CmigScopeCache *cache, const CmigScopeItem *item)
{
	bool		found;
	int		   *result;
	MemoryContext context;
	MemoryContext old;

	if (!item->exists || item->rows[0] == '\0')
		return UNKNOWN;
	result = cmig_scope_list_result(cache, item->rows, &found);
	if (found)
		return *result;
	context = AllocSetContextCreate(CurrentMemoryContext, "pg_cmig scope", ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(context);
	cmig_scope_list_in(item->name, count_pending, result);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	return *result;
}

/* Returns the lines of a string as a text[] value. */
static Datum
lines_array(const char *lines)
{
	ArrayBuildState *state = initArrayResult(TEXTOID, CurrentMemoryContext, false);

	while (*lines != '\0')
	{
		int			length = strcspn(lines, "\n");

		accumArrayResult(state, PointerGetDatum(cstring_to_text_with_len(lines, length)), false,
						 TEXTOID, CurrentMemoryContext);
		lines += length + (lines[length] != '\0');
	}
	return makeArrayResult(state, CurrentMemoryContext);
}

Datum
cmig_scopes(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	CmigScopeCache *cache;
	List	   *items;
	ListCell   *lc;

	InitMaterializedSRF(fcinfo, 0);
	cache = cmig_scope_list_cache();
	items = cmig_scope_list_tried();
	if (items == NIL)
		cmig_citus_warn_worker();
	foreach(lc, items)
	{
		const CmigScopeItem *item = lfirst(lc);
		int			pending = pending_of(cache, item);
		Datum		values[COLUMNS] = {0};
		bool		nulls[COLUMNS] = {0};

		CHECK_FOR_INTERRUPTS();
		values[0] = CStringGetTextDatum(item->name);
		values[1] = lines_array(item->rows);
		values[2] = Int32GetDatum(pending);
		nulls[2] = pending == UNKNOWN;
		nulls[3] = item->failure == NULL;
		if (item->failure)
			values[3] = CStringGetTextDatum(item->failure);
		values[4] = TimestampTzGetDatum(item->since);
		nulls[4] = item->since == 0;
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
	return (Datum) 0;
}
