/*
 * toplevel.h
 *	  Procedures that commit: transactions, attempts, statements at top level.
 *
 * All of this is for code that is called by CALL in a context where it may
 * commit (cmig_toplevel_require).  Everything that must survive a commit or a
 * rollback must be allocated below PortalContext.
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
 * Raise 25001 unless the procedure is called at top level, alone, outside a
 * transaction block.
 */
extern void cmig_toplevel_require(FunctionCallInfo fcinfo, const char *procedure);

/* A memory context below PortalContext. */
extern MemoryContext cmig_toplevel_context(const char *name);

/* Make sure that there is a snapshot, for work that reads the catalog. */
extern void cmig_toplevel_snapshot(void);

/* Commit and start a new transaction, without a snapshot. */
extern void cmig_toplevel_commit(void);

/*
 * Roll back and start a new transaction, after an error that was caught and
 * flushed.
 */
extern void cmig_toplevel_rollback(void);

/* Sleep without a snapshot; can be canceled. */
extern void cmig_toplevel_sleep(long ms);

/*
 * Run body in a transaction of its own and commit it.  If it fails because of
 * a lock timeout, a deadlock, or a serialization failure, it is rolled back
 * and tried again, with growing pauses, up to cmig.lock_retries times;
 * may_repeat (or NULL) is asked before that, in a new transaction.  Any other
 * error, and the last one, is raised again after everything is rolled back.
 * what names the work in notices: "upgrade of 003".
 */
typedef void (*CmigAttempt) (void *arg);
typedef bool (*CmigMayRepeat) (void *arg);
extern void cmig_toplevel_attempt(CmigAttempt body, CmigMayRepeat may_repeat,
								  void *arg, const char *what);

/*
 * Wait until a table can be locked in ACCESS SHARE mode, with the same
 * retries: a session that holds it blocks a procedure for at most
 * cmig.lock_timeout. alone: no revision is running, so the watch on locks is
 * not on yet.
 */
extern void cmig_toplevel_reach_table(Oid table, const char *procedure, bool alone);

/*
 * Run a statement as if a client had sent it: it may commit.  The tree is not
 * changed; it and text must be allocated below PortalContext.
 */
extern void cmig_toplevel_execute(RawStmt *raw, const char *text);

/*
 * A statement with CONCURRENTLY is about to wait for transactions with old
 * snapshots: report those that have been open for long.
 */
extern void cmig_toplevel_warn_of_snapshots(const char *what);

/*
 * Run one statement given as text, commit it, and retry it if it cannot get a
 * lock.
 */
extern void cmig_toplevel_run_sql(const char *sql, const char *what);

#endif							/* CMIG_TOPLEVEL_H */
