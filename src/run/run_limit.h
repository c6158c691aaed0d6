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
 * Call this when a run begins, to set its deadline.  The deadline of the last
 * run remains set.  Therefore, every function that pauses or watches
 * statements must either call this or be part of a run that has called it.
 */
extern void cmig_run_limit_start(void);

/*
 * If the deadline is later than "ms" milliseconds from now, move it to that
 * time.  Errors then name "setting", the setting that "ms" comes from.  If
 * "ms" is 0, does nothing.
 */
extern void cmig_run_limit_tighten(const char *setting, int ms);

/* Has the deadline of the run passed? */
extern bool cmig_run_limit_passed(void);

/*
 * Must the run be canceled at the time "now"?  Returns true only once per run.
 * Called by the timer callback in lock_wait.c.
 */
extern bool cmig_run_limit_expires(TimestampTz now);

/* Raises error 57014 if the deadline of the run has passed. */
extern void cmig_run_limit_check(void);

/* Returns the earlier of "end" and the deadline of the run. */
extern TimestampTz cmig_run_limit_earlier(TimestampTz end);

/*
 * Call this in an error context callback.  If the current error is the cancel
 * that the timer requested, adds an explanation to the error and returns true.
 */
extern bool cmig_run_limit_explain(void);

#endif							/* CMIG_RUN_LIMIT_H */
