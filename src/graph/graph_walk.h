/*
 * graph_walk.h
 *	  Sets of the graph's nodes: what they reach, and their order.
 *
 * Pure.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_GRAPH_WALK_H
#define CMIG_GRAPH_WALK_H

#include "postgres.h"
#include "nodes/pg_list.h"
#include "graph/graph.h"

/* A set of nodes. */
typedef struct CmigMarks
{
	int			count;			/* how many are set */
	bool	   *set;			/* one for each node */
} CmigMarks;

/* An empty set; adding a node returns false if it was already in the set. */
extern CmigMarks *cmig_graph_marks(const CmigGraph *graph);
extern bool cmig_graph_mark(CmigMarks *marks, int node);

/*
 * Mark everything that the marked nodes reach, themselves included: ancestors
 * or descendants; if over_depends is set, also through depends_on.
 */
extern void cmig_graph_mark_ancestors(const CmigGraph *graph, CmigMarks *marks,
									  bool over_depends);
extern void cmig_graph_mark_descendants(const CmigGraph *graph, CmigMarks *marks,
										bool over_depends);

/* The lineage of a node: its ancestors and descendants, itself included. */
extern CmigMarks *cmig_graph_lineage(const CmigGraph *graph, int node, bool over_depends);

/*
 * The marked nodes as an array of *count node numbers, parents and dependencies
 * first, branch by branch.
 */
extern int *cmig_graph_order(const CmigGraph *graph, const CmigMarks *marks, int *count);

/*
 * The labels shown for each node, as Alembic shows them: those of the node and
 * its ancestors, and those of its descendants up to the next fork or merge.
 */
typedef struct CmigShownLabels
{
	List	  **inherited;		/* by node: its own and its ancestors', lists
								 * of char * that must not be changed */
	List	  **carried;		/* by node: those from above */
} CmigShownLabels;

extern CmigShownLabels *cmig_graph_shown_labels(const CmigGraph *graph);

/* All labels shown for a node, as a new list. */
extern List *cmig_graph_labels(const CmigShownLabels *shown, int node);

#endif							/* CMIG_GRAPH_WALK_H */
