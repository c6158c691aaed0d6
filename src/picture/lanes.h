/*
 * lanes.h
 *	  Determines the positions of nodes and edges in a drawing of the graph.
 *
 * A drawing has a row for each node, with children above their parents.  Its
 * columns are called lanes.  A lane is in use from a node's first child down to
 * the node.  At most one lane leads to each node, so there are never more lanes
 * than nodes with children.  Edges represent down_revision.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_LANES_H
#define CMIG_LANES_H

#include "postgres.h"
#include "graph/graph_walk.h"

/* An edge that turns into another lane below its node. */
typedef struct CmigLaneFork
{
	int			lane;
	bool		opens;			/* does the target lane begin here? */
} CmigLaneFork;

/* A row of the drawing, which contains one node. */
typedef struct CmigLanesRow
{
	int			node;
	int			lane;
	bool		begins;			/* true if no lane leads to the node */
	bool		straight;		/* true if the node's lane continues to a
								 * parent */
	int			nforks;
	CmigLaneFork *forks;		/* edges to other parents, from left to right */
	int			ending;			/* lane on the right that moves into this
								 * node's lane, or -1 */
	int			count;			/* number of lanes in use before or after this
								 * row, including gaps: the number of the last
								 * lane plus 1 */
	const bool *passing;		/* by lane: does the lane pass this row and
								 * its forks? */
} CmigLanesRow;

typedef struct CmigLanes CmigLanes;

/*
 * Start a drawing.  "order" lists the nodes in the order of
 * cmig_graph_order(), with parents before their children.
 */
extern CmigLanes *cmig_lanes_begin(const CmigGraph *graph, const int *order, int count);

/*
 * Returns the next row, from top to bottom; returns NULL after the last row.
 * The result is valid until the next call.
 */
extern const CmigLanesRow *cmig_lanes_next(CmigLanes *lanes);

#endif							/* CMIG_LANES_H */
