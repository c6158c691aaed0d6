/*
 * populate.h
 *	  Finds new materialized views that cannot be filled.
 *
 * No database access.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_POPULATE_H
#define CMIG_POPULATE_H

#include "postgres.h"
#include "compare/difference.h"

/*
 * For each materialized view that the upgrade or the downgrade creates, and
 * that reads, directly or through other views, a materialized view without
 * data, make its CREATE statement use WITH NO DATA.  Also set the field
 * "empties" of all changes.
 */
extern void cmig_populate_check(CmigDifference *difference);

#endif							/* CMIG_POPULATE_H */
