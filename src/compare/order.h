/*
 * order.h
 *	  Finds an order for the changes between two images.
 *
 * A node is a step of a change.  A change that drops and re-creates an object
 * has two nodes.  An object is dropped before the objects that it depends on,
 * and created after them.  A cycle is broken by creating an object in a
 * separate statement instead of as part of another object's statement.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_ORDER_H
#define CMIG_ORDER_H

#include "postgres.h"
#include "compare/order_node.h"

/*
 * Returns an array of *count nodes, in order.  To break cycles, this may
 * change the fields "apart" and "folded" of some objects.
 */
extern CmigNode *cmig_order(CmigDifference *difference, int *count);

#endif							/* CMIG_ORDER_H */
