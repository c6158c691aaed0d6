/*
 * extension.h
 *	  Prevents pg_cmig itself from being dropped during a run.
 *
 * DROP EXTENSION locks the extension before it locks the extension's members.
 * Therefore, all code that uses the extension's tables takes a lock on the
 * extension first, before it locks tables and before it takes the run lock.  A
 * waiting DROP then holds nothing that the other session needs, so no deadlock
 * is possible.
 *
 * A stepwise run holds the lock at session level, which covers the time between
 * its transactions.  PostgreSQL releases session-level locks when a transaction
 * aborts.  The run then takes the lock again, but a waiting DROP may get it
 * first.  The lock is also released while a statement with CONCURRENTLY runs.
 * Such a statement waits for all older snapshots, and a DROP that waits for the
 * run would hold such a snapshot, which would be a deadlock.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_EXTENSION_H
#define CMIG_EXTENSION_H

#include "postgres.h"

/* Lock the extension, if it exists, until the end of the transaction. */
extern void cmig_extension_share(void);

/*
 * Keep other sessions from dropping the extension until
 * cmig_extension_release() is called.  Waits for a DROP in progress, so the
 * caller must not hold a snapshot.  Raises error 55000 if the extension no
 * longer exists.
 */
extern void cmig_extension_hold(void);

/*
 * Release the lock taken by cmig_extension_hold().  Does nothing if the lock
 * is not held.
 */
extern void cmig_extension_release(void);

/*
 * Release the stepwise run's lock on the extension before a statement with
 * CONCURRENTLY runs.  Afterwards, the caller must call
 * cmig_extension_hold_again() or roll back the transaction.
 */
extern void cmig_extension_lend(void);

/*
 * Take the lock on the extension again after a stepwise run has lost it
 * because a transaction was rolled back.  cmig_extension_try_again() does not
 * wait for the lock and raises no error.  cmig_extension_hold_again() waits,
 * and raises error 55000 if the extension was dropped.  Outside of stepwise
 * runs, both functions do nothing.
 */
extern void cmig_extension_try_again(void);
extern void cmig_extension_hold_again(void);

/*
 * Call this when a script begins.  Records the OID and the members of the
 * extension.
 */
extern void cmig_extension_note(void);

/*
 * Raises error 55000 if the extension or its members have changed since
 * cmig_extension_note().  "revision" is the revision whose script is running.
 * The change was made by that script or, while the lock was not held, by
 * another session.
 */
extern void cmig_extension_require(const char *revision);

#endif							/* CMIG_EXTENSION_H */
