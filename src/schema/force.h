/*
 * force.h
 *	  Lifts forced row security while foreign keys change.
 *
 * PostgreSQL checks a new foreign key with a query that runs as the owner of
 * the tables.  Forced row security would filter the rows of this query, so a
 * revision, which runs with row_security = off, would fail.
 *
 * No database access.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_FORCE_H
#define CMIG_FORCE_H

#include "postgres.h"
#include "schema/difference.h"

/*
 * A table with forced row security whose foreign keys, or foreign keys that
 * reference it, change.
 */
typedef struct CmigForce
{
	const CmigObject *before;	/* the table if forced before the change, or
								 * NULL */
	const CmigObject *after;	/* the table if forced after the change, or
								 * NULL */
} CmigForce;

/*
 * Find these tables, and remove the statements that change their forced row
 * security from the difference.  The caller turns it off before all other
 * statements, and on again after them.  Returns a List of CmigForce *.
 */
extern List *cmig_force_lift(CmigDifference *difference);

#endif							/* CMIG_FORCE_H */
