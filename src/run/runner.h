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

/* Register the settings of the modules in src/run. */
extern void cmig_runner_init(void);

/*
 * Call this when a new attempt at one or more steps begins.  For
 * cmig.lock_timeout, the lock waits of an attempt are counted from zero.
 */
extern void cmig_runner_begin(void);

/*
 * Run the precondition of a step, its script, and then its verify_sql.  On
 * return, the session is in its previous state, including settings, role,
 * temporary objects, prepared statements, cursors, and constraint modes.
 * After an error, the caller must roll back the transaction or subtransaction,
 * which restores the previous state.
 */
extern void cmig_runner_run(const CmigRunStep *step);

/* Run only the verify_sql or only the precondition of a step. */
extern void cmig_runner_verify(const CmigRunStep *step);
extern void cmig_runner_check_precondition(const CmigRunStep *step);

/* Restart statement_timeout with the value that is now in effect. */
extern void cmig_runner_restart_timeout(void);

/*
 * Functions for a caller that commits between the statements of a script.
 * Call cmig_runner_start() before the script and cmig_runner_stop() after it,
 * even after an error.  In between, install cmig_script_run_describe_error()
 * as the error context callback.  cmig_runner_stop() may be called twice.
 */
extern void cmig_runner_start(CmigScriptRun *run, const CmigRunStep *step);
extern void cmig_runner_stop(CmigScriptRun *run);

/*
 * Read the next statement of the script into run->statement.  Returns false at
 * the end of the script.
 */
extern bool cmig_runner_next(CmigScriptRun *run, CmigScriptReader *script);

#endif							/* CMIG_RUNNER_H */
