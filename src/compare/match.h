/*
 * match.h
 *	  Matches the objects in two images, and decides what happens to each.
 *
 * Objects are matched by kind and identity.  Each kind decides what ALTER can
 * change.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_MATCH_H
#define CMIG_MATCH_H

#include "postgres.h"
#include "compare/difference.h"

/*
 * Add a change for each object in either image.  Both images must be sorted
 * with cmig_object_compare().
 */
extern void cmig_match_objects(CmigDifference *difference);

/* Re-create a partitioned table's index if an index attached to it changes. */
extern void cmig_match_attached(CmigDifference *difference);

/*
 * Decide again what happens to objects that are no longer inherited because
 * their table is detached from its parent, or because the parent is
 * re-created.
 */
extern void cmig_match_detached(CmigDifference *difference);

#endif							/* CMIG_MATCH_H */
