/*
 * others.h
 *	  Handles other roles' objects, which the caller is not allowed to alter.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_OTHERS_H
#define CMIG_OTHERS_H

#include "postgres.h"
#include "compare/difference.h"
#include "shadow/target_result.h"

/*
 * Set the fields "foreign", "may_drop", and "unownable" of the objects in an
 * image of the live database.
 */
extern void cmig_others_mark(CmigImage *image);

/*
 * Apply notes about owners to the target's image.  Returns the notes that
 * count as differences.  Notes about live objects of other roles, and about
 * anything that the options exclude from the comparison, do not count.
 */
extern List *cmig_others_settle(const CmigImage *live, CmigImage *target, List *notes,
								const CmigDiffOptions *options);

/*
 * Issue a NOTICE that lists other roles' objects that belong to no schema
 * and are missing from the target.  These objects are left unchanged.
 */
extern void cmig_others_tell(const CmigDifference *difference);

#endif							/* CMIG_OTHERS_H */
