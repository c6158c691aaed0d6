/*
 * run_limit.h
 *	  How long a run may take in all: cmig.run_timeout.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_RUN_LIMIT_H
#define CMIG_RUN_LIMIT_H

#include "postgres.h"
#include "datatype/timestamp.h"

extern void cmig_run_limit_init(void);

/*
 * A run begins.  Whatever may pause or watches its statements must have called
 * this, or be part of a run that has: the last deadline stays.
 */
extern void cmig_run_limit_start(void);

/* Has the time come to cancel?  True once a run; for the timer's handler. */
extern bool cmig_run_limit_expires(TimestampTz now);

/* Raise 57014 if the time is over. */
extern void cmig_run_limit_check(void);

/* The end of a pause, or the deadline if that is earlier. */
extern TimestampTz cmig_run_limit_earlier(TimestampTz end);

/*
 * To be called from an error context callback: if the error under way is the
 * cancel that the timer asked for, say so.  Returns whether it is.
 */
extern bool cmig_run_limit_explain(void);

#endif							/* CMIG_RUN_LIMIT_H */
