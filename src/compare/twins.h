/*
 * twins.h
 *	  Finds equivalent indexes of a partition.
 *
 * ATTACH PARTITION attaches equivalent indexes in the order in which they
 * were created: the first one to the partitioned table's first such index,
 * and so on.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_TWINS_H
#define CMIG_TWINS_H

#include "postgres.h"
#include "compare/difference.h"

/*
 * Two equivalent indexes of a partition or of a partitioned table, in the
 * order of their creation.
 */
typedef struct CmigTwins
{
	const CmigObject *first;
	const CmigObject *second;
} CmigTwins;

/*
 * Returns a list of CmigTwins: the pairs of equivalent indexes of the
 * partitions that the upgrade (or the downgrade, if "old" is true) attaches,
 * and the pairs of parent indexes to which these indexes are attached.
 */
extern List *cmig_twins_find(const CmigDifference *difference, bool old);

/*
 * Exclude from CREATE TABLE the indexes that it would create in the wrong
 * order.
 */
extern void cmig_twins_unfold(const CmigDifference *difference);

/*
 * Sort the riders of each change (see host.h), so that the first index of a
 * pair is re-created first.
 */
extern void cmig_twins_sort(const CmigDifference *difference);

#endif							/* CMIG_TWINS_H */
