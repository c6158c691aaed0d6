/*
 * replaces.h
 *	  Revisions that stand for others.
 *
 * Pure.  A revision with "replaces" does what several older ones do together.
 * Its last name is the one on top of the others: if that is applied, all are.
 * While some of them are applied, but not all, or one is partially applied, they
 * count, and the revision that replaces them does not.  Otherwise it counts, and they do not.
 * References to what does not count mean what counts.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_REPLACES_H
#define CMIG_REPLACES_H

#include "postgres.h"
#include "base/revision.h"

/* The state of the database, as recorded in the tables. */
typedef struct CmigPlace
{
	const CmigNames *rows;		/* the version rows */
	const CmigNames *begun;		/* revisions that are partially applied or
								 * partially reverted */
} CmigPlace;

/* How many of the revisions that a revision replaces are applied. */
typedef enum CmigReplacesState
{
	CMIG_REPLACES_NONE,			/* none of the revisions that it replaces is
								 * applied */
	CMIG_REPLACES_SOME,			/* the revision waits for the rest, or until
								 * one of them is no longer partially applied */
	CMIG_REPLACES_TURN,			/* all are applied; a version row has the old
								 * name */
	CMIG_REPLACES_ALL			/* the revision is applied */
} CmigReplacesState;

/*
 * Does any revision replace others? If not, all revisions count.
 */
extern bool cmig_replaces_any(const CmigRevision *revisions, int count);

/*
 * How many of the revisions that a revision replaces are applied; "revisions"
 * are all stored ones.
 */
extern CmigReplacesState cmig_replaces_state(const CmigRevision *revisions, int count,
											 const CmigPlace *place, const CmigRevision *revision);

/*
 * Remove the revisions that do not count, and let references to them name
 * those that do.  Returns the new number.  The order of the others is kept.
 */
extern int	cmig_replaces_resolve(CmigRevision *revisions, int count, const CmigPlace *place);

#endif							/* CMIG_REPLACES_H */
