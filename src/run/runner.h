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

/* Settings of the runner; defined and registered by cmig_runner_init(). */
extern void cmig_runner_init(void);

/* Is CONCURRENTLY left as it is (cmig.concurrent_ddl)? */
extern bool cmig_runner_concurrent_ddl(void);

/*
 * Raise 55000 if a script runs now in this session: function
 * ("cmig.upgrade()") cannot be called from one.
 */
extern void cmig_runner_require_idle(const char *function);

/*
 * A new attempt begins, of one or more steps: cmig.lock_timeout counts its
 * lock waits from zero.
 */
extern void cmig_runner_begin(void);

/*
 * Refuse what SELECT cmig.upgrade cannot run: transaction control, client
 * COPY, DISCARD ALL, a statement that needs to be at top level, a revision
 * that is not transactional (unless cmig.concurrent_ddl is off).  Errors name
 * the revision, the statement and its line.  Nothing is executed.
 */
extern void cmig_runner_check(const CmigRunStep *step);

/*
 * Run the step's script and then its verify_sql.  On return the session is
 * as it was before: settings, role, temporary objects, prepared statements,
 * cursors, constraint modes.  On error it is too, once the transaction or
 * subtransaction is rolled back.
 */
extern void cmig_runner_run(const CmigRunStep *step);

/* The revision that runs now in this session, or NULL. */
extern const char *cmig_runner_current(void);

/* statement_timeout begins to count anew, with the value now in force. */
extern void cmig_runner_restart_timeout(void);

/* The direction of the script that runs now. */
extern CmigDirection cmig_runner_direction(void);

/*
 * The number of the statement that runs or that failed, 0 before the first and
 * when the script has ended; is it one of verify_sql?
 */
extern int	cmig_runner_statement(void);
extern bool cmig_runner_verifying(void);

/*
 * For a caller that commits between statements.  start and stop frame the
 * script; cmig_script_run_describe_error is the error context callback
 * meanwhile.  stop may be called twice.
 */
extern void cmig_runner_start(CmigScriptRun *run, const CmigRunStep *step);
extern void cmig_runner_stop(CmigScriptRun *run);

/* Fetch the next statement and make it the one that runs; false at the end. */
extern bool cmig_runner_next(CmigScriptRun *run, CmigScriptReader *script);

/* Raise an error if the statement cannot run, otherwise the tree to run. */
extern RawStmt *cmig_runner_check_statement(const CmigRunStep *step, RawStmt *raw);

/* Analyse, rewrite, plan and run one statement, below the top level. */
extern void cmig_runner_execute(RawStmt *raw, const char *text, DestReceiver *dest);

#endif							/* CMIG_RUNNER_H */
