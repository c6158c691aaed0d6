/*
 * plan.c
 *	  Plans: from the applied revisions to a target, step by step.
 *
 * The version rows are the applied revisions that no other applied revision
 * names in down_revision or depends_on.  To determine them, this file counts
 * for each node how many applied revisions name it there.  An applied node has
 * a version row if its count is 0.  A step changes only the counts of the nodes
 * that its revision names, so building a plan takes time linear in the number
 * of edges.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "utils/builtins.h"

#include "base/errors.h"
#include "graph/graph.h"

/*
 * The applied revisions, according to the version rows
 */

CmigApplied *
cmig_applied_find(const CmigGraph *graph, const CmigNames *rows)
{
	CmigApplied *applied = palloc0(sizeof(CmigApplied));

	applied->rows = rows;
	applied->applied = cmig_graph_marks(graph);
	for (int i = 0; i < rows->count; i++)
	{
		int			node = cmig_graph_find_id(graph, rows->names[i]);

		if (node < 0)
			applied->unknown = lappend(applied->unknown, rows->names[i]);
		else
		{
			applied->nodes = lappend_int(applied->nodes, node);
			cmig_graph_mark(applied->applied, node);
		}
	}
	cmig_graph_mark_ancestors(graph, applied->applied, true);
	return applied;
}

void
cmig_applied_require_known(const CmigGraph *graph, const CmigApplied *applied)
{
	const char *row;

	if (applied->unknown == NIL)
		return;
	row = linitial(applied->unknown);

	/*
	 * A loaded revision that replaces this one cannot do so yet, because only
	 * some of the revisions that it replaces are applied, and at least one is
	 * not loaded.
	 */
	for (int node = 0; node < graph->count; node++)
	{
		const CmigNames *old = &graph->nodes[node].revision->replaces;

		if (!cmig_graph_lists(old, row))
			continue;
		ereport(ERROR,
				(errcode(ERRCODE_CMIG_REVISION_NOT_FOUND),
				 errmsg("revision \"%s\" cannot replace \"%s\" yet", cmig_graph_id(graph, node),
						row),
				 errdetail("It replaces %s. Some of these revisions are applied, and at least one is not loaded.", cmig_listing_names(old, CMIG_LISTING_QUOTED)),
				 cmig_hint("Load the files of the replaced revisions, and upgrade. The files are needed until all of these revisions are applied. If the schema already has everything in \"%s\": `SELECT cmig.stamp(%s, purge => true)`",
						   cmig_graph_id(graph, node),
						   quote_literal_cstr(cmig_graph_id(graph, node)))));
	}
	ereport(ERROR,
			(errcode(ERRCODE_CMIG_REVISION_NOT_FOUND),
			 errmsg("can't locate revision identified by \"%s\"", row),
			 errdetail("It is recorded as applied, but it is not loaded."),
			 cmig_hint("Load the missing revision, or record the revision that the schema matches: `SELECT cmig.stamp('<revision>', purge => true)`")));
}

int
cmig_applied_overlap(const CmigGraph *graph, List *nodes, bool over_depends, int *above)
{
	CmigMarks  *below = cmig_graph_marks(graph);
	int			overlap = -1;

	if (list_length(nodes) < 2)
		return -1;
	foreach_int(node, nodes)
	{
		int			other;

		for (int k = 0; (other = cmig_graph_edge_down(&graph->nodes[node], k,
													  over_depends)) >= 0; k++)
			cmig_graph_mark(below, other);
	}
	cmig_graph_mark_ancestors(graph, below, over_depends);
	foreach_int(number, nodes)
	{
		if (below->set[number])
		{
			overlap = number;
			break;
		}
	}
	if (overlap >= 0)
	{
		CmigMarks  *over = cmig_graph_marks(graph);

		cmig_graph_mark(over, overlap);
		cmig_graph_mark_descendants(graph, over, over_depends);
		foreach_int(each, nodes)
		{
			if (each != overlap && over->set[each])
				*above = each;
		}
	}
	return overlap;
}

/*
 * Returns the cmig.stamp() call that keeps the version rows in "rows", except
 * for those that are ancestors of others.  The call names each row to keep,
 * because a stamp with "purge" removes all other rows.
 */
static char *
stamp_call(const CmigGraph *graph, List *rows, bool over_depends)
{
	StringInfoData targets;
	int			above;
	int			overlap;

	rows = list_copy(rows);
	while ((overlap = cmig_applied_overlap(graph, rows, over_depends, &above)) >= 0)
		rows = list_delete_int(rows, overlap);
	if (list_length(rows) == 1)
		return psprintf("`SELECT cmig.stamp('%s', purge => true)`",
						cmig_graph_id(graph, linitial_int(rows)));
	initStringInfo(&targets);
	for (int i = 0; i < list_length(rows); i++)
		appendStringInfo(&targets, "%s'%s'", i > 0 ? ", " : "",
						 cmig_graph_id(graph, list_nth_int(rows, i)));
	return psprintf("`SELECT cmig.stamp(ARRAY[%s], purge => true)`", targets.data);
}

void
cmig_applied_require_sound(const CmigGraph *graph, const CmigApplied *applied,
						   bool over_depends)
{
	int			above = -1;
	int			overlap;

	/*
	 * if a row's revision is unknown, we cannot tell whether the row is an
	 * ancestor of another row
	 */
	if (applied->unknown != NIL)
		return;
	overlap = cmig_applied_overlap(graph, applied->nodes, over_depends, &above);
	if (overlap < 0)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_CMIG_INVALID_TARGET),
			 errmsg("version row \"%s\" overlaps with version row \"%s\"",
					cmig_graph_id(graph, overlap), cmig_graph_id(graph, above)),
			 errdetail("\"%s\" is an ancestor of \"%s\", so cmig.version must not contain both. Restoring a dump into a database that is in use can cause this.",
					   cmig_graph_id(graph, overlap), cmig_graph_id(graph, above)),
			 cmig_hint("Find out which of the two revisions the schema matches, and record that revision: %s",
					   stamp_call(graph, applied->nodes, over_depends))));
}

/*
 * Plans
 */

/* Build a plan that applies or reverts the nodes in "moving". */
static CmigPlan *
make_plan(const CmigGraph *graph, const CmigApplied *applied,
		  const CmigMarks *moving, CmigDirection direction)
{
	CmigPlan   *plan = palloc0(sizeof(CmigPlan));
	int		   *naming = palloc_extended(sizeof(int) * (Size) Max(graph->count, 1),
										 MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	int		   *order = cmig_graph_order(graph, moving, &plan->count);
	int		   *removed = palloc(sizeof(int) * Max(list_length(applied->nodes), 1));
	int			removed_count = 0;
	int		   *pool;			/* for the arrays of the steps */
	Size		edges = 0;

	for (int i = 0; i < graph->count; i++)
	{
		int			other;

		for (int k = 0; applied->applied->set[i] &&
			 (other = cmig_graph_edge_down(&graph->nodes[i], k, true)) >= 0; k++)
			naming[other]++;
	}
	foreach_int(number, applied->nodes)
	{
		if (naming[number] > 0)
			removed[removed_count++] = number;
	}

	for (int i = 0; i < plan->count; i++)
		edges += graph->nodes[order[i]].parents.count + graph->nodes[order[i]].depends.count;
	pool = palloc_extended(sizeof(int) * Max(edges, 1), MCXT_ALLOC_HUGE);
	plan->direction = direction;
	plan->steps = palloc_extended(sizeof(CmigPlanStep) * (Size) Max(plan->count +
																	graph->repeatable_count, 1),
								  MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	for (int i = 0; i < plan->count; i++)
	{
		CmigPlanStep *step = &plan->steps[i];
		bool		up = direction == CMIG_UPGRADE;
		CmigEdges	own = {1, &step->node};
		CmigEdges	changed = {0, pool};
		int			other;

		/*
		 * The nodes whose count changes from 0 to 1, or from 1 to 0, lose or
		 * get their rows.  A node's edges contain no duplicates.
		 */
		step->node = order[up ? i : plan->count - 1 - i];
		for (int k = 0; (other = cmig_graph_edge_down(&graph->nodes[step->node], k,
													  true)) >= 0; k++)
		{
			if (naming[other] == (up ? 0 : 1))
				changed.nodes[changed.count++] = other;
			naming[other] += up ? 1 : -1;
		}
		pool += changed.count;
		step->added = up ? own : changed;
		step->removed = up ? changed : own;
	}

	/*
	 * let the first step also delete the version rows that are ancestors of
	 * other rows
	 */
	if (plan->count > 0 && removed_count > 0)
	{
		CmigEdges  *first = &plan->steps[0].removed;

		removed = repalloc(removed, sizeof(int) * (removed_count + first->count));
		for (int i = 0; i < first->count; i++)
			removed[removed_count++] = first->nodes[i];
		first->nodes = removed;
		first->count = removed_count;
	}
	pfree(naming);
	pfree(order);
	return plan;
}

CmigPlan *
cmig_plan_upgrade(const CmigGraph *graph, const CmigApplied *applied, List *targets)
{
	CmigMarks  *needed = cmig_graph_marks(graph);
	CmigMarks  *moving = cmig_graph_marks(graph);

	foreach_int(target, targets)
		cmig_graph_mark(needed, target);
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

	foreach_int(root, target->roots)
		cmig_graph_mark(going, root);
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
				 cmig_hint("`SELECT * FROM cmig.current()` shows what is applied; `cmig.upgrade` goes the other way.")));
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

	foreach_int(number, applied->nodes)
		cmig_graph_mark(rows, number);
	foreach_int(each, target->nodes)
	{
		if (rows->set[each])
			continue;
		plan->added = lappend_int(plan->added, each);
		cmig_graph_mark(below, each);
		cmig_graph_mark(above, each);
	}
	cmig_graph_mark_ancestors(graph, below, true);
	cmig_graph_mark_descendants(graph, above, true);

	foreach_int(node, applied->nodes)
	{
		if (below->set[node] || above->set[node] ||
			(target->base &&
			 (target->base_lineage == NULL || target->base_lineage->set[node]) &&
			 !list_member_int(target->nodes, node)))
			plan->removed = lappend(plan->removed, cmig_graph_id(graph, node));
	}
	return plan;
}
