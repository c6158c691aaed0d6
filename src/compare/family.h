/*
 * family.h
 *	  Excludes from a difference the partitioned tables whose partition key
 *	  cannot be changed, and their partitions.
 *
 * No database access.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_FAMILY_H
#define CMIG_FAMILY_H

#include "postgres.h"
#include "compare/difference.h"

/*
 * If a partition key column cannot be changed, mark the change of the
 * partitioned table as unsupported, and discard all other changes of the table
 * and its partitions.  Do the same for a table with a column whose type cannot
 * be changed, because another table inherits the column from several tables.
 */
extern void cmig_family_exclude(CmigDifference *difference);

#endif							/* CMIG_FAMILY_H */
