/*
 * shadow_session.h
 *	  Restores session state that a rollback does not restore after SQL has
 *	  run in a shadow.
 *
 * A rollback does not affect session-level advisory locks, which this module
 * restores.  It also does not undo the generation of sequence values and the
 * result of lastval(), which cannot be restored.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_SHADOW_SESSION_H
#define CMIG_SHADOW_SESSION_H

#include "postgres.h"

typedef struct CmigSessionLocks CmigSessionLocks;

/*
 * Returns the advisory locks that the session holds, in the current memory
 * context.
 */
extern CmigSessionLocks *cmig_shadow_session_locks(void);

/*
 * After the rollback, release locks that the session did not hold before, and
 * reacquire those that it held.  Issues a WARNING if another session has taken
 * one of them in the meantime.
 */
extern void cmig_shadow_session_put_back(const CmigSessionLocks *before);

#endif							/* CMIG_SHADOW_SESSION_H */
