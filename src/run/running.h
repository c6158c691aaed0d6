/*
 * running.h
 *	  Keeps track of the revision whose script is running in this session.
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

/*
 * Returns the id of the revision whose script is running in this session, or
 * NULL if no script is running.
 */
extern const char *cmig_running_revision(void);

/* Returns the direction of the script that is running or has run last. */
extern CmigDirection cmig_running_direction(void);

/*
 * The first function returns the number of the statement that is running or
 * has failed, or 0 before the first statement and after the end of the script.
 * The second function returns true if this statement is part of verify_sql.
 */
extern int	cmig_running_statement(void);
extern bool cmig_running_verifying(void);

/*
 * Is the current script being replayed in a shadow?  A shadow is a
 * subtransaction that begins with empty schemas and is rolled back (see
 * shadow/shadow.h).
 */
extern bool cmig_running_is_replaying(void);

/*
 * Are statements with CONCURRENTLY run as written?  This depends on
 * cmig.concurrent_ddl, and is never the case in a replay.
 */
extern bool cmig_running_concurrent_ddl(void);

/*
 * Raises error 55000 if a script is running in this session, or if pg_cmig is
 * writing to its tables, because neither a script nor a trigger is allowed to
 * call "function", an SQL function such as "cmig.upgrade()".
 */
extern void cmig_running_require_idle(const char *function);

/*
 * Functions for the runner.  cmig_running_start() records that the script of a
 * step is running; cmig_running_stop() must follow on every path, including
 * errors.  The number of the current statement remains set after an error.
 * Call cmig_running_forget_statement() so that later errors are not attributed
 * to that statement.
 */
extern void cmig_running_start(const CmigRunStep *step);
extern void cmig_running_stop(void);
extern void cmig_running_set_statement(int number);
extern void cmig_running_count_statement(void);
extern void cmig_running_set_verifying(void);
extern void cmig_running_forget_statement(void);

#endif							/* CMIG_RUNNING_H */
