/*
 * extension.h
 *	  pg_cmig itself, while it runs scripts: nobody may drop it.
 *
 * DROP EXTENSION locks the extension before anything that belongs to it.  So
 * whoever uses the catalog holds a lock on the extension too, before those of
 * the tables and before the run lock: a DROP that waits then holds nothing
 * that they need, and no deadlock can come of it.
 *
 * A stepwise run holds it at session level, between its transactions too.  The
 * server takes such locks away when a transaction aborts, so it is taken again
 * then, and a DROP that waited may come first.  So it may while a statement
 * with CONCURRENTLY runs: that waits for all snapshots that are older, and a
 * DROP that waited for the run would hold one, which would be a deadlock.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_EXTENSION_H
#define CMIG_EXTENSION_H

#include "postgres.h"

/* Lock the extension, if it is there, until the end of the transaction. */
extern void cmig_extension_share(void);

/*
 * Keep others from dropping the extension until cmig_extension_release().
 * Waits for a DROP under way; the caller must have no snapshot.  Raises 55000
 * if there is no such extension any more.
 */
extern void cmig_extension_hold(void);

/* Nothing happens if it is not held. */
extern void cmig_extension_release(void);

/*
 * Release the lock while a statement with CONCURRENTLY runs.  Afterwards
 * cmig_extension_hold_again() is to be called, or the transaction rolled back.
 */
extern void cmig_extension_lend(void);

/*
 * After a transaction of a stepwise run was rolled back.  The first takes the
 * lock again if that needs no wait, and raises no error; the second waits, and
 * raises 55000 if the extension was dropped.  Nothing happens in other runs.
 */
extern void cmig_extension_try_again(void);
extern void cmig_extension_hold_again(void);

/* A script begins: note what belongs to the extension. */
extern void cmig_extension_note(void);

/*
 * Raise 55000 if that has changed since, by a script of the revision or, while
 * the lock was not held, by others.
 */
extern void cmig_extension_require(const char *revision);

#endif							/* CMIG_EXTENSION_H */
