/*
 * force.h
 *	  Lifts forced row security from tables while generated statements read
 *	  them.
 *
 * Two kinds of statements read tables: PostgreSQL checks a new foreign key
 * with a query that runs as the tables' owner, and a new sequence is set to
 * continue after the values in its column.  With forced row security, these
 * statements would fail in a revision, which runs with row_security = off;
 * elsewhere, they would see only some of the rows.  Therefore, forced row
 * security is lifted while they run.
 *
 * A materialized view contains the rows that its owner sees, and everybody who
 * can read the view can read them.  Therefore, row security is not lifted
 * while the view is filled.
 *
 * No database access.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_FORCE_H
#define CMIG_FORCE_H

#include "postgres.h"
#include "compare/difference.h"

/* A table with forced row security that a statement reads. */
typedef struct CmigForce
{
	const CmigObject *before;	/* the old table, or NULL if its row security
								 * is not forced */
	const CmigObject *after;	/* the new table, or NULL if its row security
								 * is not forced */
} CmigForce;

/*
 * Find the tables with forced row security that foreign keys or sequences of
 * the difference read, and remove from the difference the statements that
 * change their forced row security.  The caller turns forced row security off
 * before all other statements, and on again after them.  Returns a List of
 * CmigForce *.
 */
extern List *cmig_force_lift(CmigDifference *difference);

/*
 * Does the change create a materialized view that reads a table with forced row
 * security?
 */
extern bool cmig_force_filters(const CmigDifference *difference, const CmigChange *change);

#endif							/* CMIG_FORCE_H */
