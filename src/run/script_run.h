/*
 * script_run.h
 *	  Describes a script in progress and reports errors in it.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_SCRIPT_RUN_H
#define CMIG_SCRIPT_RUN_H

#include "postgres.h"
#include "base/revision.h"
#include "parse/script.h"
#include "tcop/dest.h"

struct CmigScriptRun;

/*
 * A callback that runs the current statement of a script, in place of the
 * runner.  "arg" is the step's statement_arg.
 */
typedef void (*CmigRunStatement) (struct CmigScriptRun *run, DestReceiver *dest, void *arg);

/* One step of a plan, with the scripts to run. */
typedef struct CmigRunStep
{
	const char *revision;
	CmigDirection direction;
	const char *target;			/* the target that the user specified, as SQL,
								 * or NULL */
	const char *sql;			/* the script for this direction, with
								 * placeholder values inserted */
	const char *stored_sql;		/* the script for this direction, as stored */
	const char *verify_sql;		/* run after an upgrade; NULL if none */
	const char *precondition_sql;	/* checked before an upgrade; NULL if none */
	bool		transactional;
	bool		repeatable;
	bool		top_level;		/* do statements run outside of a transaction
								 * block, so that commands such as VACUUM are
								 * allowed? */
	bool		committed;		/* is the step committed before the next one
								 * runs? */
	bool		replayed;		/* is the step replayed in a shadow (see
								 * shadow/shadow.h), where nothing is
								 * committed? */
	bool		tried;			/* is the step run by cmig.dry_run? */
	CmigRunStatement statement; /* callback for running statements, or NULL */
	void	   *statement_arg;
} CmigRunStep;

/* A script in progress, as described in the context of errors. */
typedef struct CmigScriptRun
{
	const CmigRunStep *step;
	const char *verb;			/* what is in progress, such as "upgrade" or
								 * "verify" */
	bool		verifying;		/* is the script verify_sql? */
	bool		checking;		/* is the script precondition_sql? */
	const char *phase;			/* what the runner is doing outside of
								 * statements, such as "before its first
								 * statement", or NULL */
	CmigStatement statement;	/* the current statement; its text is NULL
								 * between statements */
	int			statement_timeout;	/* value to restore after the script */
	bool		timeout_was_active;
} CmigScriptRun;

/* Does the step run verify_sql after its script? */
extern bool cmig_script_run_is_verified(const CmigRunStep *step);

/* Error context callback.  "run" is the CmigScriptRun. */
extern void cmig_script_run_describe_error(void *run);

/*
 * Returns the part of the error's context that names the revision, the
 * statement, and the line number, or "" if there is no such part.
 */
extern char *cmig_script_run_place(const ErrorData *error);

/*
 * If pg_cmig offers a way around the error, replace the error's hint with one
 * that describes this way.
 */
extern void cmig_script_run_improve_hint(ErrorData *error, const CmigScriptRun *run);

/*
 * Returns the CALL of a stepwise procedure that performs the step, for the
 * hint of an error about a step that cannot run in a single transaction.
 */
extern const char *cmig_script_run_stepwise_call(const CmigRunStep *step);

/*
 * Returns the CALL, with in_doubt => 'done', that continues the step after a
 * statement in doubt.  Does not access the catalogs, so it can be used after
 * an error.
 */
extern const char *cmig_script_run_in_doubt_call(const CmigRunStep *step);

#endif							/* CMIG_SCRIPT_RUN_H */
