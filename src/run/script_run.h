/*
 * script_run.h
 *	  A script on its way, and what an error in it tells.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_SCRIPT_RUN_H
#define CMIG_SCRIPT_RUN_H

#include "postgres.h"
#include "base/revision.h"
#include "parse/script.h"

/* One step, with its texts. */
typedef struct CmigRunStep
{
	const char *revision;
	CmigDirection direction;
	const char *sql;			/* the direction's text */
	const char *verify_sql;		/* NULL, or run after an upgrade */
	bool		transactional;
	bool		top_level;		/* statements are run one by one at top level:
								 * none has to be able to run in a transaction */
	bool		committed;		/* by itself, before the next one */
} CmigRunStep;

/* A script on its way; what the error context shows. */
typedef struct CmigScriptRun
{
	const CmigRunStep *step;
	const char *verb;			/* upgrade, downgrade or verify */
	bool		verifying;		/* the statements are those of verify_sql */
	const char *phase;			/* what goes on outside statements, or NULL */
	CmigStatement statement;	/* text is NULL between statements */
	int			statement_timeout;	/* to be put back */
	bool		timeout_was_active;
} CmigScriptRun;

/* An error context callback; the run is its argument. */
extern void cmig_script_run_describe_error(void *run);

/* Where the cure is ours, the hint names it. */
extern void cmig_script_run_improve_hint(ErrorData *error, const CmigScriptRun *run);

/* The call that runs what cannot run in one transaction. */
extern const char *cmig_script_run_stepwise_call(const CmigRunStep *step);

#endif							/* CMIG_SCRIPT_RUN_H */
