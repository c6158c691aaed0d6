/*
 * lanes.c
 *	  Determines the positions of nodes and edges in a drawing of the graph.
 *
 * A lane is a column of the drawing.  A node's lane continues to the node's
 * first parent to which no lane leads yet.  For each other parent without a
 * lane, a new lane begins as near to the node as possible.  If all parents
 * already have a lane, the node's lane ends: it turns into a parent's lane on
 * its left, or a parent's lane on its right moves into it.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/compat.h"
#include "picture/lanes.h"

/* A drawing in progress. */
struct CmigLanes
{
	const CmigGraph *graph;
	const int  *order;
	int			left;			/* number of nodes that are still to be drawn */
	bool	   *below;			/* by node: is the node in the drawing, and
								 * not drawn yet? */
	int		   *lane_of;		/* by node: the lane that leads to the node,
								 * or -1 */
	int		   *target;			/* by lane: the node that the lane leads to,
								 * or -1 */
	bool	   *passing;		/* by lane: does the lane pass the current
								 * row? */
	int			count;			/* number of lanes in use, including gaps */
	CmigLanesRow row;
};

static void *
alloc_array(int count, Size size)
{
	return palloc_extended(size * (Size) Max(count, 1), MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
}

CmigLanes *
cmig_lanes_begin(const CmigGraph *graph, const int *order, int count)
{
	CmigLanes  *lanes = palloc0(sizeof(CmigLanes));

	lanes->graph = graph;
	lanes->order = order;
	lanes->left = count;
	lanes->below = alloc_array(graph->count, sizeof(bool));
	lanes->lane_of = alloc_array(graph->count, sizeof(int));

	/* there is at most one lane for each node, plus one for the current row */
	lanes->target = alloc_array(count + 1, sizeof(int));
	lanes->passing = alloc_array(count + 1, sizeof(bool));
	lanes->row.forks = alloc_array(count, sizeof(CmigLaneFork));
	for (int i = 0; i < graph->count; i++)
		lanes->lane_of[i] = -1;
	for (int i = 0; i < count; i++)
		lanes->below[order[i]] = true;
	return lanes;
}

/*
 * Returns the free lane nearest to the given lane.  If there is none, returns
 * a new lane on the right.
 */
static int
nearest_free(const CmigLanes *lanes, int near)
{
	for (int distance = 1; distance < lanes->count; distance++)
	{
		if (near + distance < lanes->count && lanes->target[near + distance] < 0)
			return near + distance;
		if (near - distance >= 0 && lanes->target[near - distance] < 0)
			return near - distance;
	}
	return lanes->count;
}

/* Make a lane lead to a node that will be drawn further down. */
static void
lead(CmigLanes *lanes, int lane, int node)
{
	if (lane == lanes->count)
		lanes->passing[lanes->count++] = false;
	lanes->target[lane] = node;
	lanes->lane_of[node] = lane;
}

/* Add an edge from this row's node to another lane. */
static void
add_fork(CmigLanesRow *row, int lane, bool opens)
{
	CmigLaneFork *fork = &row->forks[row->nforks++];

	fork->lane = lane;
	fork->opens = opens;
}

static int
compare_forks(const void *a, const void *b)
{
	return ((const CmigLaneFork *) a)->lane - ((const CmigLaneFork *) b)->lane;
}

/*
 * Draw the edges to the parents of the row's node.  The node's own lane must
 * be free.
 */
static void
draw_edges(CmigLanes *lanes, CmigLanesRow *row)
{
	const CmigEdges *parents = &lanes->graph->nodes[row->node].parents;
	int			straight = -1;

	for (int i = 0; straight < 0 && i < parents->count; i++)
	{
		if (lanes->below[parents->nodes[i]] && lanes->lane_of[parents->nodes[i]] < 0)
			straight = parents->nodes[i];
	}
	if (straight >= 0)
		lead(lanes, row->lane, straight);
	for (int i = 0; i < parents->count; i++)
	{
		int			parent = parents->nodes[i];
		int			lane = lanes->lane_of[parent];

		if (parent == straight || !lanes->below[parent])
			continue;
		if (lane < 0)
		{
			lane = nearest_free(lanes, row->lane);
			lead(lanes, lane, parent);
			add_fork(row, lane, true);
		}
		else if (straight < 0 && lane > row->lane)
		{
			straight = parent;
			row->ending = lane;
			lanes->target[lane] = -1;
			lead(lanes, row->lane, parent);
		}
		else
			add_fork(row, lane, false);
	}
	row->straight = straight >= 0;
	qsort(row->forks, row->nforks, sizeof(CmigLaneFork), compare_forks);
}

const CmigLanesRow *
cmig_lanes_next(CmigLanes *lanes)
{
	CmigLanesRow *row = &lanes->row;

	while (lanes->count > 0 && lanes->target[lanes->count - 1] < 0)
		lanes->count--;
	if (lanes->left == 0)
		return NULL;
	row->node = lanes->order[--lanes->left];
	row->nforks = 0;
	row->ending = -1;
	row->lane = lanes->lane_of[row->node];
	row->begins = row->lane < 0;
	if (row->begins)
	{
		row->lane = lanes->count > 0 && lanes->target[0] < 0 ? 0 : nearest_free(lanes, 0);
		lanes->count = Max(lanes->count, row->lane + 1);
	}
	lanes->below[row->node] = false;
	lanes->target[row->lane] = -1;
	for (int i = 0; i < lanes->count; i++)
		lanes->passing[i] = lanes->target[i] >= 0;

	draw_edges(lanes, row);
	row->count = lanes->count;
	row->passing = lanes->passing;
	return row;
}
