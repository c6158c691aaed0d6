/*
 * order_name.h
 *	  The order of steps that use the same name.
 *
 * No database access.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_ORDER_NAME_H
#define CMIG_ORDER_NAME_H

#include "postgres.h"
#include "compare/order_node.h"

/* Add edges so that a name is available before another object uses it. */
extern void cmig_order_name_add(CmigOrder *order);

#endif							/* CMIG_ORDER_NAME_H */
