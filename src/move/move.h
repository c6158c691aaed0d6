/*
 * move.h
 *	  Functions shared by upgrades, downgrades, and other runs.
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
#include "run/script_run.h"
#include "tables/catalog.h"
#include "tables/journal.h"

/* The state of the database: all revisions, and which of these are applied. */
typedef struct CmigSituation
{
	CmigGraph  *graph;
	CmigApplied *applied;
	CmigMarks  *database;		/* if the current scope is a schema: the
								 * revisions applied in the database;
								 * otherwise NULL */
	bool		quiet;			/* true if the steps are not reported */
	bool		elsewhere;		/* is this the state of another database,
								 * whose journal is unknown? */
} CmigSituation;

/*
 * Read the graph and the version rows.  For with_details, see
 * cmig_catalog_read_revisions().  Raises an error if the graph is not sound.
 */
extern CmigSituation cmig_move_read(bool with_details);

/*
 * Resolve the target or targets and plan the steps.  Raises an error if the
 * version rows are not sound.
 */
extern CmigPlan *cmig_move_plan_upgrade(const CmigSituation *now, const CmigNames *targets);
extern CmigPlan *cmig_move_plan_downgrade(const CmigSituation *now, const char *target,
										  CmigDowngradeTarget **resolved);

/*
 * Raises MG011 if cmig.protect does not allow the plan's revisions to be
 * reverted.  "everything" is true if the plan goes down to base.  "what" names
 * the operation in the error.  "commits" is true if the operation is not a
 * single transaction.
 */
extern void cmig_move_require_unprotected(const CmigSituation *now, const CmigPlan *plan,
										  bool everything, const char *what,
										  bool commits);

/* Report a step in a NOTICE. */
extern void cmig_move_report(const CmigSituation *now, const CmigPlan *plan, int node);

/*
 * Report in a NOTICE that there is nothing to do.  "verb" says what the call
 * would have done, and "rows" are the version rows.
 */
extern void cmig_move_report_nothing(const CmigGraph *graph, const CmigNames *rows,
									 const char *verb);

/*
 * Detect everything that would stop a run in a single transaction, before
 * anything is changed.
 */
extern void cmig_move_check(CmigStepTexts *texts, const CmigPlan *plan);

/* Replace the version rows as required by the step. */
extern void cmig_move_rows(const CmigSituation *now, const CmigPlanStep *step);

/*
 * The version rows that must exist: the initial rows, with the changes of each
 * step that has run.
 */
typedef struct CmigExpectedRows
{
	bool	   *set;			/* by node: must the node have a row? */
	int			count;
} CmigExpectedRows;

/*
 * cmig_move_expect_rows() returns the initial rows, before any step has run.
 * cmig_move_expect_step() adds the changes of a step.
 */
extern CmigExpectedRows *cmig_move_expect_rows(const CmigSituation *now);
extern void cmig_move_expect_step(CmigExpectedRows *expected, const CmigPlanStep *step);

/*
 * Raises 55000 if the version rows are not the expected ones.  "hint" completes
 * a sentence about who is allowed to write version rows.  "step" is a step that
 * has already changed the rows but has not been added to "expected", or NULL.
 */
extern void cmig_move_require_expected(const CmigSituation *now,
									   const CmigExpectedRows *expected,
									   const CmigPlanStep *step, const char *hint);

/*
 * Raises 55000 if the version rows at the end of the plan differ from those
 * that the steps have written, or if a version row names a revision that no
 * longer exists.  In both cases, a script or another session has written to
 * pg_cmig's tables.
 */
extern void cmig_move_require_rows(const CmigSituation *now, const CmigPlan *plan);

/*
 * Run a step in the current transaction, and replace the version rows.  Sets
 * *entry to the step's journal row, allocated in the current memory context.
 */
extern void cmig_move_run_step(const CmigSituation *now, const CmigPlan *plan,
							   const CmigPlanStep *step, const CmigRunStep *run,
							   CmigJournalEntry *entry);

#endif							/* CMIG_MOVE_H */
