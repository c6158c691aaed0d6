/*
 * runner.h
 *	  Runs one revision's script in the caller's transaction.
 */
#ifndef CMIG_RUNNER_H
#define CMIG_RUNNER_H

#include "postgres.h"
#include "revision.h"

/* One step, with its texts. */
typedef struct CmigRunStep
{
	const char *revision;
	CmigDirection direction;
	const char *sql;			/* the direction's text */
	const char *verify_sql;		/* NULL, or run after an upgrade */
	bool		transactional;
} CmigRunStep;

/* Settings of the runner; defined and registered by cmig_runner_init(). */
extern void cmig_runner_init(void);

/* Is CONCURRENTLY taken off (cmig.concurrently = off)? */
extern bool cmig_runner_concurrently;

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
 * that is not transactional (unless cmig.concurrently is off).  Errors name
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

#endif							/* CMIG_RUNNER_H */
