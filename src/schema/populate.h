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
#include "schema/difference.h"

/*
 * Create a materialized view WITH NO DATA if it reads, directly or through
 * other views, a materialized view of the database that has no data.
 */
extern void cmig_populate_check(CmigDifference *difference);

#endif							/* CMIG_POPULATE_H */
