/*
 * replay_path.h
 *	  Finds the search_path with which revisions ran in this database.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_REPLAY_PATH_H
#define CMIG_REPLAY_PATH_H

#include "postgres.h"
#include "shadow/shadow.h"

typedef struct CmigReplayPaths CmigReplayPaths;

/*
 * Returns the search_path of each revision that, according to the journal, did
 * not run with the search_path with which it would start now.  Returns NULL if
 * there is no such revision.
 */
extern CmigReplayPaths *cmig_replay_path_read(void);

/*
 * Returns the search_path with which a revision ran, with "$user" replaced
 * with the role that ran it.  Returns NULL if the revision would start with
 * the same search_path now, or if the journal does not contain its
 * search_path.
 *
 * Raises error MG014 if the search_path contains a schema in which a role
 * other than the current role and superusers can create objects, because that
 * role could decide which functions the revision's script calls.  Schemas that
 * are in the shadow or in the session's own search_path are accepted.
 */
extern const char *cmig_replay_path_find(const CmigReplayPaths *paths, CmigShadow *shadow,
										 const char *revision);

#endif							/* CMIG_REPLAY_PATH_H */
