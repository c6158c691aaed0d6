/*
 * run_plan.h
 *	  Runs the steps of a plan in the current transaction.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_RUN_PLAN_H
#define CMIG_RUN_PLAN_H

#include "postgres.h"
#include "move/move.h"
#include "move/plan_checksum.h"

/* A plan to run. */
typedef struct CmigRunPlan
{
	const CmigSituation *now;
	const CmigPlan *plan;
	const CmigAllowedTexts *allowed;	/* texts that may run, or NULL for all */
	void		(*examine) (const CmigSituation *now, const CmigPlan *plan);	/* called before the
																				 * first step; NULL if
																				 * not needed */
	bool		begins;			/* is this the first plan of the call? */
	void		(*report) (CmigDirection direction, const CmigRevision *revision, void *arg);	/* called after each
																								 * step; NULL if not
																								 * needed */
	void	   *arg;
	volatile int index;			/* the step that is running, or -1 */
} CmigRunPlan;

/*
 * Run the plan and write its journal rows.  Records any error for cmig.status.
 * Does nothing if the plan is empty.
 */
extern void cmig_run_plan(CmigRunPlan *run);

#endif							/* CMIG_RUN_PLAN_H */
