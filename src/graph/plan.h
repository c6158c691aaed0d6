/*
 * plan.h
 *	  Plans the steps from the current version rows to a target.
 *
 * The version rows are the applied revisions that no other applied revision
 * names in down_revision or depends_on.
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
 * A step: a revision to run, and the version rows that it changes.  The arrays
 * in "removed" and "added" may be in the graph or in the step itself.
 * Therefore, they must not be changed, and the step must not be copied.
 */
typedef struct CmigPlanStep
{
	int			node;
	CmigEdges	removed;		/* nodes whose rows are deleted */
	CmigEdges	added;			/* nodes whose rows are added */
} CmigPlanStep;

/* The steps of a run, in order. */
typedef struct CmigPlan
{
	CmigDirection direction;
	int			count;
	CmigPlanStep *steps;
	const char *target;			/* the target that the user specified, as an
								 * SQL expression; or NULL */
} CmigPlan;

/*
 * Plan an upgrade, which applies all revisions up to the targets, except those
 * that are already applied.  Each revision comes after the revisions that it
 * needs.
 */
extern CmigPlan *cmig_plan_upgrade(const CmigGraph *graph, const CmigApplied *applied,
								   List *targets);

/* Is the plan an upgrade after which all revisions are applied? */
extern bool cmig_plan_reaches_heads(const CmigGraph *graph, const CmigApplied *applied,
									const CmigPlan *plan);

/*
 * Add a step for a repeatable revision of the plan's graph.  The step does not
 * change the version rows.  Call this at most once for each revision.
 */
extern void cmig_plan_add_repeatable(CmigPlan *plan, int node);

/*
 * Plan a downgrade, which reverts the target's roots and their descendants,
 * except those that are not applied.  Raises MG004 if none of them is applied,
 * unless the target is a current revision or base.
 */
extern CmigPlan *cmig_plan_downgrade(const CmigGraph *graph, const CmigApplied *applied,
									 const CmigDowngradeTarget *target);

/* The version rows that a stamp removes and adds. */
typedef struct CmigStampPlan
{
	List	   *removed;		/* of char * */
	List	   *added;			/* of int */
} CmigStampPlan;

extern CmigStampPlan *cmig_plan_stamp(const CmigGraph *graph, const CmigApplied *applied,
									  const CmigStampTarget *target);

#endif							/* CMIG_PLAN_H */
