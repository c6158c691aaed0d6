/*
 * force.h
 *	  Forced row security while foreign keys change.
 *
 * Pure.  The server checks a new foreign key with a query as the owner of the
 * tables.  With forced row security this query would see only some rows, so
 * that a revision, which runs with row_security = off, fails.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_FORCE_H
#define CMIG_FORCE_H

#include "postgres.h"
#include "schema/difference.h"

/* A table whose foreign keys, or those that refer to it, change. */
typedef struct CmigForce
{
	const CmigObject *before;	/* row security was forced; or NULL */
	const CmigObject *after;	/* it will be; or NULL */
} CmigForce;

/*
 * Find these tables, and remove forced row security from the statements of the
 * difference: the caller ends it before all others, and restores it after
 * them.  Returns a List of CmigForce *.
 */
extern List *cmig_force_lift(CmigDifference *difference);

#endif							/* CMIG_FORCE_H */
