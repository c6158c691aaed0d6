/*
 * trees.h
 *	  Divides a graph into trees.
 *
 * Two revisions belong to the same tree if they are connected by down_revision
 * edges.  A scope, which is a schema for one tenant, applies each tree
 * separately: an upgrade to a revision does not apply the revision's
 * dependencies in other trees.  These must already be applied, usually in the
 * database.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_TREES_H
#define CMIG_TREES_H

#include "postgres.h"
#include "graph/graph.h"

/* Returns an array, indexed by node, of the number of each node's tree. */
extern int *cmig_trees_find(const CmigGraph *graph);

/*
 * Set graph->trees to the number of each node's tree.  Remove the depends_on
 * edges between trees from the nodes' "depends" and "dependents", and add them
 * to graph->outside.
 */
extern void cmig_trees_separate(CmigGraph *graph);

/* Are the nodes in the same tree?  The trees must have been separated. */
#define cmig_trees_same(graph, a, b) ((graph)->trees[a] == (graph)->trees[b])

#endif							/* CMIG_TREES_H */
