/*
 * view.c
 *	  Reads the state that read-only functions show, and builds their result
 *	  rows.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/compat.h"
#include "graph/repeatables.h"
#include "graph/trees.h"
#include "report/view.h"
#include "tables/active.h"
#include "tables/catalog.h"
#include "tables/repeatable.h"
#include "tables/version_rows.h"

#include "funcapi.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"

CmigView
cmig_view_read(void)
{
	CmigView	view;
	CmigRevisionSet *set = cmig_active_read(true);
	ListCell   *lc;

	view.graph = cmig_graph_build(set->revisions, set->count);
	cmig_repeatables_add(view.graph, set->repeatables, set->repeatable_count);
	view.database = cmig_active_separate(view.graph);
	view.applied = cmig_applied_find(view.graph, cmig_version_rows_read());
	view.is_row = palloc0(Max(view.graph->count, 1));
	foreach(lc, view.applied->nodes)
	{
		view.is_row[lfirst_int(lc)] = true;
	}
	return view;
}

/* Does the node's tree contain a marked node? */
static bool
is_marked_tree(const CmigView *view, const CmigMarks *marks, int node)
{
	for (int i = 0; i < view->graph->count; i++)
		if (marks->set[i] && cmig_trees_same(view->graph, i, node))
			return true;
	return false;
}

/*
 * Returns true if a head belongs to the current scope.  If any revision is
 * applied in the scope, the scope's heads are those of trees that contain such
 * a revision.  Otherwise, its heads are those of trees without revisions
 * applied in the database.  If there are no such trees, all heads belong to the
 * scope.
 */
static bool
is_of_scope(const CmigView *view, int node)
{
	if (view->database == NULL)
		return true;
	if (view->applied->nodes != NIL)
		return is_marked_tree(view, view->applied->applied, node);
	for (int i = 0; i < view->graph->count; i++)
		if (!is_marked_tree(view, view->database, i))
			return !is_marked_tree(view, view->database, node);
	return true;
}

CmigPlan *
cmig_view_pending(const CmigView *view)
{
	List	   *heads = NIL;
	CmigPlan   *plan;

	for (int i = 0; i < view->graph->count; i++)
	{
		if (cmig_graph_is_effective_head(view->graph, i) && is_of_scope(view, i))
			heads = lappend_int(heads, i);
	}
	plan = cmig_plan_upgrade(view->graph, view->applied, heads);
	cmig_repeatable_add_due(view->graph, view->applied, plan, false);
	return plan;
}

bool
cmig_view_has_all_heads(const CmigGraph *graph, const CmigMarks *range)
{
	for (int i = 0; i < graph->count; i++)
		if (cmig_graph_is_head(graph, i) && !range->set[i])
			return false;
	return true;
}

void
cmig_view_put_row(FunctionCallInfo fcinfo, Datum *values, bool *nulls)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;

	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

Datum
cmig_view_list(List *names)
{
	CmigNames	array = {0};
	ListCell   *lc;

	array.names = palloc(sizeof(char *) * (list_length(names) + 1));
	foreach(lc, names)
	{
		array.names[array.count++] = lfirst(lc);
	}
	return cmig_catalog_names_datum(&array);
}

Datum
cmig_view_edges(const CmigGraph *graph, const CmigEdges *edges)
{
	List	   *names = NIL;

	for (int i = 0; i < edges->count; i++)
		names = lappend(names, (void *) cmig_graph_id(graph, edges->nodes[i]));
	return cmig_view_list(names);
}

char *
cmig_view_names_text(const CmigNames *names)
{
	StringInfoData text;

	initStringInfo(&text);
	for (int i = 0; i < names->count; i++)
		appendStringInfo(&text, "%s%s", i > 0 ? ", " : "", names->names[i]);
	return text.data;
}
