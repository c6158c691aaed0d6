/*
 * plan.h
 *	  The steps from the version rows to a target, and how they change the
 *	  rows.
 *
 * Pure.  The version rows follow one rule: they are the applied revisions
 * that no applied revision names in down_revision or depends_on.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_PLAN_H
#define CMIG_PLAN_H

#include "postgres.h"
#include "nodes/pg_list.h"
#include "graph/graph_walk.h"
#include "graph/target.h"

/*
 * One step: a revision to run, and the version rows that change with it.  The
 * spans may point into the graph or at the step's own node, so they must not be
 * changed, and the step must not be copied.
 */
typedef struct CmigPlanStep
{
	int			node;
	CmigEdges	removed;		/* nodes whose rows are deleted */
	CmigEdges	added;			/* nodes that get a row */
} CmigPlanStep;

/* The steps of a run, in order. */
typedef struct CmigPlan
{
	CmigDirection direction;
	int			count;
	CmigPlanStep *steps;
	const char *target;			/* as the caller gave it, as an SQL
								 * expression; or NULL */
} CmigPlan;

/*
 * All revisions up to the targets that are not applied, in an order in which
 * they can be run.
 */
extern CmigPlan *cmig_plan_upgrade(const CmigGraph *graph, const CmigApplied *applied,
								   List *targets);

/* Are all revisions applied after the upgrade? */
extern bool cmig_plan_reaches_heads(const CmigGraph *graph, const CmigApplied *applied,
									const CmigPlan *plan);

/*
 * Add a step for a repeatable revision of the plan's graph, each at most once.
 * It does not change version rows.
 */
extern void cmig_plan_add_repeatable(CmigPlan *plan, int node);

/*
 * All applied descendants of the target's roots; raises MG004 if there are none
 * and the target is not where the database is.
 */
extern CmigPlan *cmig_plan_downgrade(const CmigGraph *graph, const CmigApplied *applied,
									 const CmigDowngradeTarget *target);

/* A stamp: rows to remove, as text since they may be unknown, and nodes to add. */
typedef struct CmigStampPlan
{
	List	   *removed;		/* of char * */
	List	   *added;			/* of int */
} CmigStampPlan;

extern CmigStampPlan *cmig_plan_stamp(const CmigGraph *graph, const CmigApplied *applied,
									  const CmigStampTarget *target);

#endif							/* CMIG_PLAN_H */
