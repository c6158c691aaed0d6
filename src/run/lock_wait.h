/*
 * lock_wait.h
 *	  How long a run waits for locks, and which session blocks it.
 *
 * While a watch is on, a timer checks every few milliseconds whether this
 * backend waits for a lock.  It adds up the waits and compares the sum with
 * cmig.lock_timeout, ends the wait that exceeds it, and remembers what was
 * waited for, so that an error can name the blocking session.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_LOCK_WAIT_H
#define CMIG_LOCK_WAIT_H

#include "postgres.h"
#include "storage/lock.h"

/*
 * cmig.lock_timeout in milliseconds, 0 for no limit; registered by the runner.
 */
extern int	cmig_lock_timeout;

/* To be called when a new attempt begins: its waits are counted from zero. */
extern void cmig_lock_wait_reset(void);

/*
 * Turn the timer on and off. caller is the role whose privileges decide which
 * queries of other sessions an error may show.  Turning it off is always safe.
 */
extern void cmig_lock_wait_watch(Oid caller);
extern void cmig_lock_wait_unwatch(void);

/*
 * While a statement with CONCURRENTLY runs, the timer enforces the server's
 * lock_timeout too, because the server would also apply it to the wait for old
 * transactions.  That wait blocks no other session, and if it timed out, the
 * whole build would be lost.  The caller must end this after an error, too.
 */
extern void cmig_lock_wait_take_over(void);
extern void cmig_lock_wait_give_back(void);

/*
 * To be called when a statement begins: forget what earlier ones waited for,
 * and read the limit again.
 */
extern void cmig_lock_wait_forget(void);

/*
 * Must be called from an error context callback.  If the error in progress
 * ends a lock wait that the timer saw, add which session blocked the run
 * (DETAIL, HINT), and turn the timer's own cancel into 55P03.
 */
extern void cmig_lock_wait_explain(void);

/*
 * The same for a wait on a known lock, without a timer: if the error in
 * progress is a lock timeout or a cancel, say which session holds the lock.
 * what is a sentence for the start of DETAIL.
 */
extern void cmig_lock_wait_explain_tag(const LOCKTAG *tag, LOCKMODE mode,
									   Oid caller, const char *what);

/*
 * Describe the sessions that hold or await tag in a mode that conflicts with
 * mode: one sentence each, for at most a few; NULL if there is none. *pid is
 * set to the process ID of the first one, 0 if there are only prepared
 * transactions.
 */
extern char *cmig_lock_wait_blockers(const LOCKTAG *tag, LOCKMODE mode,
									 Oid caller, int *pid);

/*
 * Describe the transactions of this database that have a snapshot and have
 * been open for longer than older_ms: a statement with CONCURRENTLY will wait
 * for them to end.  NULL if there is none.
 */
extern char *cmig_lock_wait_snapshots(Oid caller, int older_ms);

#endif							/* CMIG_LOCK_WAIT_H */
