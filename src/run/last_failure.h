/*
 * last_failure.h
 *	  Keeps each database's last failed run in shared memory.
 *
 * A run in a single transaction leaves no row in the journal if it fails.  If
 * the library is in shared_preload_libraries, the error of the run is kept in
 * shared memory until the server restarts.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_LAST_FAILURE_H
#define CMIG_LAST_FAILURE_H

#include "postgres.h"
#include "base/revision.h"
#include "utils/timestamp.h"

/*
 * The sizes of the string fields, including the NUL.  Longer strings are
 * truncated.
 */
#define CMIG_FAILURE_REVISION 128
#define CMIG_FAILURE_MESSAGE 512

/* A failed run. */
typedef struct CmigLastFailure
{
	TimestampTz at;
	CmigDirection direction;
	char		scope[NAMEDATALEN]; /* schema, or "" for the database */
	char		revision[CMIG_FAILURE_REVISION];
	int			statement;		/* number of the failed statement, or 0 */
	int			sqlstate;		/* SQLSTATE of the error; 0 if the session
								 * ended */
	char		message[CMIG_FAILURE_MESSAGE];
} CmigLastFailure;

/* Request shared memory if the library is being preloaded. */
extern void cmig_last_failure_init(void);

/* Is shared memory for failures available? */
extern bool cmig_last_failure_is_kept(void);

/*
 * Call this when a step begins.  If the session ends before another function
 * of this module is called, the run counts as failed in this step.
 */
extern void cmig_last_failure_begin(CmigDirection direction, const char *revision);

/*
 * Record the current error as the failure of the run.  Call this in PG_CATCH.
 * "statement" is the number of the failed statement, or 0 if no statement
 * failed.
 */
extern void cmig_last_failure_record(int statement);

/*
 * Call this when a run has succeeded.  Discards an earlier failure in the
 * current scope.
 */
extern void cmig_last_failure_forget(void);

/*
 * Read the last failure in the current database.  Returns false if there is
 * none, or if it occurred in another scope.
 */
extern bool cmig_last_failure_read(CmigLastFailure *failure);

#endif							/* CMIG_LAST_FAILURE_H */
