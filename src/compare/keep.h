/*
 * keep.h
 *	  Keeps objects that the target lacks.
 *
 * No database access.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_KEEP_H
#define CMIG_KEEP_H

#include "postgres.h"
#include "kinds/image.h"

/*
 * A callback that returns true if the object may be kept although the other
 * image lacks it.
 */
typedef bool (*CmigKeepCandidate) (const CmigObject *object, void *arg);

/*
 * Add the candidates in "from" to "to".  A candidate is left out if "to" lacks
 * the candidate's parent or an object that the candidate depends on.
 */
extern void cmig_keep(const CmigImage *from, CmigImage *to, CmigKeepCandidate is_candidate, void *arg);

/*
 * Like cmig_keep(), for a target that contains only models.  The candidates
 * are the objects that ORMs cannot define and the indexes that cmig.enable_rls
 * created.  These objects are then re-created if an object that they depend on
 * changes.
 */
extern void cmig_keep_unknown(const CmigImage *from, CmigImage *to);

/*
 * If cmig_keep_unknown() did not add the object to "to" because "to" lacks an
 * object that it depends on, returns the missing object.  Otherwise returns
 * NULL, even if the object's parent is missing.
 */
extern const CmigObject *cmig_keep_missing(const CmigObject *object, const CmigImage *to);

/*
 * Remove from "image" the partitions of each table that "target" has without
 * any partitions, and everything that belongs to them, so that they are not
 * compared.  A NOTICE says how many there are.  "creates" begins a sentence,
 * such as "The target creates".
 */
extern void cmig_keep_partitions(CmigImage *image, const CmigImage *target, const char *creates);

#endif							/* CMIG_KEEP_H */
