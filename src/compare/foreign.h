/*
 * foreign.h
 *	  Refuses changes to objects that belong to other roles.
 *
 * Such objects are called foreign objects here; others.c finds them.
 *
 * No database access.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_FOREIGN_H
#define CMIG_FOREIGN_H

#include "postgres.h"
#include "compare/difference.h"

/*
 * Mark the changes of foreign objects, and of objects that belong to them, as
 * unsupported, with two exceptions for foreign objects that the target lacks: an
 * object in the caller's schema is dropped, and an object without a schema is
 * left alone.  Also mark changes that need something that the database lacks.
 */
extern void cmig_foreign_refuse(CmigDifference *difference);

/*
 * Does the change affect a foreign object?  If so, the object stays even if an
 * object that it depends on is dropped.
 */
extern bool cmig_foreign_stays(const CmigDifference *difference, const CmigChange *change);

/*
 * Mark a change as unsupported, because a foreign object depends on the
 * changed object.  "stays" is the change of the foreign object.
 */
extern void cmig_foreign_prevents(CmigChange *change, const CmigChange *stays);

#endif							/* CMIG_FOREIGN_H */
