/*
 * lock_wait.h
 *	  Tracks how long a run waits for locks and which sessions block it.
 *
 * While a run's statements are executed, a timer checks every few milliseconds
 * whether this backend is waiting for a lock.  The timer adds up the waits,
 * and ends a wait when the total exceeds cmig.lock_timeout.  It also remembers
 * the lock, so that an error can name the blocking sessions.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_LOCK_WAIT_H
#define CMIG_LOCK_WAIT_H

#include "postgres.h"
#include "storage/lock.h"

/*
 * The setting cmig.lock_timeout, in milliseconds; 0 means no limit.  It is
 * registered by runner.c.
 */
extern int	cmig_lock_timeout;

/*
 * Call this when a new attempt at a step begins.  The lock waits of an attempt
 * are counted from zero.
 */
extern void cmig_lock_wait_reset(void);

/*
 * Turn the timer on or off.  "caller" is the role whose privileges determine
 * whether an error shows the queries of other sessions.  It is always safe to
 * turn the timer off.
 */
extern void cmig_lock_wait_watch(Oid caller);
extern void cmig_lock_wait_unwatch(void);
extern bool cmig_lock_wait_is_watched(void);

/*
 * Let the timer enforce lock_timeout while a statement with CONCURRENTLY runs.
 * PostgreSQL itself would also apply lock_timeout to the wait for old
 * transactions.  However, that wait blocks no other sessions, and a timeout
 * would waste the whole index build.  The caller must call
 * cmig_lock_wait_give_back() even after an error.
 */
extern void cmig_lock_wait_take_over(void);
extern void cmig_lock_wait_give_back(void);

/*
 * Call this when a statement begins.  Forgets the lock waits of earlier
 * statements, and rereads cmig.lock_timeout.
 */
extern void cmig_lock_wait_forget(void);

/*
 * Call this in an error context callback.  If the current error ended a lock
 * wait that the timer saw, adds a detail and a hint that say which sessions
 * blocked the run.  If the timer itself canceled the statement, also changes
 * the error code to 55P03.
 */
extern void cmig_lock_wait_explain(void);

/*
 * Call this in an error context callback during a wait for a known lock that
 * the timer does not watch.  If the current error is a lock timeout or a
 * cancel, adds a detail that begins with "what", a sentence, and says which
 * sessions hold the lock.
 */
extern void cmig_lock_wait_explain_tag(const LOCKTAG *tag, LOCKMODE mode,
									   Oid caller, const char *what);

/*
 * If a lock holder is a prepared transaction, returns its transaction ID;
 * otherwise InvalidTransactionId.  A prepared transaction keeps the number of
 * the backend that prepared it, but that number may now belong to another
 * session.
 */
extern TransactionId cmig_lock_wait_prepared(VirtualTransactionId holder);

/*
 * Returns a description of the sessions that hold or await the lock in a
 * conflicting mode, or NULL if there are none.  The description has a sentence
 * for each session, up to a maximum number.  Sets *pid to the process ID of
 * the first session, or to 0 if there are only prepared transactions.
 */
extern char *cmig_lock_wait_blockers(const LOCKTAG *tag, LOCKMODE mode,
									 Oid caller, int *pid);

/*
 * Returns a description of the transactions in this database that hold a
 * snapshot and have been open for longer than older_ms, or NULL if there are
 * none.  A statement with CONCURRENTLY has to wait for these transactions.
 */
extern char *cmig_lock_wait_snapshots(Oid caller, int older_ms);

#endif							/* CMIG_LOCK_WAIT_H */
