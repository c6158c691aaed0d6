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

/* The arguments and the results of upgrading a scope. */
typedef struct CmigScopeRun
{
	const char *target;
	bool		quiet;			/* true if the steps are not reported */
	bool		begins;			/* see CmigRunPlan */
	void		(*report) (CmigDirection direction, const CmigRevision *revision, void *arg);	/* see CmigRunPlan */
	void	   *arg;

	/* set by the run */
	int			steps;			/* number of steps that have run */
	char	   *revision;		/* the revision that was running when an error
								 * occurred, or NULL */
} CmigScopeRun;

/*
 * Upgrade the current scope, whose run lock the caller holds.  Allocates in the
 * current memory context.
 */
extern void cmig_scope_run(CmigScopeRun *run);

/* Does an upgrade of the current scope have nothing to do? */
extern bool cmig_scope_run_is_empty(const char *target);

#endif							/* CMIG_SCOPE_RUN_H */
