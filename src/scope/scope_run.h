/*
 * scope_run.h
 *	  Upgrades one scope in the current transaction.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_SCOPE_RUN_H
#define CMIG_SCOPE_RUN_H

#include "postgres.h"
#include "base/revision.h"
#include "move/run_plan.h"

/* The arguments and results of upgrading a scope. */
typedef struct CmigScopeRun
{
	const char *target;
	bool		quiet;			/* are the steps run without a NOTICE for
								 * each? */
	bool		begins;			/* see CmigRunPlan */
	void		(*report) (CmigDirection direction, const CmigRevision *revision, void *arg);	/* see CmigRunPlan */
	void	   *arg;

	/* The following fields are set by the run. */
	int			steps;			/* number of steps that were run */
	char	   *revision;		/* revision that was running when an error
								 * occurred, or NULL */
} CmigScopeRun;

/*
 * Upgrade the current scope to run->target.  The caller must hold the scope's
 * run lock.  Memory is allocated in the current context.
 */
extern void cmig_scope_run(CmigScopeRun *run);

/*
 * Returns true if an upgrade of the current scope to this target would do
 * nothing.
 */
extern bool cmig_scope_run_is_empty(const char *target);

#endif							/* CMIG_SCOPE_RUN_H */
