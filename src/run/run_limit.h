/*
 * run_limit.h
 *	  The time limit of a whole run, cmig.run_timeout.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_RUN_LIMIT_H
#define CMIG_RUN_LIMIT_H

#include "postgres.h"
#include "datatype/timestamp.h"

/* Register the setting. */
extern void cmig_run_limit_init(void);

/*
 * To be called when a run begins: set its deadline.  Every function that
 * pauses or watches statements must call this, or be part of a run that has,
 * because the last deadline remains set.
 */
extern void cmig_run_limit_start(void);

/*
 * Set an earlier deadline, given by another setting, which errors then name; 0
 * means none.
 */
extern void cmig_run_limit_tighten(const char *setting, int ms);

/* Has the time limit passed? */
extern bool cmig_run_limit_passed(void);

/*
 * Must the run be canceled now?  True only once for each run; called by the
 * timer's handler.
 */
extern bool cmig_run_limit_expires(TimestampTz now);

/* Raise 57014 if the time limit has passed. */
extern void cmig_run_limit_check(void);

/* The earlier one of "end" and the deadline. */
extern TimestampTz cmig_run_limit_earlier(TimestampTz end);

/*
 * Must be called from an error context callback: if the error in progress is
 * the cancel that the timer requested, say so.  Returns whether it is.
 */
extern bool cmig_run_limit_explain(void);

#endif							/* CMIG_RUN_LIMIT_H */
