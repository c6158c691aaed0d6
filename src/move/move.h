/*
 * move.h
 *	  What all moves along the graph share.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_MOVE_H
#define CMIG_MOVE_H

#include "postgres.h"
#include "graph/graph.h"
#include "graph/plan.h"
#include "graph/target.h"
#include "move/step_texts.h"
#include "run/runner.h"
#include "tables/catalog.h"
#include "tables/journal.h"

/* The state of the database: all revisions, and which of them are applied. */
typedef struct CmigSituation
{
	CmigGraph  *graph;
	CmigApplied *applied;
	bool		elsewhere;		/* it is the state of another database, whose
								 * journal is not known */
} CmigSituation;

/* Read the graph, which must be sound, and what is applied. */
extern CmigSituation cmig_move_read(bool with_details);

/*
 * Resolve the targets and plan the steps.  Raises an error unless the version
 * rows are sound.
 */
extern CmigPlan *cmig_move_plan_upgrade(const CmigSituation *now, const CmigNames *targets);
extern CmigPlan *cmig_move_plan_downgrade(const CmigSituation *now, const char *target,
										  CmigDowngradeTarget **resolved);

/*
 * Raise MG011 if cmig.protect forbids reverting these revisions. everything:
 * the move goes down to base; what: the move's name in the error; commits: the
 * move is not a single transaction.
 */
extern void cmig_move_require_unprotected(const CmigSituation *now, const CmigPlan *plan,
										  bool everything, const char *what,
										  bool commits);

/* Report a step in a NOTICE. */
extern void cmig_move_report(const CmigSituation *now, const CmigPlan *plan, int node);

/*
 * Report in a NOTICE that there is nothing to do. verb is what the call would
 * have done; rows are the version rows.
 */
extern void cmig_move_report_nothing(const CmigGraph *graph, const CmigNames *rows,
									 const char *verb);

/*
 * Find everything that would stop a run in one transaction, before anything is
 * changed.
 */
extern void cmig_move_check(CmigStepTexts *texts, const CmigPlan *plan);

/* Replace the version rows as the step requires. */
extern void cmig_move_rows(const CmigSituation *now, const CmigPlanStep *step);

/*
 * The version rows that must exist: those of the situation, changed by each
 * step that has run.
 */
typedef struct CmigExpectedRows
{
	bool	   *set;			/* by node */
	int			count;
} CmigExpectedRows;

extern CmigExpectedRows *cmig_move_expect_rows(const CmigSituation *now);
extern void cmig_move_expect_step(CmigExpectedRows *expected, const CmigPlanStep *step);

/*
 * Raise 55000 if there are other rows. hint completes a sentence about who may
 * write them. step is a step that has changed the rows but is not yet in
 * expected, or NULL.
 */
extern void cmig_move_require_expected(const CmigSituation *now,
									   const CmigExpectedRows *expected,
									   const CmigPlanStep *step, const char *hint);

/*
 * Raise 55000 if, after all steps of the plan, the version rows differ from
 * what the steps have made of them, or name a revision that no longer exists:
 * a script or another session has written to the catalog.
 */
extern void cmig_move_require_rows(const CmigSituation *now, const CmigPlan *plan);

/*
 * Run a step in the current transaction and replace the version rows. *entry
 * is set to the step's journal row, allocated in the current memory context.
 */
extern void cmig_move_run_step(const CmigSituation *now, const CmigPlan *plan,
							   const CmigPlanStep *step, const CmigRunStep *run,
							   CmigJournalEntry *entry);

#endif							/* CMIG_MOVE_H */
