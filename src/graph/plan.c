/*
 * plan.c
 *	  Plans: the steps of a move, in order.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "nodes/pg_list.h"
#include "utils/memutils.h"

#include "base/base.h"
#include "base/errors.h"
#include "graph/internal.h"

/* ----------------------------------------------------------------
 * Repeatable revisions, which run after an upgrade to the heads.
 *
 * They are not part of the graph: walks, targets, heads, and version rows do
 * not include them.  They are stored after the graph's nodes, starting at
 * graph->count, so that a plan's steps can refer to them like other nodes.
 * ----------------------------------------------------------------
 */

/*
 * Returns the index of the revision with this id, or -1 if there is none.  The
 * array is sorted by id.
 */
static int
find_sorted(const CmigRevision *const *sorted, int count, const char *id)
{
	int			low = 0;
	int			high = count - 1;

	while (low <= high)
	{
		int			middle = (low + high) / 2;
		int			result = strcmp(id, sorted[middle]->id);

		if (result == 0)
			return middle;
		if (result < 0)
			high = middle - 1;
		else
			low = middle + 1;
	}
	return -1;
}

/*
 * Add a defect for each problem of a repeatable revision that loading would
 * have rejected.  Only rows that were written manually have such problems.
 */
static void
check_row(CmigGraph *graph, const CmigRevision *revision)
{
	char	   *bad = cmig_graph_check_name(revision->id);

	if (bad)
		cmig_graph_add_defect(graph, revision->id, "Give the revision another id.", "its id %s", bad);
	if (revision->malformed)
		cmig_graph_add_defect(graph, revision->id,
							  "Make depends_on and placeholders one-dimensional arrays without nulls.",
							  "one of its arrays contains NULL or has more than one dimension");
	if (revision->parents.count + revision->labels.count + revision->replaces.count > 0)
		cmig_graph_add_defect(graph, revision->id,
							  "Make down_revision, branch_labels, and replaces empty.",
							  "it is repeatable, but has a down_revision, a branch label, or a replaced revision");
}

/*
 * Add a defect for each name in depends_on that is unknown or is the revision
 * itself.
 */
static void
check_depends(CmigGraph *graph, const CmigRevision *const *sorted, int count, const CmigRevision *revision)
{
	for (int i = 0; i < revision->depends.count; i++)
	{
		const char *name = revision->depends.names[i];

		if (strcmp(name, revision->id) == 0)
			cmig_graph_add_defect(graph, revision->id, "Remove the reference.", "it depends on itself");
		else if (find_sorted(sorted, count, name) < 0 && cmig_graph_find_name(graph, name) < 0)
			cmig_graph_add_defect(graph, revision->id,
								  psprintf("Load revision \"%s\", or correct the reference.", name),
								  "its depends_on \"%s\" is not present", name);
	}
}

/*
 * Does revision i depend on a repeatable revision that does not have its
 * position in the order yet?
 */
static bool
must_wait(const CmigRevision *const *sorted, int count, const bool *placed, int i)
{
	const CmigNames *depends = &sorted[i]->depends;

	for (int j = 0; j < depends->count; j++)
	{
		int			other = find_sorted(sorted, count, depends->names[j]);

		if (other >= 0 && other != i && !placed[other])
			return true;
	}
	return false;
}

/*
 * Returns the index of the next revision in the order, or -1 if none can come
 * next.
 */
static int
find_next(const CmigRevision *const *sorted, int count, const bool *placed)
{
	for (int i = 0; i < count; i++)
		if (!placed[i] && !must_wait(sorted, count, placed, i))
			return i;
	return -1;
}

/*
 * Store the revisions after the graph's nodes, in the order in which they run.
 */
static void
place_all(CmigGraph *graph, const CmigRevision *const *sorted, int count)
{
	bool	   *placed = palloc0(sizeof(bool) * count);

	for (int i = 0; i < count; i++)
	{
		int			next = find_next(sorted, count, placed);

		if (next < 0)
		{
			for (next = 0; placed[next]; next++)
				;
			cmig_graph_add_defect(graph, sorted[next]->id, "Remove a name from depends_on.",
								  "it depends on repeatable revisions that depend on it");
		}
		placed[next] = true;
		graph->nodes[graph->count + i].revision = sorted[next];
	}
	pfree(placed);
}

void
cmig_repeatables_add(CmigGraph *graph, const CmigRevision *revisions, int count)
{
	const CmigRevision **sorted;

	if (count <= 0)
		return;
	sorted = palloc(sizeof(CmigRevision *) * count);
	for (int i = 0; i < count; i++)
		sorted[i] = &revisions[i];
	cmig_revision_sort_by_id(sorted, count);
	graph->nodes = repalloc_huge(graph->nodes, sizeof(CmigNode) * (Size) (graph->count + count));
	memset(&graph->nodes[graph->count], 0, sizeof(CmigNode) * count);
	graph->repeatable_count = count;
	for (int i = 0; i < count; i++)
	{
		check_row(graph, sorted[i]);
		check_depends(graph, sorted, count, sorted[i]);
	}
	place_all(graph, sorted, count);
	pfree(sorted);
}

int
cmig_repeatables_find(const CmigGraph *graph, const char *id)
{
	for (int i = graph->count; i < graph->count + graph->repeatable_count; i++)
		if (strcmp(cmig_graph_id(graph, i), id) == 0)
			return i;
	return -1;
}

int
cmig_repeatables_find_any(const CmigGraph *graph, const char *id)
{
	int			node = cmig_graph_find_id(graph, id);

	return node >= 0 ? node : cmig_repeatables_find(graph, id);
}

/* ----------------------------------------------------------------
 * Plans the steps from the current version rows to a target.
 *
 * The version rows are the applied revisions that no other applied revision
 * names in down_revision or depends_on.
 *
 * To determine the version rows, this file counts for each node how many
 * applied revisions name it in down_revision or depends_on.  An applied node
 * has a version row if its count is 0.  A step changes only the counts of the
 * nodes that its revision names, so building a plan takes time linear in the
 * number of edges.
 * ----------------------------------------------------------------
 */

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
