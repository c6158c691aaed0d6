/*
 * column_order.h
 *	  Finds new columns whose position will differ from the target.
 *
 * No database access.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_COLUMN_ORDER_H
#define CMIG_COLUMN_ORDER_H

#include "postgres.h"
#include "compare/difference.h"

/*
 * Issue a NOTICE that lists the new columns whose position will differ from
 * the target, because PostgreSQL can only append columns.
 */
extern void cmig_column_order_tell(const CmigDifference *difference);

#endif							/* CMIG_COLUMN_ORDER_H */
