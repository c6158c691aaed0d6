/*
 * column_order.h
 *	  New columns that are not in the place that they have in the target.
 *
 * Pure.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_COLUMN_ORDER_H
#define CMIG_COLUMN_ORDER_H

#include "postgres.h"
#include "schema/difference.h"

/*
 * Tell, with a NOTICE, which columns are added after others that they precede
 * in the target: the server can only append columns.
 */
extern void cmig_column_order_tell(const CmigDifference *difference);

#endif							/* CMIG_COLUMN_ORDER_H */
