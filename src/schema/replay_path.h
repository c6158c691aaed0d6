/*
 * replay_path.h
 *	  The search_path with which revisions have run in this database.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_REPLAY_PATH_H
#define CMIG_REPLAY_PATH_H

#include "postgres.h"
#include "utils/hsearch.h"

/*
 * The paths of those revisions that the journal says have run with another
 * search_path than a script would start with now; NULL if there is none.
 */
extern HTAB *cmig_replay_path_read(void);

/*
 * The path of a revision, with the role that ran it in place of "$user".  NULL
 * if the one with which its script starts is the same, or not known to differ.
 */
extern const char *cmig_replay_path_find(HTAB *paths, const char *revision);

#endif							/* CMIG_REPLAY_PATH_H */
