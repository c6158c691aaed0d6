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

/* A plan to run, and the state of the run. */
typedef struct CmigRunPlan
{
	const CmigSituation *now;
	const CmigPlan *plan;
	const CmigAllowedTexts *allowed;	/* scripts that may run, or NULL for
										 * all */
	void		(*examine) (const CmigSituation *now, const CmigPlan *plan);	/* called before the
																				 * first step; NULL if
																				 * not needed */
	bool		begins;			/* is this the first plan of the SQL call? */
	void		(*report) (CmigDirection direction, const CmigRevision *revision, void *arg);	/* called after each
																								 * step; NULL if not
																								 * needed */
	void	   *arg;
	volatile int index;			/* number of the step that is running, or -1 */
} CmigRunPlan;

/*
 * Run the plan and write its journal rows.  An error is also recorded for
 * cmig.status.  If the plan is empty, does nothing.
 */
extern void cmig_run_plan(CmigRunPlan *run);

#endif							/* CMIG_RUN_PLAN_H */
