/*
 * replaces.h
 *	  Resolves revisions that replace others.
 *
 * A revision with "replaces" does what several older revisions do together.
 * The last name in "replaces" follows the others: if it is applied, all of
 * them are.  While only some of the older revisions are applied, or one is
 * partially applied, the older revisions count, and the new one is ignored.
 * Otherwise, the new revision counts, and the older ones are ignored.  A
 * reference to an ignored revision is treated as a reference to one that
 * counts.
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

/* The state of the revisions that another revision replaces. */
typedef enum CmigReplacesState
{
	CMIG_REPLACES_NONE,			/* no replaced revision is applied */
	CMIG_REPLACES_SOME,			/* some are not applied, or one is partially
								 * applied */
	CMIG_REPLACES_TURN,			/* all are applied, and a version row still
								 * names a replaced revision */
	CMIG_REPLACES_ALL			/* the new revision counts as applied */
} CmigReplacesState;

/*
 * Returns true if any revision replaces others.  If none does, all revisions
 * count.
 */
extern bool cmig_replaces_any(const CmigRevision *revisions, int count);

/*
 * Returns the state of the revisions that "revision" replaces.  "revisions"
 * must contain all stored revisions.
 */
extern CmigReplacesState cmig_replaces_state(const CmigRevision *revisions, int count,
											 const CmigPlace *place, const CmigRevision *revision);

/*
 * Raises MG005 if a revision replaces itself, if two revisions replace each
 * other, perhaps through others, or if two revisions replace the same one and neither replaces the
 * other.
 */
extern void cmig_replaces_require_sound(const CmigRevision *revisions, int count);

/*
 * Returns the replaced revisions that are not loaded and that no other replaced
 * revision replaces.  "revisions" must contain all stored revisions.
 */
extern CmigNames *cmig_replaces_missing(const CmigRevision *revisions, int count,
										const CmigRevision *revision);

/*
 * Remove the revisions that do not count, and change references to them into
 * references to revisions that count.  Keeps the order of the remaining
 * revisions and returns their number.
 */
extern int	cmig_replaces_resolve(CmigRevision *revisions, int count, const CmigPlace *place);

#endif							/* CMIG_REPLACES_H */
