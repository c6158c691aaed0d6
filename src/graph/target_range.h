/*
 * target_range.h
 *	  Resolves ranges, as in cmig.history and cmig.export, to revisions.
 *
 * The function raises errors MG001 to MG004 and 22023.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_TARGET_RANGE_H
#define CMIG_TARGET_RANGE_H

#include "postgres.h"
#include "graph/target.h"

/*
 * Returns the revisions in a range, which is "from:to" or one identifier.  A
 * relative number that leads beyond an end of the graph stops at that end.
 */
extern CmigMarks *cmig_target_range(const CmigGraph *graph, const CmigApplied *applied,
									const char *range);

#endif							/* CMIG_TARGET_RANGE_H */
