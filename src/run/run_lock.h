/*
 * run_lock.h
 *	  One run at a time in a database.
 *
 * This module uses two advisory locks with tags that SQL functions cannot
 * reach.  A transactional run takes the gate in share mode without waiting and
 * then the run lock exclusively, both until the end of the transaction; it may
 * wait for another transactional run.  A stepwise run queues for the run lock,
 * at session level and without a snapshot, and then takes the gate exclusively
 * without waiting.  If functions hold the gate by then, the run releases the
 * run lock for them and queues again.
 *
 * So a function, which cannot release its snapshot, never waits for a stepwise
 * run in progress: it would deadlock with an index that is being built
 * concurrently.  It fails with 55P03 instead.  A stepwise run that only waits
 * does not stop functions, unless functions overlap without a pause: after
 * some attempts it queues for the gate, without the run lock, and functions
 * that come from then on fail too.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_RUN_LOCK_H
#define CMIG_RUN_LOCK_H

#include "postgres.h"

/*
 * Take the run lock until the end of the transaction, for a command such as
 * "cmig.upgrade", which errors name.  A notice and pg_stat_activity name the
 * session waited for.  Raises 25006 in a read-only transaction and on a
 * standby, 55P03 while a stepwise run is in progress.  Afterwards the caller
 * must call cmig_version_rows_check_snapshot(), before it relies on what it
 * reads.
 */
extern void cmig_run_lock_transaction(const char *command);

/*
 * Take the run lock at session level, for a run that commits.  Waits as long
 * as other runs last, without a snapshot: the caller must have none and gets
 * none back.  A notice and pg_stat_activity name the session waited for.
 */
extern void cmig_run_lock_session(const char *command);

/* Does this session hold the run lock, at either level? */
extern bool cmig_run_lock_held(void);

/* Release the run lock. Does nothing if it is not held. */
extern void cmig_run_lock_release(void);

/*
 * A statement may have released all advisory locks of the session: take the
 * lock again, or raise 55000 if another run has it by now.
 */
extern void cmig_run_lock_keep(void);

/* The process ID of the stepwise run in progress in this database, or 0. */
extern int	cmig_run_lock_holder(void);

/* The process ID of another session's run in one transaction, or 0. */
extern int	cmig_run_lock_transaction_holder(void);

/*
 * Only one backfill of a table at a time: a session-level lock that belongs to
 * a table.  Never waits; raises 55P03 and names the session that holds it.
 */
extern void cmig_run_lock_table(Oid table);
extern void cmig_run_lock_table_release(Oid table);

/*
 * Only one session at a time may create, move, or drop the parts of the audit
 * log, until the end of the transaction.  What the caller knew about the log
 * before may no longer be true.
 */
extern void cmig_run_lock_audit(void);

/*
 * Only one session at a time may change catalog rows that it will roll back,
 * until the end of the subtransaction.
 */
extern void cmig_run_lock_shadow(void);

#endif							/* CMIG_RUN_LOCK_H */
