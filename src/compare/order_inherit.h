/*
 * order_inherit.h
 *	  The order of the steps that run NO INHERIT and INHERIT.
 *
 * No database access.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_ORDER_INHERIT_H
#define CMIG_ORDER_INHERIT_H

#include "postgres.h"
#include "compare/order_node.h"

/* Add the edges of the nodes that run NO INHERIT and INHERIT. */
extern void cmig_order_inherit_add(CmigOrder *order);

#endif							/* CMIG_ORDER_INHERIT_H */
