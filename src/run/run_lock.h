/*
 * run_lock.h
 *	  Ensures that only one run is in progress in a database, or in a scope.
 *
 * A "function" below is a run in the caller's transaction, such as SELECT
 * cmig.upgrade(), and a stepwise run is a CALL that commits.
 *
 * This module uses two advisory locks whose tags SQL functions cannot produce:
 * the gate and the run lock.  A function takes the gate in share mode without
 * waiting, and then the run lock in exclusive mode, for which it may wait
 * until another function's transaction has ended.  It holds both until the end
 * of the transaction.  A stepwise run queues for the run lock at session
 * level, without a snapshot, and then takes the gate in exclusive mode without
 * waiting.  If functions hold the gate at that point, the stepwise run
 * releases the run lock for them and queues again.
 *
 * As a result, a function never waits for a stepwise run in progress, but
 * fails with error 55P03.  If it waited, its snapshot, which it cannot release,
 * could deadlock with a concurrent index build.  A stepwise run that is only
 * waiting does not block functions, unless functions keep overlapping without
 * a pause.  In that case, after several attempts, the stepwise run queues for
 * the gate without holding the run lock, and functions that start from then on
 * fail, too.
 *
 * Each scope has its own gate and run lock, so runs in several scopes do not
 * wait for each other.  The scopes share two more locks, which functions that
 * write revisions take in exclusive mode.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_RUN_LOCK_H
#define CMIG_RUN_LOCK_H

#include "postgres.h"

/*
 * Raise error 25006 in a read-only transaction or on a standby, and 0A000 on a
 * worker of a Citus cluster.
 */
extern void cmig_run_lock_require_possible(const char *command);

/*
 * Take the run lock until the end of the transaction.  "command", such as
 * "cmig.upgrade", is used in errors.  If this function has to wait, a notice
 * and pg_stat_activity name the blocking session.  Raises the errors of
 * cmig_run_lock_require_possible(), and 55P03 while a stepwise run is in
 * progress.  Afterwards, the caller must call
 * cmig_version_rows_check_snapshot() before it relies on what it reads.
 */
extern void cmig_run_lock_transaction(const char *command);

/*
 * Take the run lock at session level, for a run that commits.  Waits until
 * other runs have ended; during the wait, a notice and pg_stat_activity name
 * the blocking session.  The caller must not hold a snapshot.
 */
extern void cmig_run_lock_session(const char *command);

/*
 * Like cmig_run_lock_transaction(), take the run lock until the end of the
 * transaction, but do not wait.  Returns false if another run is in progress;
 * some locks may then be held until the end of the transaction.  The current
 * scope must be a schema.
 */
extern bool cmig_run_lock_try(void);

/*
 * Wait until no run is in progress in any scope, and keep runs in scopes from
 * starting until the end of the transaction.  The caller holds the database's
 * run lock and is about to write revisions.  Raises error 55P03 while a
 * stepwise run is in progress in a scope.
 */
extern void cmig_run_lock_revisions(const char *command);

/* Does this session hold the run lock, at session or transaction level? */
extern bool cmig_run_lock_held(void);

/* Release the run lock.  Does nothing if it is not held. */
extern void cmig_run_lock_release(void);

/*
 * Call this after each statement of a stepwise run, because a script can
 * release all of the session's advisory locks.  If the run lock was released,
 * takes it again, or raises error 55000 if another run holds it now.
 */
extern void cmig_run_lock_keep(void);

/*
 * Returns the process ID of the stepwise run in progress in the current scope,
 * or 0 if there is none.
 */
extern int	cmig_run_lock_holder(void);

/*
 * Returns the process ID of another session that is performing a run in a
 * single transaction, or 0 if there is none.  If such a run has been prepared
 * for two-phase commit, sets *prepared to its transaction ID; otherwise, sets
 * *prepared to InvalidTransactionId.
 */
extern int	cmig_run_lock_transaction_holder(TransactionId *prepared);

/*
 * Take or release a lock, at session level, that allows only one backfill of a
 * table at a time.  The first function never waits: if the lock is not
 * available, it raises error 55P03 and names the session that holds the lock.
 */
extern void cmig_run_lock_table(Oid table);
extern void cmig_run_lock_table_release(Oid table);

/*
 * Allow only one session at a time to create, move, or drop partitions of the
 * audit log, until the end of the transaction.  This may wait, so anything
 * that the caller already knows about the log may be outdated.
 */
extern void cmig_run_lock_audit(void);

/*
 * Allow only one session at a time to change catalog rows temporarily and roll
 * the changes back, until the end of the subtransaction.
 */
extern void cmig_run_lock_shadow(void);

#endif							/* CMIG_RUN_LOCK_H */
