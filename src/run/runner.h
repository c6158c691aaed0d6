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

/* Register the settings of the run layer. */
extern void cmig_runner_init(void);

/*
 * Do statements with CONCURRENTLY run as they are (cmig.concurrent_ddl)?  In a
 * replay they do not.
 */
extern bool cmig_runner_concurrent_ddl(void);

/* Is the script that is running replayed in a shadow? */
extern bool cmig_runner_is_replaying(void);

/*
 * Raise 55000 if a script is running in this session, or if pg_cmig is writing
 * its tables: a script or trigger cannot call function ("cmig.upgrade()").
 */
extern void cmig_runner_require_idle(const char *function);

/*
 * A new attempt of one or more steps begins: cmig.lock_timeout counts its lock
 * waits from zero.
 */
extern void cmig_runner_begin(void);

/*
 * Raise an error for what cannot run inside a transaction: transaction
 * control, client COPY, DISCARD ALL, a statement that needs the top level, a
 * revision that is not transactional (unless cmig.concurrent_ddl is off).
 * Errors name the revision, the statement, and its line.  Nothing is executed.
 */
extern void cmig_runner_check(const CmigRunStep *step);

/*
 * Run the step's precondition, its script, and then its verify_sql.  On return the session is as
 * it was before: settings, role, temporary objects, prepared statements,
 * cursors, constraint modes.  After an error it is too, once the transaction
 * or subtransaction is rolled back.
 */
extern void cmig_runner_run(const CmigRunStep *step);

/* The same for verify_sql alone, and for precondition_sql alone. */
extern void cmig_runner_verify(const CmigRunStep *step);
extern void cmig_runner_check_precondition(const CmigRunStep *step);

/* The revision that is running in this session, or NULL. */
extern const char *cmig_runner_current(void);

/* Start statement_timeout again, with the value that is now in effect. */
extern void cmig_runner_restart_timeout(void);

/* The direction of the script that is running. */
extern CmigDirection cmig_runner_direction(void);

/*
 * The number of the statement that is running or has failed, 0 before the
 * first one and after the script has ended; and whether it belongs to
 * verify_sql.
 */
extern int	cmig_runner_statement(void);
extern bool cmig_runner_verifying(void);

/*
 * For a caller that commits between statements: start and stop enclose the
 * script, and meanwhile cmig_script_run_describe_error is the error context
 * callback. stop may be called twice.
 */
extern void cmig_runner_start(CmigScriptRun *run, const CmigRunStep *step);
extern void cmig_runner_stop(CmigScriptRun *run);

/* Read the next statement and make it the current one; false at the end. */
extern bool cmig_runner_next(CmigScriptRun *run, CmigScriptReader *script);

/*
 * Raise an error if the statement cannot run, otherwise return the parse tree
 * to run, which is a changed copy if CONCURRENTLY was removed.
 */
extern RawStmt *cmig_runner_check_statement(const CmigRunStep *step, RawStmt *raw);

/*
 * Analyze, rewrite, plan, and run one statement, below the top level.  Returns
 * the number of rows that it processed, or CMIG_NO_ROWS if its command does not
 * count rows.
 */
#define CMIG_NO_ROWS INT64CONST(-1)
extern int64 cmig_runner_execute(RawStmt *raw, const char *text, DestReceiver *dest);

#endif							/* CMIG_RUNNER_H */
