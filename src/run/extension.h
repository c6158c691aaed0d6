/*
 * extension.h
 *	  Protects the extension itself from being dropped during a run.
 *
 * DROP EXTENSION locks the extension before it locks the extension's members.
 * Therefore everything that uses the catalog takes a lock on the extension
 * too, before it locks tables and before it takes the run lock: a DROP that
 * waits then holds nothing that the user of the catalog needs, and there can
 * be no deadlock.
 *
 * A stepwise run holds the lock at session level, that is, also between its
 * transactions.  The server releases such locks when a transaction aborts; the
 * run then takes the lock again, but a DROP that was waiting may come first.
 * The lock is also released while a statement with CONCURRENTLY runs, because
 * that statement waits for all older snapshots, and a DROP waiting for the run
 * would hold one: a deadlock.
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
 * cmig_extension_release().  Waits for a DROP in progress; the caller must
 * have no snapshot.  Raises 55000 if the extension no longer exists.
 */
extern void cmig_extension_hold(void);

/* Release the lock. Does nothing if it is not held. */
extern void cmig_extension_release(void);

/*
 * Release the lock while a statement with CONCURRENTLY runs.  Afterwards the
 * caller must call cmig_extension_hold_again() or roll back the transaction.
 */
extern void cmig_extension_lend(void);

/*
 * For use after a transaction of a stepwise run was rolled back.  The first
 * function takes the lock again if that is possible without waiting, and
 * raises no error; the second one waits, and raises 55000 if the extension was
 * dropped.  In other runs they do nothing.
 */
extern void cmig_extension_try_again(void);
extern void cmig_extension_hold_again(void);

/* To be called when a script begins: note what belongs to the extension. */
extern void cmig_extension_note(void);

/*
 * Raise 55000 if that has changed since, either through a script of the
 * revision or, while the lock was not held, through another session.
 */
extern void cmig_extension_require(const char *revision);

#endif							/* CMIG_EXTENSION_H */
