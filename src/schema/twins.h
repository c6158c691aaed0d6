/*
 * twins.h
 *	  Indexes of a partition that are alike.
 *
 * Pure.  ATTACH PARTITION attaches indexes that are alike in the order in which
 * they were created: the first one to the partitioned table's first one.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_TWINS_H
#define CMIG_TWINS_H

#include "postgres.h"
#include "schema/difference.h"

/* Two indexes of a partition, or of a partitioned table, in order. */
typedef struct CmigTwins
{
	const CmigObject *first;
	const CmigObject *second;
} CmigTwins;

/*
 * The pairs, a list of CmigTwins, of the partitions that are attached by the
 * upgrade or, if "old", by the downgrade.
 */
extern List *cmig_twins_find(const CmigDifference *difference, bool old);

/* Those that CREATE TABLE must not include are unfolded. */
extern void cmig_twins_unfold(const CmigDifference *difference);

/* Bring the riders of changes into this order. */
extern void cmig_twins_sort(const CmigDifference *difference);

#endif							/* CMIG_TWINS_H */
