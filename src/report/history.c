/*
 * history.c
 *	  What read-only functions show: the state of the graph, cmig.current,
 *	  cmig.heads, cmig.branches, cmig.history, cmig.log, and cmig.show.
 *
 * The functions that list revisions also work if the graph has defects or if a
 * version row belongs to an unknown revision.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "report/internal.h"

CmigView
cmig_view_read(void)
{
	CmigView	view;
	CmigRevisionSet *set = cmig_active_read(true);

	view.graph = cmig_graph_build(set->revisions, set->count);
	cmig_repeatables_add(view.graph, set->repeatables, set->repeatable_count);
	view.database = cmig_active_separate(view.graph);
	view.applied = cmig_applied_find(view.graph, cmig_version_rows_read());
	view.is_row = palloc0(Max(view.graph->count, 1));
	foreach_int(node, view.applied->nodes)
		view.is_row[node] = true;
	return view;
}

const bool *
cmig_view_elsewhere(const CmigView *view)
{
	static CmigQuery readable =
	{"SELECT FROM pg_class WHERE oid = to_regclass('cmig.scope_version') AND has_table_privilege(oid, 'SELECT')"};
	const CmigGraph *graph = view->graph;
	const CmigNames *rows;
	const CmigMarks *scopes;
	const int  *trees;
	bool	   *result;
	bool		any = false;

	if (view->database != NULL || graph->defects != NIL || cmig_query_do(&readable) == 0)
		return NULL;
	rows = cmig_version_rows_of(CMIG_ROWS_OF_SCOPES);
	if (rows->count == 0)
		return NULL;
	scopes = cmig_applied_find(graph, rows)->applied;
	trees = cmig_trees_find(graph);
	result = palloc0(Max(graph->count, 1));
	/* a tree has the number of one of its nodes */
	for (int i = 0; i < graph->count; i++)
		result[trees[i]] |= scopes->set[i];
	for (int i = 0; i < graph->count; i++)
		result[trees[i]] &= !view->applied->applied->set[i];
	for (int i = 0; i < graph->count; i++)
		any |= (result[i] = result[trees[i]]);
	return any ? result : NULL;
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
	const bool *elsewhere = cmig_view_elsewhere(view);

	for (int i = 0; i < view->graph->count; i++)
		if (cmig_graph_is_effective_head(view->graph, i) && is_of_scope(view, i) &&
			(elsewhere == NULL || !elsewhere[i]))
			heads = lappend_int(heads, i);
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

CmigNames *
cmig_view_names(const List *list)
{
	CmigNames  *names = palloc0(sizeof(CmigNames));

	names->names = palloc(sizeof(char *) * (list_length(list) + 1));
	foreach_ptr(char, name, list)
		names->names[names->count++] = name;
	return names;
}

PG_FUNCTION_INFO_V1(cmig_current);
PG_FUNCTION_INFO_V1(cmig_heads);
PG_FUNCTION_INFO_V1(cmig_branches);
PG_FUNCTION_INFO_V1(cmig_history);

/* Begin a listing, and find the labels to show. */
static CmigView
begin_listing(FunctionCallInfo fcinfo, CmigShownLabels **labels)
{
	CmigView	view;

	InitMaterializedSRF(fcinfo, 0);
	view = cmig_view_read();
	*labels = cmig_graph_shown_labels(view.graph);
	return view;
}

Datum
cmig_current(PG_FUNCTION_ARGS)
{
	/* first, so that a missing privilege names cmig.version */
	CmigNames  *rows = cmig_version_rows_read();
	CmigShownLabels *labels;
	CmigView	view = begin_listing(fcinfo, &labels);

	for (int i = 0; i < rows->count; i++)
	{
		int			node = cmig_graph_find_id(view.graph, rows->names[i]);
		Datum		values[5] = {0};
		bool		nulls[5] = {0};

		values[0] = CStringGetTextDatum(rows->names[i]);
		values[1] = BoolGetDatum(node >= 0 && cmig_graph_is_head(view.graph, node));
		values[2] = BoolGetDatum(node >= 0);
		values[3] = cmig_names_datum(cmig_view_names(node >= 0 ? cmig_graph_labels(labels, node) :
													 NIL));
		if (node >= 0)
			values[4] = CStringGetTextDatum(view.graph->nodes[node].revision->message);
		else
			nulls[4] = true;
		cmig_result_add((ReturnSetInfo *) fcinfo->resultinfo, lengthof(values), values, nulls);
	}
	return (Datum) 0;
}

Datum
cmig_heads(PG_FUNCTION_ARGS)
{
	CmigShownLabels *labels;
	CmigView	view = begin_listing(fcinfo, &labels);

	for (int i = 0; i < view.graph->count; i++)
	{
		Datum		values[5];
		bool		nulls[5] = {0};

		if (!cmig_graph_is_head(view.graph, i))
			continue;
		values[0] = CStringGetTextDatum(cmig_graph_id(view.graph, i));
		values[1] = cmig_names_datum(cmig_view_names(cmig_graph_labels(labels, i)));
		values[2] = BoolGetDatum(view.is_row[i]);
		values[3] = BoolGetDatum(cmig_graph_is_effective_head(view.graph, i));
		values[4] = CStringGetTextDatum(view.graph->nodes[i].revision->message);
		cmig_result_add((ReturnSetInfo *) fcinfo->resultinfo, lengthof(values), values, nulls);
	}
	return (Datum) 0;
}

Datum
cmig_branches(PG_FUNCTION_ARGS)
{
	CmigShownLabels *labels;
	CmigView	view = begin_listing(fcinfo, &labels);

	for (int i = 0; i < view.graph->count; i++)
	{
		const CmigNode *node = &view.graph->nodes[i];
		List	   *children = NIL;
		Datum		values[4];
		bool		nulls[4] = {0};

		if (node->children.count < 2)
			continue;
		for (int j = 0; j < node->children.count; j++)
			children = lappend(children,
							   (void *) cmig_graph_id(view.graph, node->children.nodes[j]));
		values[0] = CStringGetTextDatum(node->revision->id);
		values[1] = cmig_names_datum(cmig_view_names(cmig_graph_labels(labels, i)));
		values[2] = cmig_names_datum(cmig_view_names(children));
		values[3] = CStringGetTextDatum(node->revision->message);
		cmig_result_add((ReturnSetInfo *) fcinfo->resultinfo, lengthof(values), values, nulls);
	}
	return (Datum) 0;
}

/* The times at which revisions were applied, by node; 0 if unknown. */
typedef struct AppliedTimes
{
	const CmigGraph *graph;
	TimestampTz *times;
} AppliedTimes;

/* Row callback: record when a revision was applied. */
static void
take_time(const CmigRow *row, void *arg)
{
	AppliedTimes *applied = arg;
	char	   *revision = cmig_query_text(row, 1);
	int			node = cmig_graph_find_id(applied->graph, revision);

	if (node >= 0)
		applied->times[node] = DatumGetTimestampTz(cmig_query_datum(row, 2, TIMESTAMPTZOID,
																	NULL));
	pfree(revision);
}

Datum
cmig_history(PG_FUNCTION_ARGS)
{
	CmigShownLabels *labels;
	CmigView	view = begin_listing(fcinfo, &labels);
	CmigGraph  *graph = view.graph;
	CmigMarks  *range = cmig_target_range(graph, view.applied, cmig_argument_text(fcinfo, 0));
	AppliedTimes at = {.graph = graph};
	int		   *order;
	int			count;
	int			repeatables;
	MemoryContext context;
	MemoryContext old;

	at.times = palloc_extended(sizeof(TimestampTz) * (Size) Max(graph->count +
																graph->repeatable_count, 1),
							   MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	cmig_journal_each_applied(take_time, &at);

	/* in reverse order of execution, which begins with repeatable revisions */
	order = cmig_graph_order(graph, range, &count);
	repeatables = cmig_view_has_all_heads(graph, range) ? graph->repeatable_count : 0;
	context = AllocSetContextCreate(CurrentMemoryContext, "pg_cmig history row",
									ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(context);
	for (int i = count + repeatables - 1; i >= 0; i--)
	{
		int			n = i < count ? order[i] : graph->count + i - count;
		bool		in_graph = n < graph->count;
		const CmigNode *node = &graph->nodes[n];
		const CmigRevision *revision = node->revision;
		bool		applied = in_graph ? view.applied->applied->set[n] :
		cmig_repeatable_state(graph, n) == CMIG_REPEATABLE_CURRENT;
		Datum		values[14] = {0};
		bool		nulls[14] = {0};

		values[0] = CStringGetTextDatum(revision->id);
		values[1] = cmig_names_datum(&revision->parents);
		nulls[1] = !in_graph;
		values[2] = cmig_names_datum(&revision->depends);
		values[3] = cmig_names_datum(in_graph ? cmig_view_names(cmig_graph_labels(labels, n)) :
									 &revision->labels);
		values[4] = BoolGetDatum(in_graph && node->children.count == 0);
		values[5] = BoolGetDatum(in_graph && view.is_row[n]);
		values[6] = BoolGetDatum(in_graph && node->children.count > 1);
		values[7] = BoolGetDatum(in_graph && node->parents.count > 1);
		values[8] = BoolGetDatum(applied);
		values[9] = BoolGetDatum(in_graph && revision->irreversible && !revision->expands);
		values[10] = TimestampTzGetDatum(revision->created_at);
		nulls[10] = !revision->has_created_at;
		values[11] = TimestampTzGetDatum(at.times[n]);
		nulls[11] = !applied || at.times[n] == 0;
		nulls[12] = revision->created_by == NULL;
		if (revision->created_by != NULL)
			values[12] = CStringGetTextDatum(revision->created_by);
		values[13] = CStringGetTextDatum(revision->message);
		cmig_result_add((ReturnSetInfo *) fcinfo->resultinfo, lengthof(values), values, nulls);
		MemoryContextReset(context);
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	return (Datum) 0;
}

PG_FUNCTION_INFO_V1(cmig_log);

Datum
cmig_log(PG_FUNCTION_ARGS)
{
	InitMaterializedSRF(fcinfo, 0);
	cmig_journal_return_log((ReturnSetInfo *) fcinfo->resultinfo);
	return (Datum) 0;
}

PG_FUNCTION_INFO_V1(cmig_show);

/* Return everything about one revision, which may be repeatable. */
static void
show_revision(FunctionCallInfo fcinfo, const CmigView *view, const CmigShownLabels *labels, int n,
			  const CmigRevisionText *text)
{
	const CmigNode *node = &view->graph->nodes[n];
	const CmigRevision *revision = node->revision;
	bool		repeatable = revision->repeatable;
	bool		applied = repeatable ?
	cmig_repeatable_state(view->graph, n) == CMIG_REPEATABLE_CURRENT :
	view->applied->applied->set[n];
	List	   *shown = repeatable ? NIL : cmig_graph_labels(labels, n);
	int			children = repeatable ? 0 : node->children.count;
	struct
	{
		const char *field;
		const char *value;
		bool		hidden;
	}			fields[] = {
		{"revision", revision->id},
		{"repeatable", "yes", !repeatable},
		{"down_revision", cmig_names_text(&revision->parents), repeatable},
		{"depends_on", cmig_names_text(&revision->depends)},
		{"branch_labels", cmig_names_text(cmig_view_names(shown)), repeatable},
		{"replaces", cmig_names_text(&revision->replaces), repeatable ||
		revision->replaces.count == 0},
		{"branches_into", cmig_graph_ids_text(view->graph, node->children.nodes, children),
		repeatable},
		{"message", text->edges.message},
		{"description", text->description},
		{"transactional", text->edges.transactional ? "yes" : "no"},
		{"expand", text->expand, text->expand == NULL},
		{"reversible", text->downgrade_sql != NULL ? "yes" : text->expand != NULL ? "generated" :
		"no", repeatable},
		{"applied", applied ? "yes" : "no"},
		{"head", children == 0 ? "yes" : "no", repeatable},
		{"created_at", text->edges.has_created_at ? timestamptz_to_str(text->edges.created_at) :
		NULL},
		{"created_by", text->edges.created_by},
		{"placeholders", cmig_names_text(&text->placeholders), text->placeholders.count == 0},
		{"precondition_sql", text->precondition_sql, text->precondition_sql == NULL},
		{"upgrade_sql", text->upgrade_sql},
		{"downgrade_sql", text->downgrade_sql, repeatable},
		{"verify_sql", text->verify_sql}
	};

	for (int i = 0; i < lengthof(fields); i++)
		if (!fields[i].hidden)
			cmig_result_add_text(fcinfo, fields[i].field, fields[i].value);
}

Datum
cmig_show(PG_FUNCTION_ARGS)
{
	char	   *target = cmig_argument_text(fcinfo, 0);
	CmigView	view;
	List	   *nodes;
	CmigShownLabels *labels;

	if (!cmig_text_is_given(target))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 target ? errmsg("the target must not be empty")
				 : errmsg("the target must not be null"),
				 cmig_hint("Use head, heads, current, a branch label, or an id: `SELECT * FROM cmig.show('head')`")));
	view = begin_listing(fcinfo, &labels);
	if (cmig_repeatables_find(view.graph, target) >= 0)
		nodes = list_make1_int(cmig_repeatables_find(view.graph, target));
	else if (strcmp(target, "current") == 0)
		nodes = view.applied->nodes;
	else
		nodes = cmig_target_absolute(view.graph, target);
	foreach_int(n, nodes)
	{
		CmigRevisionText *text = cmig_catalog_read_text(cmig_graph_id(view.graph, n));

		if (text != NULL)		/* not deleted by another session */
			show_revision(fcinfo, &view, labels, n, text);
	}
	return (Datum) 0;
}
