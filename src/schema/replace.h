/*
 * replace.h
 *	  Types that are replaced while columns have them.
 *
 * Pure.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_REPLACE_H
#define CMIG_REPLACE_H

#include "postgres.h"
#include "schema/difference.h"

/* The dependents of each object of an image. */
typedef struct CmigDependents
{
	int		   *start;			/* by index; one more than there are objects */
	CmigObject **objects;
} CmigDependents;

/* Replace the types that cannot be altered because columns have them. */
extern void cmig_replace_used(CmigDifference *difference, const CmigDependents *dependents);

/*
 * Change what depends on a type that is replaced. Returns the change whose
 * dependents must be looked at next, or NULL if the type cannot be replaced.
 */
extern CmigChange *cmig_replace_dependent(CmigDifference *difference, CmigChange *change,
										  CmigChange *dependent);

/* Let what is known of the old type use the names that old types have then. */
extern void cmig_replace_finish(const CmigDifference *difference, const CmigChange *change);

#endif							/* CMIG_REPLACE_H */
