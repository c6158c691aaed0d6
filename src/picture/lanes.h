/*
 * lanes.h
 *	  Determines the places of nodes and edges in a drawing of the graph.
 *
 * A drawing has a row for each node, with children above their parents, and
 * lanes, which are columns.  A lane is in use from a node's first child down
 * to that node, and only one lane leads to a node, so that there are never
 * more lanes than nodes that edges lead to.  Edges are those of down_revision.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_LANES_H
#define CMIG_LANES_H

#include "postgres.h"
#include "graph/graph_walk.h"

/* A lane to which an edge turns below its node. */
typedef struct CmigLaneFork
{
	int			lane;
	bool		opens;			/* nothing else leads to that parent yet */
} CmigLaneFork;

/* A row of the drawing. */
typedef struct CmigLanesRow
{
	int			node;
	int			lane;
	bool		begins;			/* nothing leads to the node */
	bool		straight;		/* its lane continues to a parent */
	int			nforks;
	CmigLaneFork *forks;		/* edges to other parents, from left to right */
	int			ending;			/* the lane, to the right, that ends here and
								 * continues in this node's lane; or -1 */
	int			count;			/* number of lanes in use before or after this
								 * row, including gaps: 1 + the number of the
								 * last lane */
	const bool *passing;		/* by lane: it passes this row and its forks */
} CmigLanesRow;

typedef struct CmigLanes CmigLanes;

/*
 * Start a drawing.  "order" lists the nodes with parents first, as returned by
 * cmig_graph_order().
 */
extern CmigLanes *cmig_lanes_begin(const CmigGraph *graph, const int *order, int count);

/*
 * Returns the next row from the top, valid until the next call; NULL after the
 * last one.
 */
extern const CmigLanesRow *cmig_lanes_next(CmigLanes *lanes);

#endif							/* CMIG_LANES_H */
