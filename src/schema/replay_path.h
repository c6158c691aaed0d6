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
 * The paths of those revisions that, according to the journal, have run with a
 * search_path that differs from the one with which a script would start now;
 * NULL if there are none.
 */
extern HTAB *cmig_replay_path_read(void);

/*
 * The path of a revision, with the role that ran it in place of "$user".  NULL
 * if its script starts with the same path, or if that is unknown.
 */
extern const char *cmig_replay_path_find(HTAB *paths, const char *revision);

#endif							/* CMIG_REPLAY_PATH_H */
