/*
 * trial.h
 *	  A dry run in progress: its steps, its statements, and their rows.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_TRIAL_H
#define CMIG_TRIAL_H

#include "postgres.h"
#include "fmgr.h"
#include "graph/plan.h"
#include "inspect/existing.h"
#include "inspect/measure.h"
#include "inspect/planned_locks.h"
#include "move/move.h"
#include "run/script_run.h"

/* A dry run in progress; lives in the memory context of the call. */
typedef struct CmigTrial
{
	FunctionCallInfo fcinfo;	/* its result gets the rows */
	CmigExistingSet *relations;
	CmigSituation now;
	CmigPlan   *plan;
	int			failed;			/* steps that failed or were not tried */
	const char *stopped;		/* why the rest is not tried, or NULL */
	List	   *moved;			/* of CmigExisting: sequences that advanced */
	/* the current step */
	int			number;			/* from 1 */
	int			statement;		/* the last statement that was started */
	bool		verifying;		/* the statement belongs to verify_sql */
	int			line;
	char		command[NAMEDATALEN];
	CmigMeasure measure;		/* of this statement */
	bool		measuring;		/* it is running */
	bool		incomplete;		/* an earlier statement was not tried */
	CmigPlannedLocks *passed;	/* the names of statements that were skipped,
								 * or NULL */
} CmigTrial;

/* A row of the result; fields that are not set become null. */
typedef struct CmigTrialRow
{
	int			statement;		/* 0: none */
	int			line;
	const char *command;
	int64		rows;			/* CMIG_NO_ROWS: none */
	const CmigMeasure *measure; /* NULL the reason, if it did not run */
	const char *locks;			/* if it did not run */
	const char *error;
} CmigTrialRow;

/* Add a row for the current step. */
extern void cmig_trial_add_row(CmigTrial *trial, const CmigTrialRow *row);

/*
 * Run a step in a subtransaction, which is kept if it succeeds.  Returns whether
 * it did; if not, its rows say why.  Only a cancellation is raised.
 */
extern bool cmig_trial_run_step(CmigTrial *trial, CmigStepTexts *texts, const CmigPlanStep *step);

/*
 * Add a row for each statement of the current step after the given one, to say
 * that it was not tried.
 */
extern void cmig_trial_pass_over(CmigTrial *trial, CmigStepTexts *texts, int after,
								 const char *reason);

/*
 * The text of an error for the result: SQLSTATE, message, detail, and hint.
 */
extern char *cmig_trial_error_text(const ErrorData *error);

/* Raise the error again if it was a request to cancel the whole call. */
extern void cmig_trial_require_own_error(ErrorData *error);

#endif							/* CMIG_TRIAL_H */
