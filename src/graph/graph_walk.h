/*
 * graph_walk.h
 *	  Computes sets of nodes, such as the ancestors of a node, and puts nodes
 *	  in order.
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
	int			count;			/* number of nodes in the set */
	bool	   *set;			/* indexed by node */
} CmigMarks;

/*
 * The first function creates an empty set.  The second function adds a node to
 * a set, and returns false if the node is already in the set.
 */
extern CmigMarks *cmig_graph_marks(const CmigGraph *graph);
extern bool cmig_graph_mark(CmigMarks *marks, int node);

/*
 * Add all ancestors, or all descendants, of the marked nodes to the set.  If
 * over_depends is true, depends_on edges are followed, too.
 */
extern void cmig_graph_mark_ancestors(const CmigGraph *graph, CmigMarks *marks,
									  bool over_depends);
extern void cmig_graph_mark_descendants(const CmigGraph *graph, CmigMarks *marks,
										bool over_depends);

/*
 * Returns a node's lineage: its ancestors, its descendants, and the node
 * itself.
 */
extern CmigMarks *cmig_graph_lineage(const CmigGraph *graph, int node, bool over_depends);

/*
 * Returns the marked nodes as an array of *count node numbers, branch by
 * branch, with each node after its parents and dependencies.
 */
extern int *cmig_graph_order(const CmigGraph *graph, const CmigMarks *marks, int *count);

/*
 * The labels displayed for each node, as in Alembic: the labels of the node,
 * its ancestors, and its descendants up to the next fork or merge.
 */
typedef struct CmigShownLabels
{
	List	  **inherited;		/* indexed by node: labels of the node and its
								 * ancestors; the lists of char * must not be
								 * changed */
	List	  **carried;		/* indexed by node: labels of the node's
								 * descendants up to the next fork or merge */
} CmigShownLabels;

extern CmigShownLabels *cmig_graph_shown_labels(const CmigGraph *graph);

/* Returns a new list of all labels displayed for a node. */
extern List *cmig_graph_labels(const CmigShownLabels *shown, int node);

#endif							/* CMIG_GRAPH_WALK_H */
