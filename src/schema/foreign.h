/*
 * foreign.h
 *	  Changes of objects that belong to other roles: they are not made.
 *
 * Pure.  others.c finds out which objects these are.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_FOREIGN_H
#define CMIG_FOREIGN_H

#include "postgres.h"
#include "schema/difference.h"

/*
 * Make the changes of foreign objects, and of what belongs to them,
 * unsupported.  A foreign object without a schema that the target lacks is left
 * as it is, and one in the caller's schema is dropped.
 */
extern void cmig_foreign_refuse(CmigDifference *difference);

/* Does the object stay, although another one is dropped, as it is foreign? */
extern bool cmig_foreign_stays(const CmigDifference *difference, const CmigChange *change);

/* The change is not supported, because the other object stays. */
extern void cmig_foreign_prevents(CmigChange *change, const CmigChange *stays);

#endif							/* CMIG_FOREIGN_H */
