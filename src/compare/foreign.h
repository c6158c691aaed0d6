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
 * Mark as unsupported the changes of foreign objects and of their parts.
 * There are two exceptions for a foreign object that the target lacks: if it
 * is in the caller's schema, it is dropped, and if it has no schema, it is
 * left alone.  Also mark a change as unsupported if the database lacks
 * something that the change needs.
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
