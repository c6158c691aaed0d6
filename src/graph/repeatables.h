/*
 * repeatables.h
 *	  Repeatable revisions, which run after an upgrade to the heads.
 *
 * They are not part of the graph: walks, targets, heads, and version rows do
 * not include them.  They are stored after the graph's nodes, starting at
 * graph->count, so that a plan's steps can refer to them like other nodes.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_REPEATABLES_H
#define CMIG_REPEATABLES_H

#include "postgres.h"
#include "graph/graph.h"

#define cmig_repeatables_is(graph, node) ((node) >= (graph)->count)

/*
 * Add repeatable revisions to a graph that has none, in the order in which
 * they run: each one after the revisions in its depends_on, and otherwise in
 * the byte order of their ids.  Defects of these revisions are added to the
 * graph.  The revisions must outlive the graph.
 */
extern void cmig_repeatables_add(CmigGraph *graph, const CmigRevision *revisions, int count);

/* Returns the repeatable revision with this id, or -1 if there is none. */
extern int	cmig_repeatables_find(const CmigGraph *graph, const char *id);

/* Returns the node with this id, repeatable or not, or -1 if there is none. */
extern int	cmig_repeatables_find_any(const CmigGraph *graph, const char *id);

#endif							/* CMIG_REPEATABLES_H */
