/*
 * order_graph.h
 *	  The graph of nodes: adding edges, and finding the nodes of an object.
 *
 * No database access.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_ORDER_GRAPH_H
#define CMIG_ORDER_GRAPH_H

#include "postgres.h"
#include "compare/order_node.h"

/*
 * Add an edge: the node "before" must come before "node".  Does nothing if
 * either node is -1, which stands for no node.  See CmigEdge for the meaning
 * of "soft" and "weak".
 */
extern void cmig_order_graph_add_kind(CmigOrder *order, int node, int before, bool soft, bool weak);
extern void cmig_order_graph_add_soft(CmigOrder *order, int node, int before);
extern void cmig_order_graph_add(CmigOrder *order, int node, int before);

/*
 * Returns the node after which the object no longer exists in its old form, or
 * -1 if there is none.
 */
extern int	cmig_order_graph_end(const CmigOrder *order, const CmigObject *object);

/*
 * Returns the node after which the object exists in its new form, or -1 if
 * there is none.
 */
extern int	cmig_order_graph_made(const CmigOrder *order, const CmigObject *object);

/*
 * Returns true if the node alters an object in a way that its dependents
 * survive.  Dependents that are dropped anyway should be dropped before this
 * node, but need not be.
 */
extern bool cmig_order_graph_is_harmless(const CmigNode *node);

#endif							/* CMIG_ORDER_GRAPH_H */
