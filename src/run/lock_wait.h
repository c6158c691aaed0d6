/*
 * lock_wait.h
 *	  How long a run waits for locks, and who keeps it waiting.
 *
 * While a watch is on, a timer looks every few milliseconds whether this
 * backend waits for a lock.  It adds up the waits against cmig.lock_timeout,
 * ends the wait that exceeds it, and remembers what was waited for, so that
 * an error can name the session in the way.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_LOCK_WAIT_H
#define CMIG_LOCK_WAIT_H

#include "postgres.h"
#include "storage/lock.h"

/* cmig.lock_timeout in milliseconds, 0 is no limit; registered by the runner. */
extern int	cmig_lock_timeout;

/* A new attempt: its waits are counted from zero. */
extern void cmig_lock_wait_reset(void);

/*
 * Turn the timer on and off.  caller is the role whose rights decide which
 * queries of others an error may show.  Off is safe at any time.
 */
extern void cmig_lock_wait_watch(Oid caller);
extern void cmig_lock_wait_unwatch(void);

/*
 * While a statement with CONCURRENTLY runs, the timer watches over the server's
 * lock_timeout too: the server would end the wait for old transactions, which
 * keeps nobody else waiting, and all that was built would be lost.  To be given
 * back also after an error.
 */
extern void cmig_lock_wait_take_over(void);
extern void cmig_lock_wait_give_back(void);

/* A new statement: forget what earlier ones waited for; a new limit may hold. */
extern void cmig_lock_wait_forget(void);

/*
 * To be called from an error context callback.  If the error under way ends
 * a lock wait that the timer saw, add who was in the way (DETAIL, HINT), and
 * turn the timer's own cancel into 55P03.
 */
extern void cmig_lock_wait_explain(void);

/*
 * The same for a wait on a known lock, without a timer: if the error under
 * way is a lock timeout or a cancel, say who holds it.  what is a sentence
 * for the start of DETAIL.
 */
extern void cmig_lock_wait_explain_tag(const LOCKTAG *tag, LOCKMODE mode,
									   Oid caller, const char *what);

/*
 * Describe the sessions that hold or await tag in a way that conflicts with
 * mode: one sentence each, at most a few; NULL if there is none.  *pid gets
 * the first one's process id, 0 if there are only prepared transactions.
 */
extern char *cmig_lock_wait_blockers(const LOCKTAG *tag, LOCKMODE mode,
									 Oid caller, int *pid);

/*
 * Describe the transactions of this database that hold a snapshot and have
 * been open for longer than a time: a statement with CONCURRENTLY will wait
 * for their end.  NULL if there is none.
 */
extern char *cmig_lock_wait_snapshots(Oid caller, int older_ms);

#endif							/* CMIG_LOCK_WAIT_H */
