/*
 * replace.h
 *	  Types that are replaced while columns use them. Pure.
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
	int		   *start;			/* by index; one element more than there are
								 * objects */
	CmigObject **objects;
} CmigDependents;

/* Replace the types that cannot be altered because columns use them. */
extern void cmig_replace_used(CmigDifference *difference, const CmigDependents *dependents);

/*
 * Change an object that depends on a replaced type.  Returns the change whose
 * dependents must be examined next, or NULL if the type cannot be replaced.
 */
extern CmigChange *cmig_replace_dependent(CmigDifference *difference, CmigChange *change,
										  CmigChange *dependent);

/*
 * The same for a type or a collation that cannot exist twice: columns use
 * another one until it exists again.
 */
extern CmigChange *cmig_replace_detour(CmigChange *change, CmigChange *dependent);

/*
 * In the descriptions of the old types, replace the names of old types with
 * their temporary names.
 */
extern void cmig_replace_finish(const CmigDifference *difference, const CmigChange *change);

#endif							/* CMIG_REPLACE_H */
