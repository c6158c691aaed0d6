/*
 * toplevel.h
 *	  Procedures that commit: transactions, attempts, statements at top level.
 *
 * All of it is for code that is called by CALL in a context where it may
 * commit (cmig_toplevel_require).  Whatever must survive a commit or a
 * rollback lives below PortalContext.
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

/* Make sure that there is a snapshot, for own work that reads. */
extern void cmig_toplevel_snapshot(void);

/* Commit and start anew, without a snapshot. */
extern void cmig_toplevel_commit(void);

/* The same after an error that was caught and flushed. */
extern void cmig_toplevel_rollback(void);

/* Sleep without a snapshot; can be cancelled. */
extern void cmig_toplevel_sleep(long ms);

/*
 * Carry out body in a transaction of its own and commit it.  If it fails by a
 * lock timeout or a deadlock it is rolled back and tried again, with growing
 * pauses, cmig.lock_retries times; may_repeat (or NULL) is asked before that,
 * in a new transaction.  Another error, and the last, is raised again when
 * everything is rolled back, with the hint of improve if that is given.  what
 * names the work in notices: "upgrade of 003".
 */
typedef void (*CmigAttempt) (void *arg);
typedef bool (*CmigMayRepeat) (void *arg);
extern void cmig_toplevel_attempt(CmigAttempt body, CmigMayRepeat may_repeat,
								  void *arg, const char *what);

/*
 * Wait until a table can be looked at, with the same retries: whoever holds it
 * keeps a procedure waiting no longer than cmig.lock_timeout.  alone: no
 * revision is running, so that the watch on locks is not set yet.
 */
extern void cmig_toplevel_reach_table(Oid table, const char *procedure, bool alone);

/*
 * Carry out a statement as if a client had sent it: it may commit.  The tree
 * is not changed; it and text must live below PortalContext.
 */
extern void cmig_toplevel_execute(RawStmt *raw, const char *text);

/*
 * A statement with CONCURRENTLY is about to wait for transactions that hold
 * old snapshots: name those that have been open for long.
 */
extern void cmig_toplevel_warn_of_snapshots(const char *what);

/* cmig_toplevel_execute for one statement given as text, with lock retries, committed. */
extern void cmig_toplevel_run_sql(const char *sql, const char *what);

#endif							/* CMIG_TOPLEVEL_H */
