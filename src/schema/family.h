/*
 * family.h
 *	  Partitioned tables that cannot be changed, with all of their partitions.
 *
 * Pure.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_FAMILY_H
#define CMIG_FAMILY_H

#include "postgres.h"
#include "schema/difference.h"

/*
 * If a column of a partition key cannot be changed, make the partitioned table
 * the only change that is not supported, and leave out all other changes of
 * this table and of its partitions.
 */
extern void cmig_family_exclude(CmigDifference *difference);

#endif							/* CMIG_FAMILY_H */
