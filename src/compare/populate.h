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
 * Make the CREATE statement of a materialized view use WITH NO DATA if the
 * view reads a materialized view without data, directly or through other
 * views.  This applies to the views that the upgrade or the downgrade creates.
 * Also set the field "empties" of all changes.
 */
extern void cmig_populate_check(CmigDifference *difference);

#endif							/* CMIG_POPULATE_H */
