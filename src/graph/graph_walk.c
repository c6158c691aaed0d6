/*
 * graph_walk.c
 *	  Computes sets of nodes, such as the ancestors of a node, and puts nodes
 *	  in order.
 *
 * Each walk keeps its stack in allocated memory, so the depth is limited by
 * memory, not by the C stack.  Each function takes time linear in the number of
 * nodes and edges.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/compat.h"
#include "graph/graph_walk.h"

/*
 * Sets
 */

CmigMarks *
cmig_graph_marks(const CmigGraph *graph)
{
	CmigMarks  *marks = palloc(sizeof(CmigMarks));

	marks->count = 0;
	marks->set = palloc_extended(Max(graph->count, 1), MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	return marks;
}

bool
cmig_graph_mark(CmigMarks *marks, int node)
{
	if (marks->set[node])
		return false;
	marks->set[node] = true;
	marks->count++;
	return true;
}

/* Mark the nodes that can be reached from marked nodes, upward or downward. */
static void
spread(const CmigGraph *graph, CmigMarks *marks, bool up, bool over_depends)
{
	int		   *stack = palloc_extended(sizeof(int) * (Size) Max(graph->count, 1), MCXT_ALLOC_HUGE);
	int			depth = 0;

	for (int i = 0; i < graph->count; i++)
		if (marks->set[i])
			stack[depth++] = i;
	while (depth > 0)
	{
		const CmigNode *node = &graph->nodes[stack[--depth]];
		int			other;

		for (int k = 0; (other = up ? cmig_graph_edge_up(node, k, over_depends)
						 : cmig_graph_edge_down(node, k, over_depends)) >= 0; k++)
			if (cmig_graph_mark(marks, other))
				stack[depth++] = other;
	}
	pfree(stack);
}

void
cmig_graph_mark_ancestors(const CmigGraph *graph, CmigMarks *marks, bool over_depends)
{
	spread(graph, marks, false, over_depends);
}

void
cmig_graph_mark_descendants(const CmigGraph *graph, CmigMarks *marks, bool over_depends)
{
	spread(graph, marks, true, over_depends);
}

CmigMarks *
cmig_graph_lineage(const CmigGraph *graph, int node, bool over_depends)
{
	CmigMarks  *down = cmig_graph_marks(graph);
	CmigMarks  *up = cmig_graph_marks(graph);

	cmig_graph_mark(down, node);
	cmig_graph_mark(up, node);
	spread(graph, down, false, over_depends);
	spread(graph, up, true, over_depends);
	for (int i = 0; i < graph->count; i++)
		if (up->set[i])
			cmig_graph_mark(down, i);
	pfree(up->set);
	pfree(up);
	return down;
}

/* Is no child or dependent of the node marked? */
static bool
is_topmost(const CmigGraph *graph, const CmigMarks *marks, int node)
{
	int			other;

	for (int k = 0; (other = cmig_graph_edge_up(&graph->nodes[node], k, true)) >= 0; k++)
		if (marks->set[other])
			return false;
	return true;
}

/*
 * Walks depth-first from the topmost marked nodes, so that branches are not
 * interleaved.
 */
int *
cmig_graph_order(const CmigGraph *graph, const CmigMarks *marks, int *count)
{
	Size		size = Max(graph->count, 1);
	int		   *order = palloc_extended(sizeof(int) * size, MCXT_ALLOC_HUGE);
	int		   *stack = palloc_extended(sizeof(int) * size, MCXT_ALLOC_HUGE);
	int		   *next_edge = palloc_extended(sizeof(int) * size, MCXT_ALLOC_HUGE);
	bool	   *visited = palloc_extended(size, MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	int			done = 0;

	/*
	 * Pass 0 starts at the topmost marked nodes.  Pass 1 starts at nodes that
	 * pass 0 did not reach, which are on or below cycles.
	 */
	for (int pass = 0; pass < 2; pass++)
	{
		for (int start = 0; start < graph->count; start++)
		{
			int			depth = 0;

			if (!marks->set[start] || visited[start])
				continue;
			if (pass == 0 && !is_topmost(graph, marks, start))
				continue;

			visited[start] = true;
			next_edge[start] = 0;
			stack[depth++] = start;
			while (depth > 0)
			{
				int			node = stack[depth - 1];
				int			other = cmig_graph_edge_down(&graph->nodes[node], next_edge[node]++, true);

				if (other < 0)
				{
					order[done++] = node;
					depth--;
				}
				else if (marks->set[other] && !visited[other])
				{
					visited[other] = true;
					next_edge[other] = 0;
					stack[depth++] = other;
				}
			}
		}
	}
	pfree(stack);
	pfree(next_edge);
	pfree(visited);

	*count = done;
	return order;
}

/*
 * Append the labels in "from" that are not yet in "to".  Labels are unique in
 * a sound graph, so comparing pointers is sufficient.
 */
static List *
add_labels(List *to, List *from)
{
	ListCell   *lc;

	foreach(lc, from)
	{
		to = list_append_unique_ptr(to, lfirst(lc));
	}
	return to;
}

static inline bool
is_fork(const CmigNode *node)
{
	return node->children.count + node->dependents.count > 1;
}

/*
 * Consecutive revisions without labels share one list, so only merges and
 * revisions with labels need memory for lists.
 */
CmigShownLabels *
cmig_graph_shown_labels(const CmigGraph *graph)
{
	CmigShownLabels *shown = palloc(sizeof(CmigShownLabels));
	Size		size = sizeof(List *) * (Size) Max(graph->count, 1);
	CmigMarks	all = {graph->count, NULL};
	int		   *order;
	int			count;

	shown->inherited = palloc_extended(size, MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	shown->carried = palloc_extended(size, MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	all.set = palloc_extended(Max(graph->count, 1), MCXT_ALLOC_HUGE);
	memset(all.set, true, graph->count);
	order = cmig_graph_order(graph, &all, &count);

	/* for each node, collect its labels and those of its ancestors */
	for (int i = 0; i < count; i++)
	{
		const CmigNode *node = &graph->nodes[order[i]];
		List	   *labels = NIL;

		for (int j = 0; j < node->revision->labels.count; j++)
			labels = lappend(labels, node->revision->labels.names[j]);
		for (int j = 0; j < node->parents.count; j++)
		{
			List	   *below = shown->inherited[node->parents.nodes[j]];

			if (labels == NIL)
				labels = below;
			else if (labels != below && below != NIL)
				labels = add_labels(list_copy(labels), below);
		}
		shown->inherited[order[i]] = labels;
	}

	/*
	 * for each node, collect the labels of its descendants up to the next
	 * fork or merge
	 */
	for (int i = count - 1; i >= 0 && graph->defects == NIL; i--)
	{
		const CmigNode *node = &graph->nodes[order[i]];
		const CmigNode *child;

		if (is_fork(node) || node->children.count != 1 || node->parents.count > 1)
			continue;
		child = &graph->nodes[node->children.nodes[0]];
		if (is_fork(child) || child->parents.count > 1)
			continue;
		shown->carried[order[i]] = shown->carried[node->children.nodes[0]];
		if (child->revision->labels.count > 0)
		{
			List	   *labels = NIL;

			for (int j = 0; j < child->revision->labels.count; j++)
				labels = lappend(labels, child->revision->labels.names[j]);
			shown->carried[order[i]] =
				list_concat(labels, shown->carried[node->children.nodes[0]]);
		}
	}
	pfree(all.set);
	pfree(order);
	return shown;
}

List *
cmig_graph_labels(const CmigShownLabels *shown, int node)
{
	return list_concat_copy(shown->inherited[node], shown->carried[node]);
}
