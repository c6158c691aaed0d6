/*
 * order.h
 *	  Finds an order in which the changes between two images can be made.
 *
 * A change that drops and re-creates an object has two nodes.  An object is
 * dropped before the objects that it depends on, and created after them.  If
 * there is a cycle, an object that would have been part of another object's
 * statement is created by a statement of its own.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_ORDER_H
#define CMIG_ORDER_H

#include "postgres.h"
#include "schema/order_node.h"

/*
 * Returns an array of *count nodes, in order.  May set the "folded" and
 * "apart" flags of objects.
 */
extern CmigNode *cmig_order(CmigDifference *difference, int *count);

#endif							/* CMIG_ORDER_H */
