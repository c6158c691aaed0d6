/*
 * order_edge.h
 *	  Determines which steps must come before others.
 *
 * An object is dropped before the objects that it depends on, and created
 * after them.  A name must be free before another object can take it.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_ORDER_EDGE_H
#define CMIG_ORDER_EDGE_H

#include "postgres.h"
#include "compare/order_node.h"

/* Build all edges between the nodes, sorted by node. */
extern void cmig_order_edge_make(CmigOrder *order);

#endif							/* CMIG_ORDER_EDGE_H */
