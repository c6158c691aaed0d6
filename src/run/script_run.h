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
 * Callback that is called instead of the runner to run a script's current
 * statement. arg is the step's statement_arg.
 */
typedef void (*CmigRunStatement) (struct CmigScriptRun *run, DestReceiver *dest, void *arg);

/* One step of a plan, with its scripts. */
typedef struct CmigRunStep
{
	const char *revision;
	CmigDirection direction;
	const char *target;			/* target of the call, as SQL, or NULL */
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
	bool		tried;			/* is the step part of a dry run? */
	CmigRunStatement statement; /* if NULL, the runner runs the statements */
	void	   *statement_arg;
} CmigRunStep;

/* A script in progress, for the error context. */
typedef struct CmigScriptRun
{
	const CmigRunStep *step;
	const char *verb;			/* such as "upgrade" or "verify" */
	bool		verifying;		/* is the script verify_sql? */
	bool		checking;		/* is the script precondition_sql? */
	const char *phase;			/* what the runner is doing outside of
								 * statements, such as "before its first
								 * statement", or NULL */
	CmigStatement statement;	/* text is NULL between statements */
	int			statement_timeout;	/* caller's value, to be restored */
	bool		timeout_was_active;
} CmigScriptRun;

/* Does the step run verify_sql after its script? */
extern bool cmig_script_run_is_verified(const CmigRunStep *step);

/* Error context callback; its argument is the CmigScriptRun. */
extern void cmig_script_run_describe_error(void *run);

/*
 * Returns the part of the error's context that names the revision, the
 * statement, and the line number, or "" if there is none.
 */
extern char *cmig_script_run_place(const ErrorData *error);

/* Replace the error's hint if pg_cmig offers a way around the error. */
extern void cmig_script_run_improve_hint(ErrorData *error, const CmigScriptRun *run);

/* Returns the CALL for a step that cannot run in a single transaction. */
extern const char *cmig_script_run_stepwise_call(const CmigRunStep *step);

/*
 * Returns the CALL that finishes a step of a stepwise run with in_doubt =>
 * 'done'.  Does not access the catalogs, so it can be used after an error.
 */
extern const char *cmig_script_run_in_doubt_call(const CmigRunStep *step);

#endif							/* CMIG_SCRIPT_RUN_H */
