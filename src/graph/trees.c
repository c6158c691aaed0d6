/*
 * trees.c
 *	  Divides a graph into trees, because a scope applies each tree separately.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "graph/trees.h"

/* Returns the node that represents the tree of a node. */
static int
find_tree(int *trees, int node)
{
	while (trees[node] != node)
	{
		trees[node] = trees[trees[node]];
		node = trees[node];
	}
	return node;
}

int *
cmig_trees_find(const CmigGraph *graph)
{
	int		   *trees = palloc_extended(sizeof(int) * Max((Size) graph->count, 1), MCXT_ALLOC_HUGE);

	for (int i = 0; i < graph->count; i++)
		trees[i] = i;
	for (int i = 0; i < graph->count; i++)
	{
		const CmigEdges *parents = &graph->nodes[i].parents;

		for (int j = 0; j < parents->count; j++)
			trees[find_tree(trees, i)] = find_tree(trees, parents->nodes[j]);
	}
	for (int i = 0; i < graph->count; i++)
		trees[i] = find_tree(trees, i);
	return trees;
}

/*
 * Remove a node's edges to other trees.  If "outside" is not NULL, store the
 * removed edges in *outside.
 */
static void
cut(const CmigGraph *graph, int node, CmigEdges *edges, CmigEdges *outside)
{
	int			kept = 0;

	for (int i = 0; i < edges->count; i++)
	{
		int			other = edges->nodes[i];

		if (cmig_trees_same(graph, node, other))
			edges->nodes[kept++] = other;
		else if (outside != NULL)
		{
			if (outside->nodes == NULL)
				outside->nodes = palloc(sizeof(int) * edges->count);
			outside->nodes[outside->count++] = other;
		}
	}
	edges->count = kept;
}

void
cmig_trees_separate(CmigGraph *graph)
{
	graph->trees = cmig_trees_find(graph);
	graph->outside = palloc_extended(sizeof(CmigEdges) * Max((Size) graph->count, 1),
									 MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	for (int i = 0; i < graph->count; i++)
	{
		cut(graph, i, &graph->nodes[i].depends, &graph->outside[i]);
		cut(graph, i, &graph->nodes[i].dependents, NULL);
	}
}
