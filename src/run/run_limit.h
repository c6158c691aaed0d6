/*
 * run_limit.h
 *	  Implements cmig.run_timeout, the time limit of a whole run.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_RUN_LIMIT_H
#define CMIG_RUN_LIMIT_H

#include "postgres.h"
#include "datatype/timestamp.h"

/* Register cmig.run_timeout. */
extern void cmig_run_limit_init(void);

/*
 * Call this when a run begins, to set the run's deadline.  Every function that
 * pauses or watches statements must either call this or be part of a run that
 * has called it, because the deadline of an earlier run remains set.
 */
extern void cmig_run_limit_start(void);

/*
 * Set an earlier deadline, in milliseconds from now, that comes from another
 * setting, which is then named in errors.  0 means no limit.
 */
extern void cmig_run_limit_tighten(const char *setting, int ms);

/* Has the time limit passed? */
extern bool cmig_run_limit_passed(void);

/*
 * Must the run be canceled now?  Returns true only once per run.  This function
 * is called by the timer callback in lock_wait.c.
 */
extern bool cmig_run_limit_expires(TimestampTz now);

/* Raises 57014 if the time limit has passed. */
extern void cmig_run_limit_check(void);

/* Returns the earlier of "end" and the run's deadline. */
extern TimestampTz cmig_run_limit_earlier(TimestampTz end);

/*
 * Call this in an error context callback.  If the current error is the cancel
 * that the timer requested, adds an explanation to the error and returns true.
 */
extern bool cmig_run_limit_explain(void);

#endif							/* CMIG_RUN_LIMIT_H */
