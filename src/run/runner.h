/*
 * runner.h
 *	  Runs one revision's script in the caller's transaction.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_RUNNER_H
#define CMIG_RUNNER_H

#include "postgres.h"
#include "base/revision.h"
#include "parse/script.h"
#include "run/script_run.h"
#include "tcop/dest.h"

/* Register the settings of the run modules. */
extern void cmig_runner_init(void);

/*
 * Do statements with CONCURRENTLY run unchanged?  This depends on
 * cmig.concurrent_ddl, and is always false in a replay.
 */
extern bool cmig_runner_concurrent_ddl(void);

/*
 * Is the current script being replayed in a shadow, that is, in a subtransaction
 * that begins with empty schemas and is rolled back (see schema/shadow.h)?
 */
extern bool cmig_runner_is_replaying(void);

/*
 * Raises 55000 if a script is running in this session or pg_cmig is writing to
 * its tables, because neither a script nor a trigger may call the SQL function.
 * "function" is the function's name in the form "cmig.upgrade()".
 */
extern void cmig_runner_require_idle(const char *function);

/*
 * Call this when a new attempt at one or more steps begins, so that
 * cmig.lock_timeout counts lock waits from zero.
 */
extern void cmig_runner_begin(void);

/*
 * Raises an error if the step contains transaction control, COPY from or to the
 * client, DISCARD ALL, or a statement that must run at top level, or if the
 * revision is nontransactional and cmig.concurrent_ddl is on.  In steps with
 * top_level set, statements that must run at top level and nontransactional
 * revisions are allowed.  Errors name the revision, the statement, and its
 * line.  Nothing is executed.
 */
extern void cmig_runner_check(const CmigRunStep *step);

/*
 * Run the step's precondition, its script, and then its verify_sql.  On return,
 * the session is in its previous state, including settings, role, temporary
 * objects, prepared statements, cursors, and constraint modes.  After an error,
 * the previous state is restored by rolling back the transaction or
 * subtransaction.
 */
extern void cmig_runner_run(const CmigRunStep *step);

/*
 * cmig_runner_verify() runs only the step's verify_sql;
 * cmig_runner_check_precondition() only checks its precondition.
 */
extern void cmig_runner_verify(const CmigRunStep *step);
extern void cmig_runner_check_precondition(const CmigRunStep *step);

/* Returns the revision that is running in this session, or NULL. */
extern const char *cmig_runner_current(void);

/* Restart statement_timeout with the value that is now in effect. */
extern void cmig_runner_restart_timeout(void);

/* Returns the direction of the current script. */
extern CmigDirection cmig_runner_direction(void);

/*
 * cmig_runner_statement() returns the number of the statement that is running
 * or has failed, or 0 before the first statement and after the end of the
 * script.  cmig_runner_verifying() returns true if this statement is part of
 * verify_sql.
 */
extern int	cmig_runner_statement(void);
extern bool cmig_runner_verifying(void);

/*
 * Functions for a caller that commits between statements.  Call
 * cmig_runner_start() before the script and cmig_runner_stop() after it.  In
 * between, install cmig_script_run_describe_error() as the error context
 * callback.  cmig_runner_stop() may be called twice.
 */
extern void cmig_runner_start(CmigScriptRun *run, const CmigRunStep *step);
extern void cmig_runner_stop(CmigScriptRun *run);

/*
 * Read the next statement and make it the current one.  Returns false at the
 * end of the script.
 */
extern bool cmig_runner_next(CmigScriptRun *run, CmigScriptReader *script);

/*
 * Raises an error if the statement cannot run.  Otherwise returns the parse
 * tree to run, which is a modified copy if CONCURRENTLY was removed.
 */
extern RawStmt *cmig_runner_check_statement(const CmigRunStep *step, RawStmt *raw);

/*
 * Analyze, rewrite, plan, and run a statement below the top level.  Returns the
 * number of rows processed, or CMIG_NO_ROWS if the command does not report a
 * row count.
 */
#define CMIG_NO_ROWS INT64CONST(-1)
extern int64 cmig_runner_execute(RawStmt *raw, const char *text, DestReceiver *dest);

#endif							/* CMIG_RUNNER_H */
