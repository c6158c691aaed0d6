/*
 * extension.h
 *	  pg_cmig itself, while it runs scripts: nobody may drop it.
 *
 * A run in a transaction keeps other sessions from DROP EXTENSION by the locks
 * on the tables that it has read.  A stepwise run has none between its
 * transactions; it holds a lock on the extension at session level, which makes
 * DROP EXTENSION wait.  The server takes such locks away when a transaction
 * aborts, so it is taken again then, and a DROP that waited may come first.
 */
#ifndef CMIG_EXTENSION_H
#define CMIG_EXTENSION_H

#include "postgres.h"

/*
 * Keep others from dropping the extension until cmig_extension_release().
 * Waits for a DROP under way; the caller must have no snapshot.  Raises 55000
 * if there is no such extension any more.
 */
extern void cmig_extension_hold(void);

/* Nothing happens if it is not held. */
extern void cmig_extension_release(void);

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
