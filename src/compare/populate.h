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
 * For each new or re-created materialized view that reads, directly or through
 * other views, an existing materialized view without data, make its CREATE
 * statement use WITH NO DATA.
 */
extern void cmig_populate_check(CmigDifference *difference);

#endif							/* CMIG_POPULATE_H */
