/*
 * others.h
 *	  Objects of other roles, which the caller may not alter.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_OTHERS_H
#define CMIG_OTHERS_H

#include "postgres.h"
#include "schema/difference.h"
#include "schema/target_result.h"

/* Set foreign and may_drop of the objects of an image of the live database. */
extern void cmig_others_mark(CmigImage *image);

/*
 * Apply notes about owners to the target's image, and leave out notes that are
 * not differences: those about foreign objects that are live, and those about
 * what the options exclude from the comparison.
 */
extern List *cmig_others_settle(const CmigImage *live, CmigImage *target, List *notes,
								const CmigDiffOptions *options);

/*
 * Issue a NOTICE that names the foreign objects without a schema that the
 * target lacks; they are left as they are.
 */
extern void cmig_others_tell(const CmigDifference *difference);

#endif							/* CMIG_OTHERS_H */
