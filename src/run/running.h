/*
 * running.h
 *	  The revision whose script is running in this session.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_RUNNING_H
#define CMIG_RUNNING_H

#include "postgres.h"
#include "base/revision.h"
#include "run/script_run.h"

/* Register cmig.concurrent_ddl and cmig.running_revision. */
extern void cmig_running_init(void);

/* Returns the revision that is running in this session, or NULL. */
extern const char *cmig_running_revision(void);

/* Returns the direction of the current script. */
extern CmigDirection cmig_running_direction(void);

/*
 * cmig_running_statement() returns the number of the statement that is running
 * or has failed, or 0 before the first statement and after the end of the
 * script.  cmig_running_verifying() returns true if this statement is part of
 * verify_sql.
 */
extern int	cmig_running_statement(void);
extern bool cmig_running_verifying(void);

/*
 * Is the current script being replayed in a shadow, that is, in a subtransaction
 * that begins with empty schemas and is rolled back (see shadow/shadow.h)?
 */
extern bool cmig_running_is_replaying(void);

/*
 * Do statements with CONCURRENTLY run unchanged?  This depends on
 * cmig.concurrent_ddl, and is always false in a replay.
 */
extern bool cmig_running_concurrent_ddl(void);

/*
 * Raises 55000 if a script is running in this session or pg_cmig is writing to
 * its tables, because neither a script nor a trigger may call the SQL function.
 * "function" is the function's name in the form "cmig.upgrade()".
 */
extern void cmig_running_require_idle(const char *function);

/*
 * Functions for the runner.  cmig_running_start() records that a step's script
 * is running; cmig_running_stop() must follow on every path, including errors.
 * The statement is kept after an error, and is forgotten with
 * cmig_running_forget_statement(), so that later errors are not attributed to
 * it.
 */
extern void cmig_running_start(const CmigRunStep *step);
extern void cmig_running_stop(void);
extern void cmig_running_set_statement(int number);
extern void cmig_running_count_statement(void);
extern void cmig_running_set_verifying(void);
extern void cmig_running_forget_statement(void);

#endif							/* CMIG_RUNNING_H */
