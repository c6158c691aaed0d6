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
 * Returns the paths of revisions that, according to the journal, ran with a
 * search_path other than the one with which a script would start now; NULL if
 * there are none.
 */
extern CmigReplayPaths *cmig_replay_path_read(void);

/*
 * Returns a revision's path, with the role that ran it in place of "$user".
 * Returns NULL if the script would start with the same path, or if the path is
 * unknown.  Raises MG014 if the path contains a schema that is neither in the
 * shadow nor in the session's path, and in which a role other than the current
 * one and superusers can create objects: that role could decide which
 * functions the script calls.
 */
extern const char *cmig_replay_path_find(const CmigReplayPaths *paths, CmigShadow *shadow,
										 const char *revision);

#endif							/* CMIG_REPLAY_PATH_H */
