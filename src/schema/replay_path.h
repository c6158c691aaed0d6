/*
 * replay_path.h
 *	  Finds the search_path with which revisions ran in this database.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_REPLAY_PATH_H
#define CMIG_REPLAY_PATH_H

#include "postgres.h"
#include "schema/shadow.h"

typedef struct CmigReplayPaths CmigReplayPaths;

/*
 * Returns the paths of the revisions that, according to the journal, ran
 * with a search_path other than the one with which they would start now.
 * Returns NULL if there are no such revisions.
 */
extern CmigReplayPaths *cmig_replay_path_read(void);

/*
 * Returns a revision's path, with the role that ran it in place of "$user".
 * Returns NULL if the script would start with the same path, or if the path is
 * unknown.  Raises MG014 if the path contains an unsafe schema.  A schema is
 * unsafe if any role other than the current role and superusers can create
 * objects in it, unless it is in the shadow or in the session's path.  Such a
 * role could decide which functions the script calls.
 */
extern const char *cmig_replay_path_find(const CmigReplayPaths *paths, CmigShadow *shadow,
										 const char *revision);

#endif							/* CMIG_REPLAY_PATH_H */
