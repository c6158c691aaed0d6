/*
 * toplevel.h
 *	  Tools for procedures that commit: transactions, attempts, and statements
 *	  at top level.
 *
 * Call these functions only from a CALL that is allowed to commit (see
 * cmig_toplevel_require()).  Everything that must survive a commit or rollback
 * must be allocated below PortalContext.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_TOPLEVEL_H
#define CMIG_TOPLEVEL_H

#include "postgres.h"
#include "fmgr.h"
#include "nodes/parsenodes.h"
#include "nodes/pg_list.h"

/* Register cmig.lock_retries. */
extern void cmig_toplevel_init(void);

/*
 * Raises error 25001 unless the CALL is a separate statement at top level and
 * outside a transaction block.
 */
extern void cmig_toplevel_require(FunctionCallInfo fcinfo, const char *procedure);

/* Create a memory context below PortalContext. */
extern MemoryContext cmig_toplevel_context(const char *name);

/*
 * Push a snapshot, which is needed for reading catalogs, unless there is
 * already an active one.
 */
extern void cmig_toplevel_snapshot(void);

/* Commit and start a new transaction, without a snapshot. */
extern void cmig_toplevel_commit(void);

/*
 * Roll back and start a new transaction.  Call this after an error has been
 * caught and flushed.
 */
extern void cmig_toplevel_rollback(void);

/*
 * Sleep for a number of milliseconds without holding a snapshot.  The sleep
 * can be canceled.
 */
extern void cmig_toplevel_sleep(long ms);

/*
 * Run "body" in its own transaction and commit it.  After a lock timeout, a
 * deadlock, or a serialization failure, the transaction is rolled back and
 * "body" is repeated, up to cmig.lock_retries times, with increasing pauses.
 * If may_repeat is not NULL, it is called in a new transaction before each
 * repetition, and "body" is repeated only if may_repeat returns true.  Any
 * other error, and the error of the last attempt, is rethrown after the
 * rollback.  "what" names the work in notices, for example "upgrade of 003".
 */
typedef void (*CmigAttempt) (void *arg);
typedef bool (*CmigMayRepeat) (void *arg);
extern void cmig_toplevel_attempt(CmigAttempt body, CmigMayRepeat may_repeat,
								  void *arg, const char *what);

/*
 * Wait until a table can be locked in ACCESS SHARE mode, with the same retries
 * as in cmig_toplevel_attempt().  A procedure calls this before it works on
 * the table, so that a session with a conflicting lock blocks the procedure
 * for at most cmig.lock_timeout per attempt.  "alone" is true if no revision
 * is running, so that lock waits are not being watched yet.
 */
extern void cmig_toplevel_reach_table(Oid table, const char *procedure, bool alone);

/*
 * Run a statement as if a client had sent it, so that the statement may
 * commit.  The parse tree is not modified.  Both the parse tree and "text",
 * the SQL text of the statement, must be allocated below PortalContext.
 */
extern void cmig_toplevel_execute(RawStmt *raw, const char *text);

/*
 * Report transactions that have been open for a long time, because a statement
 * with CONCURRENTLY is about to wait for them.  "what" names the statement.
 */
extern void cmig_toplevel_warn_of_snapshots(const char *what);

/*
 * Run a single statement and commit it.  If the statement cannot get a lock,
 * it is retried as in cmig_toplevel_attempt(), where "what" has the same
 * meaning.
 */
extern void cmig_toplevel_run_sql(const char *sql, const char *what);

#endif							/* CMIG_TOPLEVEL_H */
