/*
 * force.h
 *	  Lifts forced row security while foreign keys change.
 *
 * PostgreSQL checks a new foreign key with a query that runs as the owner of
 * the tables.  Forced row security would apply to this query.  A revision runs
 * with row_security = off, so the query would fail.
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
 * A table with forced row security whose foreign keys change, or that a
 * changing foreign key references.
 */
typedef struct CmigForce
{
	const CmigObject *before;	/* the old table, or NULL if its row security
								 * is not forced */
	const CmigObject *after;	/* the new table, or NULL if its row security
								 * is not forced */
} CmigForce;

/*
 * Find the tables with forced row security whose foreign keys change, and
 * remove from the difference the statements that change their forced row
 * security.  The caller turns forced row security off before all other
 * statements, and on again after them.  Returns a List of CmigForce *.
 */
extern List *cmig_force_lift(CmigDifference *difference);

#endif							/* CMIG_FORCE_H */
