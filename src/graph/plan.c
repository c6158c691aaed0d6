/*
 * plan.c
 *	  Plans the steps from the current version rows to a target.
 *
 * To determine the version rows, this file counts for each node how many
 * applied revisions name it in down_revision or depends_on.  An applied node
 * has a version row if its count is 0.  A step changes only the counts of the
 * nodes that its revision names, so building a plan takes time linear in the
 * number of edges.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/errors.h"
#include "graph/plan.h"

/*
 * Returns an array, indexed by node, of the number of applied revisions that
 * name the node in down_revision or depends_on.
 */
static int *
count_naming(const CmigGraph *graph, const CmigMarks *applied)
{
	int		   *naming = palloc_extended(sizeof(int) * (Size) Max(graph->count, 1),
										 MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);

	for (int i = 0; i < graph->count; i++)
	{
		const CmigNode *node = &graph->nodes[i];

		if (!applied->set[i])
			continue;
		for (int j = 0; j < node->parents.count; j++)
			naming[node->parents.nodes[j]]++;
		for (int j = 0; j < node->depends.count; j++)
			naming[node->depends.nodes[j]]++;
	}
	return naming;
}

/*
 * Update the counts in "naming" when a node becomes applied ("applied" is
 * true) or is no longer applied ("applied" is false).  Returns the nodes in
 * its down_revision and depends_on whose count has changed from 0 to 1 or, if
 * "applied" is false, from 1 to 0.  A node's edges contain no duplicates.
 */
static CmigEdges
change_naming(const CmigNode *node, int *naming, bool applied)
{
	const CmigEdges *edges[2] = {&node->parents, &node->depends};
	CmigEdges	changed = {0};
	int			turning = applied ? 0 : 1;
	int			of_parents = 0;

	for (int e = 0; e < 2; e++)
	{
		for (int j = 0; j < edges[e]->count; j++)
			if (naming[edges[e]->nodes[j]] == turning)
				changed.count++;
		if (e == 0)
			of_parents = changed.count;
	}

	/*
	 * if the changed nodes are exactly the parents, share the node's array
	 * instead of copying it
	 */
	if (changed.count == node->parents.count && changed.count == of_parents)
		changed.nodes = node->parents.nodes;
	else
	{
		int			count = 0;

		changed.nodes = palloc(sizeof(int) * Max(changed.count, 1));
		for (int e = 0; e < 2; e++)
			for (int j = 0; j < edges[e]->count; j++)
				if (naming[edges[e]->nodes[j]] == turning)
					changed.nodes[count++] = edges[e]->nodes[j];
	}
	for (int e = 0; e < 2; e++)
		for (int j = 0; j < edges[e]->count; j++)
			naming[edges[e]->nodes[j]] += applied ? 1 : -1;
	return changed;
}

static void
step_up(const CmigGraph *graph, CmigPlanStep *step, int *naming)
{
	step->added.count = 1;
	step->added.nodes = &step->node;
	step->removed = change_naming(&graph->nodes[step->node], naming, true);
}

static void
step_down(const CmigGraph *graph, CmigPlanStep *step, int *naming)
{
	step->removed.count = 1;
	step->removed.nodes = &step->node;
	step->added = change_naming(&graph->nodes[step->node], naming, false);
}

/* Make a step delete the version rows of these nodes, too. */
static void
remove_also(CmigPlanStep *step, List *nodes)
{
	int			count = 0;
	int		   *all = palloc(sizeof(int) * (list_length(nodes) + step->removed.count));
	ListCell   *lc;

	foreach(lc, nodes)
	{
		all[count++] = lfirst_int(lc);
	}
	for (int i = 0; i < step->removed.count; i++)
		all[count++] = step->removed.nodes[i];
	step->removed.nodes = all;
	step->removed.count = count;
}

/* Build a plan that applies or reverts the nodes in "moving". */
static CmigPlan *
make_plan(const CmigGraph *graph, const CmigApplied *applied,
		  const CmigMarks *moving, CmigDirection direction)
{
	CmigPlan   *plan = palloc0(sizeof(CmigPlan));
	int		   *naming = count_naming(graph, applied->applied);
	int		   *order = cmig_graph_order(graph, moving, &plan->count);
	List	   *superfluous = NIL;
	ListCell   *lc;

	foreach(lc, applied->nodes)
	{
		if (naming[lfirst_int(lc)] > 0)
			superfluous = lappend_int(superfluous, lfirst_int(lc));
	}

	plan->direction = direction;
	plan->steps = palloc_extended(sizeof(CmigPlanStep) * (Size) Max(plan->count + graph->repeatable_count, 1),
								  MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	for (int i = 0; i < plan->count; i++)
	{
		CmigPlanStep *step = &plan->steps[i];

		if (direction == CMIG_UPGRADE)
		{
			step->node = order[i];
			step_up(graph, step, naming);
		}
		else
		{
			step->node = order[plan->count - 1 - i];
			step_down(graph, step, naming);
		}
	}

	/*
	 * let the first step also delete the version rows that are ancestors of
	 * other rows
	 */
	if (plan->count > 0 && superfluous != NIL)
		remove_also(&plan->steps[0], superfluous);
	pfree(naming);
	pfree(order);
	return plan;
}

CmigPlan *
cmig_plan_upgrade(const CmigGraph *graph, const CmigApplied *applied, List *targets)
{
	CmigMarks  *needed = cmig_graph_marks(graph);
	CmigMarks  *moving = cmig_graph_marks(graph);
	ListCell   *lc;

	foreach(lc, targets)
	{
		cmig_graph_mark(needed, lfirst_int(lc));
	}
	cmig_graph_mark_ancestors(graph, needed, true);
	for (int i = 0; i < graph->count; i++)
		if (needed->set[i] && !applied->applied->set[i])
			cmig_graph_mark(moving, i);
	return make_plan(graph, applied, moving, CMIG_UPGRADE);
}

bool
cmig_plan_reaches_heads(const CmigGraph *graph, const CmigApplied *applied, const CmigPlan *plan)
{
	return plan->direction == CMIG_UPGRADE && applied->applied->count + plan->count == graph->count;
}

void
cmig_plan_add_repeatable(CmigPlan *plan, int node)
{
	plan->steps[plan->count++].node = node;
}

CmigPlan *
cmig_plan_downgrade(const CmigGraph *graph, const CmigApplied *applied,
					const CmigDowngradeTarget *target)
{
	CmigMarks  *going = cmig_graph_marks(graph);
	CmigMarks  *moving = cmig_graph_marks(graph);
	ListCell   *lc;

	foreach(lc, target->roots)
	{
		cmig_graph_mark(going, lfirst_int(lc));
	}
	cmig_graph_mark_descendants(graph, going, true);
	for (int i = 0; i < graph->count; i++)
		if (going->set[i] && applied->applied->set[i])
			cmig_graph_mark(moving, i);

	if (moving->count == 0 && target->node >= 0 &&
		!list_member_int(applied->nodes, target->node))
		ereport(ERROR,
				(errcode(ERRCODE_CMIG_INVALID_TARGET),
				 errmsg("destination %s is not a valid downgrade target from current head(s)",
						target->text),
				 applied->applied->set[target->node]
				 ? errdetail("Revision \"%s\" is applied only because another revision depends on it, and no revision above it is applied.",
							 cmig_graph_id(graph, target->node))
				 : errdetail("Revision \"%s\" is not applied.",
							 cmig_graph_id(graph, target->node)),
				 errhint("SELECT * FROM cmig.current() shows what is applied; cmig.upgrade goes the other way.")));
	return make_plan(graph, applied, moving, CMIG_DOWNGRADE);
}

CmigStampPlan *
cmig_plan_stamp(const CmigGraph *graph, const CmigApplied *applied,
				const CmigStampTarget *target)
{
	CmigStampPlan *plan = palloc0(sizeof(CmigStampPlan));
	CmigMarks  *rows = cmig_graph_marks(graph);
	CmigMarks  *below = cmig_graph_marks(graph);
	CmigMarks  *above = cmig_graph_marks(graph);
	ListCell   *lc;

	foreach(lc, applied->nodes)
	{
		cmig_graph_mark(rows, lfirst_int(lc));
	}
	foreach(lc, target->nodes)
	{
		if (rows->set[lfirst_int(lc)])
			continue;
		plan->added = lappend_int(plan->added, lfirst_int(lc));
		cmig_graph_mark(below, lfirst_int(lc));
		cmig_graph_mark(above, lfirst_int(lc));
	}
	cmig_graph_mark_ancestors(graph, below, true);
	cmig_graph_mark_descendants(graph, above, true);

	foreach(lc, applied->nodes)
	{
		int			node = lfirst_int(lc);

		if (below->set[node] || above->set[node] ||
			(target->base &&
			 (target->base_lineage == NULL || target->base_lineage->set[node]) &&
			 !list_member_int(target->nodes, node)))
			plan->removed = lappend(plan->removed, cmig_graph_id(graph, node));
	}
	return plan;
}
