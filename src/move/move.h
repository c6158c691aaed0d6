/*
 * move.h
 *	  What all moves along the graph have in common.
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

/* Where the database is. */
typedef struct CmigSituation
{
	CmigGraph  *graph;
	CmigApplied *applied;
} CmigSituation;

/* Read the graph, which must be sound, and what is applied. */
extern CmigSituation cmig_move_read(bool with_details);

/* Resolve targets and plan; the version rows must be sound. */
extern CmigPlan *cmig_move_plan_upgrade(const CmigSituation *now, const CmigNames *targets);
extern CmigPlan *cmig_move_plan_downgrade(const CmigSituation *now, const char *target,
										  CmigDowngradeTarget **resolved);

/*
 * Refuse to take revisions back where cmig.protect says so.  everything: the
 * move goes down to base; commits: it is not one transaction.
 */
extern void cmig_move_require_unprotected(const CmigSituation *now, const CmigPlan *plan,
										  bool everything, const char *what,
										  bool commits);

/* The notice of a step. */
extern void cmig_move_report(const CmigSituation *now, const CmigPlan *plan, int node);

/*
 * The notice of a call that has nothing to do; verb is what it would do, rows
 * are the version rows.
 */
extern void cmig_move_report_nothing(const CmigGraph *graph, const CmigNames *rows,
									 const char *verb);

/*
 * Find everything that would stop the run in one transaction before anything
 * is changed.
 */
extern void cmig_move_check(CmigStepTexts *texts, const CmigPlan *plan);

/* Move the version rows of a step. */
extern void cmig_move_rows(const CmigSituation *now, const CmigPlanStep *step);

/*
 * The version rows that there must be: those of the situation, then those
 * after each step that was carried out.
 */
typedef struct CmigExpectedRows
{
	bool	   *set;			/* by node */
	int			count;
} CmigExpectedRows;

extern CmigExpectedRows *cmig_move_expect_rows(const CmigSituation *now);
extern void cmig_move_expect_step(CmigExpectedRows *expected, const CmigPlanStep *step);

/*
 * Raise 55000 if there are others; hint ends a sentence about who may write them.
 * step: it has moved the rows since, but is not yet in expected; or NULL.
 */
extern void cmig_move_require_expected(const CmigSituation *now,
									   const CmigExpectedRows *expected,
									   const CmigPlanStep *step, const char *hint);

/*
 * Raise 55000 if, after all steps of the plan, the version rows are others than
 * these have made, or name a revision that is gone: a script or another session
 * wrote to the catalog.
 */
extern void cmig_move_require_rows(const CmigSituation *now, const CmigPlan *plan);

/*
 * Run a step in the current transaction and move the rows; *entry is what
 * the journal is to hold of it, allocated in the current memory context.
 */
extern void cmig_move_run_step(const CmigSituation *now, const CmigPlan *plan,
							   const CmigPlanStep *step, const CmigRunStep *run,
							   CmigJournalEntry *entry);

#endif							/* CMIG_MOVE_H */
