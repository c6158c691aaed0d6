/*
 * shadow_session.h
 *	  What a rollback leaves of the SQL that ran in a shadow.
 *
 * Advisory locks at session level are neither taken nor released by
 * transactions.  What else outlives one cannot be put back: the values that
 * sequences have given out, and what lastval() says.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_SHADOW_SESSION_H
#define CMIG_SHADOW_SESSION_H

#include "postgres.h"

typedef struct CmigSessionLocks CmigSessionLocks;

/* The advisory locks of the session; in the current memory context. */
extern CmigSessionLocks *cmig_shadow_session_locks(void);

/*
 * After the rollback: release what was not there before, and take again what
 * was.  A WARNING says if another session has one of these by now.
 */
extern void cmig_shadow_session_put_back(const CmigSessionLocks *before);

#endif							/* CMIG_SHADOW_SESSION_H */
