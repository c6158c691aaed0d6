/*
 * foreign.h
 *	  Changes of objects that belong to other roles, which are not supported.
 *	  Pure.  others.c finds out which objects these are.
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

/* Is the object foreign, so that it stays although another one is dropped? */
extern bool cmig_foreign_stays(const CmigDifference *difference, const CmigChange *change);

/* Mark a change as not supported, because the other object stays. */
extern void cmig_foreign_prevents(CmigChange *change, const CmigChange *stays);

#endif							/* CMIG_FOREIGN_H */
