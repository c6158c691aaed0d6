/*
 * last_failure.h
 *	  The last run of each database that failed, in shared memory.
 *
 * A run in one transaction that fails leaves no row.  If the library is in
 * shared_preload_libraries, its error is kept until the server restarts.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_LAST_FAILURE_H
#define CMIG_LAST_FAILURE_H

#include "postgres.h"
#include "base/revision.h"
#include "utils/timestamp.h"

/* The maximum lengths of texts; longer ones are truncated. */
#define CMIG_FAILURE_REVISION 128
#define CMIG_FAILURE_MESSAGE 512

/* A run that failed. */
typedef struct CmigLastFailure
{
	TimestampTz at;
	CmigDirection direction;
	char		revision[CMIG_FAILURE_REVISION];
	int			statement;		/* 0 for none */
	int			sqlstate;		/* 0 if the session ended */
	char		message[CMIG_FAILURE_MESSAGE];
} CmigLastFailure;

/* Request shared memory, if the server is loading the library at its start. */
extern void cmig_last_failure_init(void);

/* Is there shared memory for failures? */
extern bool cmig_last_failure_is_kept(void);

/*
 * To be called when a step begins. If the session ends before the next call of
 * this module, the run has failed in this step.
 */
extern void cmig_last_failure_begin(CmigDirection direction, const char *revision);

/* In PG_CATCH: the run has failed with the current error; statement may be 0. */
extern void cmig_last_failure_record(int statement);

/* The run has succeeded: forget the failure of an earlier one. */
extern void cmig_last_failure_forget(void);

/* The last failure in this database; false if there is none. */
extern bool cmig_last_failure_read(CmigLastFailure *failure);

#endif							/* CMIG_LAST_FAILURE_H */
