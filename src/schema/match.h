/*
 * match.h
 *	  Matches the objects of two images, and decides what happens to each. Pure.
 *
 * Objects are matched by kind and identity.  Each kind decides what ALTER can
 * change.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_MATCH_H
#define CMIG_MATCH_H

#include "postgres.h"
#include "schema/difference.h"

/*
 * Make a change for each object of either image; both are sorted in the same
 * way.
 */
extern void cmig_match_objects(CmigDifference *difference);

/*
 * Create the index of a partitioned table again if one that is attached to it
 * changes.
 */
extern void cmig_match_attached(CmigDifference *difference);

/*
 * Decide again about objects that are no longer inherited, because their table
 * is detached from the parent, or because the parent is created again.
 */
extern void cmig_match_detached(CmigDifference *difference);

#endif							/* CMIG_MATCH_H */
