/*
 * run_lock.h
 *	  One run at a time in a database.
 *
 * Two advisory-method locks whose tags SQL cannot reach.  A transactional
 * run takes the gate in share mode without waiting and then the run lock
 * exclusively, both until the end of the transaction; it may wait for another
 * transactional run.  A stepwise run queues for the run lock, at session level
 * and without a snapshot, and then takes the gate exclusively without waiting.
 * If functions hold the gate by then, it gives the run lock back to them and
 * queues again.  So a function, which cannot give its snapshot back, never
 * waits for a stepwise run that works (that would deadlock with an index being
 * built concurrently): it fails with 55P03.  A stepwise run that only waits
 * stops no function, unless functions overlap without a pause: after some
 * attempts it queues for the gate, without the run lock, and functions that
 * come from then on fail too.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_RUN_LOCK_H
#define CMIG_RUN_LOCK_H

#include "postgres.h"

/*
 * Take the run lock until the end of the transaction, for command, which is
 * named in errors ("cmig.upgrade").  A notice and pg_stat_activity name the
 * session waited for.  Raises 25006 in a read-only transaction
 * and on a standby, 55P03 when a stepwise run works.  The caller must
 * call cmig_version_rows_check_snapshot() afterwards, before it relies on what it
 * reads.
 */
extern void cmig_run_lock_transaction(const char *command);

/*
 * Take the run lock at session level, for a run that commits.  Waits as long
 * as other runs last, without a snapshot: the caller must have none and gets
 * none back.  A notice and pg_stat_activity name the session waited for.
 */
extern void cmig_run_lock_session(const char *command);

/* Has this session the run lock, in either way? */
extern bool cmig_run_lock_held(void);

/* Give it back; nothing happens if it is not held. */
extern void cmig_run_lock_release(void);

/*
 * A statement may have released all advisory locks of the session: take the
 * lock again, or raise 55000 if another run has it by now.
 */
extern void cmig_run_lock_keep(void);

/* The process that has a stepwise run under way in this database, or 0. */
extern int	cmig_run_lock_holder(void);

/*
 * One backfill of a table at a time: a lock at session level that belongs to
 * a table.  Never waits; raises 55P03 naming the session that has it.
 */
extern void cmig_run_lock_table(Oid table);
extern void cmig_run_lock_table_release(Oid table);

/*
 * Make, move or drop what the audit log consists of: one session at a time,
 * until the end of the transaction.  What the caller knew of the log before
 * may no longer hold.
 */
extern void cmig_run_lock_audit(void);

/*
 * One session at a time changes catalog rows that it will roll back, until the
 * end of the subtransaction.
 */
extern void cmig_run_lock_shadow(void);

#endif							/* CMIG_RUN_LOCK_H */
