/*
 * trial.h
 *	  Runs the steps and statements of a dry run, and returns their rows.
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

/* State of a dry run.  Lives in the memory context of the call. */
typedef struct CmigTrial
{
	FunctionCallInfo fcinfo;	/* receives the result rows */
	CmigExistingSet *relations;
	CmigSituation now;
	CmigPlan   *plan;
	int			failed;			/* number of steps that failed or were skipped */
	const char *stopped;		/* the reason why the remaining steps are
								 * skipped, or NULL */
	List	   *moved;			/* of CmigExisting *: sequences that advanced */
	/* current step */
	int			number;			/* number of the step, starting at 1 */
	int			statement;		/* number of the statement that was most
								 * recently started */
	bool		verifying;		/* is the statement part of verify_sql? */
	int			line;
	char		command[NAMEDATALEN];
	CmigMeasure measure;		/* measurement of the current statement */
	bool		measuring;		/* is the statement running? */
	char	   *expected;		/* the locks that the current statement would
								 * have taken, if it has failed; otherwise
								 * NULL */
	bool		incomplete;		/* was an earlier statement skipped? */
	CmigPlannedLocks *passed;	/* names changed in skipped parts of the plan;
								 * NULL if nothing was skipped */
} CmigTrial;

/* A result row.  Fields that are not set are shown as null. */
typedef struct CmigTrialRow
{
	int			statement;		/* 0 if the row is not about a statement */
	int			line;
	const char *command;
	int64		rows;			/* number of rows, or CMIG_NO_ROWS if there is
								 * none */
	const CmigMeasure *measure; /* NULL if the statement did not run */
	const char *locks;			/* expected locks if the statement did not run
								 * or has failed */
	const char *error;
} CmigTrialRow;

/* Add a result row for the current step. */
extern void cmig_trial_add_row(CmigTrial *trial, const CmigTrialRow *row);

/*
 * Run a step in a subtransaction, which is kept if the step succeeds.  Returns
 * true on success.  On failure, the added rows contain the reason.  An error is
 * raised only if the whole call was canceled.
 */
extern bool cmig_trial_run_step(CmigTrial *trial, CmigStepTexts *texts, const CmigPlanStep *step);

/*
 * Add a row for each statement of the current step after statement number
 * "after".  Each row says that the statement was not tried.
 */
extern void cmig_trial_pass_over(CmigTrial *trial, CmigStepTexts *texts, int after,
								 const char *reason);

/* Formats an error for the result: SQLSTATE, message, detail, and hint. */
extern char *cmig_trial_error_text(const ErrorData *error);

/* Rethrow the error if it was a request to cancel the whole call. */
extern void cmig_trial_require_own_error(ErrorData *error);

#endif							/* CMIG_TRIAL_H */
