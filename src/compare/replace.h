/*
 * replace.h
 *	  Replaces types while columns use them.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_REPLACE_H
#define CMIG_REPLACE_H

#include "postgres.h"
#include "compare/difference.h"

/* The dependents of each object in an image. */
typedef struct CmigDependents
{
	int		   *start;			/* for each object, by its index: the position
								 * of its first dependent in "objects"; one
								 * additional element at the end */
	CmigObject **objects;
} CmigDependents;

/* Replace the types that cannot be altered because columns use them. */
extern void cmig_replace_used(CmigDifference *difference, const CmigDependents *dependents);

/*
 * If the dependent is a column whose type is dropped, and a type of another
 * kind is created with the same name, returns the new type.  Otherwise returns
 * NULL.
 */
extern const CmigObject *cmig_replace_successor(const CmigDifference *difference, const CmigChange *change,
												const CmigChange *dependent);

/*
 * Change an object that depends on a replaced type.  Returns the change whose
 * dependents must be examined next, or NULL if the type cannot be replaced.
 */
extern CmigChange *cmig_replace_dependent(CmigDifference *difference, CmigChange *change,
										  CmigChange *dependent);

/*
 * If the dependent is a column that changes from a replaced type to another
 * replaced type, or from a dropped type to a type of another kind with the
 * same name, keep the old type under a temporary name until the column has
 * changed.
 */
extern void cmig_replace_trade(const CmigDifference *difference, CmigChange *change, CmigChange *dependent);

/*
 * Like cmig_replace_dependent(), but for a type or collation that cannot exist
 * twice.  While it is re-created, columns use another type or collation.
 */
extern CmigChange *cmig_replace_detour(CmigChange *change, CmigChange *dependent);

/*
 * Like cmig_replace_detour(), but for a dropped range type whose multirange
 * type has a name that a new range type needs.  Returns NULL if no new range
 * type needs the name.
 */
extern CmigChange *cmig_replace_multirange(const CmigDifference *difference, CmigChange *change,
										   CmigChange *dependent);

/*
 * Complete the old type's description in change->away: copy its children, and
 * replace the names of other old types with their temporary names.
 */
extern void cmig_replace_finish(const CmigDifference *difference, const CmigChange *change);

#endif							/* CMIG_REPLACE_H */
