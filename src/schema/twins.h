/*
 * twins.h
 *	  Equivalent indexes of a partition. Pure. ATTACH PARTITION attaches
 *	  equivalent indexes in the order in which they were created: the first one
 *	  to the first one of the partitioned table.
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

/* Exclude those from CREATE TABLE that it must not include. */
extern void cmig_twins_unfold(const CmigDifference *difference);

/* Sort the riders of changes in this order. */
extern void cmig_twins_sort(const CmigDifference *difference);

#endif							/* CMIG_TWINS_H */
