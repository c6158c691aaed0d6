/*
 * target_range.h
 *	  The revisions of a range that a user typed.
 *
 * Pure.  Raises MG001 to MG004 and 22023.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_TARGET_RANGE_H
#define CMIG_TARGET_RANGE_H

#include "postgres.h"
#include "graph/target.h"

/*
 * The revisions of a history range, "from:to" or one identifier.  Relative
 * numbers that reach too far are clipped.
 */
extern CmigMarks *cmig_target_range(const CmigGraph *graph, const CmigApplied *applied,
									const char *range);

#endif							/* CMIG_TARGET_RANGE_H */
