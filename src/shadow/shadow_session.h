/*
 * shadow_session.h
 *	  After SQL has run in a shadow, restores session state that the
 *	  rollback does not restore.
 *
 * A rollback does not affect session-level advisory locks, which this module
 * restores.  A rollback also leaves the values of sequences and the result of
 * lastval() changed, but these cannot be restored.
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
 * After the rollback, release the session's advisory locks that are not in
 * "before", and reacquire the locks in "before" that were released.  Issues a
 * WARNING if another session has taken one of the released locks.
 */
extern void cmig_shadow_session_put_back(const CmigSessionLocks *before);

#endif							/* CMIG_SHADOW_SESSION_H */
