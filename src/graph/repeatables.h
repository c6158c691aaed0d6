/*
 * repeatables.h
 *	  Repeatable revisions, which run after an upgrade to the heads.
 *
 * They have no place in the graph: no walk, target, head, or version row knows
 * them.  They are stored after the nodes of the graph, from graph->count on, so
 * that the steps of a plan can name them like other nodes.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_REPEATABLES_H
#define CMIG_REPEATABLES_H

#include "postgres.h"
#include "graph/graph.h"

#define cmig_repeatables_is(graph, node) ((node) >= (graph)->count)

/*
 * Add repeatable revisions to a graph that has none, in the order in which they
 * run: each after those in its depends_on, otherwise in the byte order of their
 * ids.  Adds defects to the graph.  The revisions must outlive it.
 */
extern void cmig_repeatables_add(CmigGraph *graph, const CmigRevision *revisions, int count);

/* The repeatable revision with this id; -1 if there is none. */
extern int	cmig_repeatables_find(const CmigGraph *graph, const char *id);

/* The node with this id, whether repeatable or not; -1 if there is none. */
extern int	cmig_repeatables_find_any(const CmigGraph *graph, const char *id);

#endif							/* CMIG_REPEATABLES_H */
