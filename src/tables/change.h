/*
 * change.h
 *	  Takes the run lock and checks the state before pg_cmig's tables are
 *	  changed.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_CHANGE_H
#define CMIG_CHANGE_H

#include "postgres.h"

/*
 * Is there nothing for the function to change?  "decide" looks at the state
 * without the run lock and returns true if that is so.  If it returns false or
 * raises an error, or if the transaction's snapshot does not show the latest
 * state, the caller must take the run lock and decide again.  "revisions" is
 * true if the revisions are to be changed, which belong to the database and
 * not to a scope.  What "decide" allocates is freed unless it returns true.
 *
 * An answer without the lock is safe because everything that "decide" reads
 * comes from a single snapshot, and because nothing is written.  The call has
 * the same result as a call that took the lock when the snapshot was taken,
 * found nothing to do, and committed at once: runs that the snapshot does not
 * show come after it.  A run in progress commits a step's version rows
 * together with the step, so the snapshot never shows half of a step, except
 * for a nontransactional one, which cmig.progress records.
 */
typedef bool (*CmigChangeLook) (void *arg);
extern bool cmig_change_is_unneeded(const char *function, bool revisions,
									CmigChangeLook decide, void *arg);

/*
 * Call this before changing pg_cmig's tables.  Takes the run lock until the
 * end of the transaction, and starts the time limit cmig.run_timeout.  Raises
 * error 55000 within a revision's script, and 40001 if the transaction's
 * snapshot does not show the latest version rows.  Also replaces the version
 * rows of replaced revisions, like cmig_active_settle().  "function" is used
 * in errors, for example "cmig.upgrade()".
 */
extern void cmig_change_begin(const char *function);

/*
 * Like cmig_change_begin(), but for a function that writes revisions, which
 * belong to the database and not to a scope.  Makes the database the current
 * scope, and also waits until no run is in progress in any scope.  Call
 * cmig_change_end_revisions() with the result to restore the current scope.
 */
extern int	cmig_change_begin_revisions(const char *function);
extern void cmig_change_end_revisions(int guc_level);

#endif							/* CMIG_CHANGE_H */
