/*
 * replaces.h
 *	  Resolves revisions that replace others.
 *
 * A revision with "replaces" does what several older revisions do together.
 * The revision named last in "replaces" comes last in the graph: if it is
 * applied, all of the older ones are.  The older revisions count, and the new
 * one is ignored, while only some of the older ones are applied or one of them
 * is partially applied.  Otherwise, the new revision counts, and the older
 * ones are ignored.  A reference to an ignored revision is treated as a
 * reference to a revision that counts.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_REPLACES_H
#define CMIG_REPLACES_H

#include "postgres.h"
#include "base/revision.h"

/* The part of the database's state that decides which revisions count. */
typedef struct CmigPlace
{
	const CmigNames *rows;		/* the version rows */
	const CmigNames *begun;		/* revisions that are partially applied or
								 * partially reverted */
} CmigPlace;

/* The state of the revisions that are replaced by another revision. */
typedef enum CmigReplacesState
{
	CMIG_REPLACES_NONE,			/* no replaced revision is applied */
	CMIG_REPLACES_SOME,			/* some are applied and some are not, or one
								 * is partially applied */
	CMIG_REPLACES_TURN,			/* all are applied, and a version row still
								 * names a replaced revision */
	CMIG_REPLACES_ALL			/* the replacing revision counts as applied */
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
 * Raises error MG005 if a revision replaces itself, if two revisions replace
 * each other, perhaps through others, or if two revisions replace the same
 * revision and neither of them replaces the other.
 */
extern void cmig_replaces_require_sound(const CmigRevision *revisions, int count);

/*
 * Returns the revisions in the "replaces" of "revision" that are not loaded
 * and are not replaced by another loaded revision in that list.  "revisions"
 * must contain all stored revisions.
 */
extern CmigNames *cmig_replaces_missing(const CmigRevision *revisions, int count,
										const CmigRevision *revision);

/*
 * Remove the revisions that are ignored, and change references to them into
 * references to revisions that count.  Keeps the order of the remaining
 * revisions, and returns their number.
 */
extern int	cmig_replaces_resolve(CmigRevision *revisions, int count, const CmigPlace *place);

#endif							/* CMIG_REPLACES_H */
