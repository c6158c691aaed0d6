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

/*
 * The state of the database, or of the scope that the session has selected:
 * all revisions, and which of these are applied.
 */
typedef struct CmigSituation
{
	CmigGraph  *graph;
	CmigApplied *applied;
	CmigMarks  *database;		/* if the current scope is a schema: the
								 * revisions applied in the database itself;
								 * otherwise NULL */
	bool		quiet;			/* are the steps run without a NOTICE for
								 * each? */
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
 * Raises error MG011 if the plan would revert revisions and cmig.protect does
 * not allow it.  "everything" is true if the plan goes down to base.  "what"
 * names the operation for the error.  "commits" is true if the operation is
 * not a single transaction.
 */
extern void cmig_move_require_unprotected(const CmigSituation *now, const CmigPlan *plan,
										  bool everything, const char *what,
										  bool commits);

/* Report in a NOTICE that the step for this node is about to run. */
extern void cmig_move_report(const CmigSituation *now, const CmigPlan *plan, int node);

/*
 * Report in a NOTICE that there is nothing to do.  "verb" is what the call
 * would have done, such as "upgrade", and "rows" are the version rows.
 */
extern void cmig_move_report_nothing(const CmigGraph *graph, const CmigNames *rows,
									 const char *verb);

/*
 * Before anything is changed, detect everything that would stop a run in a
 * single transaction, such as a nontransactional revision.
 */
extern void cmig_move_check(CmigStepTexts *texts, const CmigPlan *plan);

/* Delete and insert the version rows that the step removes and adds. */
extern void cmig_move_rows(const CmigSituation *now, const CmigPlanStep *step);

/*
 * The version rows that should exist at a point of a run: the initial rows,
 * with the changes of each step that has run.
 */
typedef struct CmigExpectedRows
{
	bool	   *set;			/* indexed by node: should the node have a
								 * row? */
	int			count;
} CmigExpectedRows;

/*
 * The first function returns the version rows that exist before the first
 * step.  The second function adds the changes of a step.
 */
extern CmigExpectedRows *cmig_move_expect_rows(const CmigSituation *now);
extern void cmig_move_expect_step(CmigExpectedRows *expected, const CmigPlanStep *step);

/*
 * Raises error 55000 if the version rows are not the expected ones.  "hint" is
 * the end of a sentence about who is allowed to change version rows.  "step"
 * is NULL, or a step that has already changed the rows but has not been added
 * to "expected".
 */
extern void cmig_move_require_expected(const CmigSituation *now,
									   const CmigExpectedRows *expected,
									   const CmigPlanStep *step, const char *hint);

/*
 * Call this at the end of a run in a single transaction.  Raises error 55000
 * if the version rows differ from those that the plan's steps have written, or
 * if they name a revision that no longer exists.  In both cases, a script or
 * another session has written to pg_cmig's tables.
 */
extern void cmig_move_require_rows(const CmigSituation *now, const CmigPlan *plan);

/*
 * Run the script of a step in the current transaction, and update the version
 * rows.  Sets *entry to the journal row of the step, allocated in the current
 * memory context; the caller writes it.
 */
extern void cmig_move_run_step(const CmigSituation *now, const CmigPlan *plan,
							   const CmigPlanStep *step, const CmigRunStep *run,
							   CmigJournalEntry *entry);

#endif							/* CMIG_MOVE_H */
