/*
 * script_run.h
 *	  A script in progress, and what an error in it reports.
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

/* Runs the current statement of a script instead of the runner; arg is the step's. */
typedef void (*CmigRunStatement) (struct CmigScriptRun *run, DestReceiver *dest, void *arg);

/* One step with its scripts. */
typedef struct CmigRunStep
{
	const char *revision;
	CmigDirection direction;
	const char *target;			/* of the call, as an SQL expression; or NULL */
	const char *sql;			/* the script of this direction, with the
								 * values of its placeholders */
	const char *stored_sql;		/* the same as stored */
	const char *verify_sql;		/* run after an upgrade; NULL if there is none */
	const char *precondition_sql;	/* checked before an upgrade; likewise */
	bool		transactional;
	bool		repeatable;
	bool		top_level;		/* each statement runs at top level, so none
								 * needs to be able to run inside a
								 * transaction */
	bool		committed;		/* the step is committed before the next one
								 * runs */
	bool		replayed;		/* it runs in a shadow, where nothing is
								 * committed */
	CmigRunStatement statement; /* NULL: the runner runs the statements itself */
	void	   *statement_arg;
} CmigRunStep;

/* A script in progress: what the error context shows. */
typedef struct CmigScriptRun
{
	const CmigRunStep *step;
	const char *verb;			/* upgrade, downgrade or verify */
	bool		verifying;		/* the statements are those of verify_sql */
	bool		checking;		/* they are those of precondition_sql */
	const char *phase;			/* what happens outside of statements, or NULL */
	CmigStatement statement;	/* text is NULL between statements */
	int			statement_timeout;	/* the caller's, to be restored */
	bool		timeout_was_active;
} CmigScriptRun;

/* Error context callback; its argument is the CmigScriptRun. */
extern void cmig_script_run_describe_error(void *run);

/*
 * The line of an error's context that names the revision, statement, and line;
 * "" if there is none.
 */
extern char *cmig_script_run_place(const ErrorData *error);

/* Replace the server's hint if pg_cmig offers a way around the error. */
extern void cmig_script_run_improve_hint(ErrorData *error, const CmigScriptRun *run);

/* The call for what cannot run in one transaction. */
extern const char *cmig_script_run_stepwise_call(const CmigRunStep *step);

/*
 * The call that finishes a step of a stepwise run, with in_doubt => 'done'.
 * It can be used after an error, when no catalog can be read.
 */
extern const char *cmig_script_run_in_doubt_call(const CmigRunStep *step);

#endif							/* CMIG_SCRIPT_RUN_H */
