/*
 * replay_path.h
 *	  The search_path with which revisions have run in this database.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_REPLAY_PATH_H
#define CMIG_REPLAY_PATH_H

#include "postgres.h"
#include "schema/shadow.h"

typedef struct CmigReplayPaths CmigReplayPaths;

/*
 * The paths of those revisions that, according to the journal, have run with a
 * search_path that differs from the one with which a script would start now;
 * NULL if there are none.
 */
extern CmigReplayPaths *cmig_replay_path_read(void);

/*
 * The path of a revision, with the role that ran it in place of "$user".  NULL
 * if its script starts with the same path, or if that is unknown.  Raises MG014
 * if a schema in the path is live in the shadow, is not in the session's path, and
 * a role other than the current one and superusers can create objects in it: that
 * role would decide which functions the script calls.
 */
extern const char *cmig_replay_path_find(const CmigReplayPaths *paths, CmigShadow *shadow,
										 const char *revision);

#endif							/* CMIG_REPLAY_PATH_H */
