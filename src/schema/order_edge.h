/*
 * order_edge.h
 *	  Which step must come before which other one. Pure.
 *
 * An object is dropped before the objects on which it depends, and created
 * after them.  A name must be free before another object can get it.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_ORDER_EDGE_H
#define CMIG_ORDER_EDGE_H

#include "postgres.h"
#include "schema/order_node.h"

/* Make all edges between the nodes, sorted by node. */
extern void cmig_order_edge_make(CmigOrder *order);

#endif							/* CMIG_ORDER_EDGE_H */
