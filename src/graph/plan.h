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
 * A step of a plan: a revision to apply or revert, and the version rows that
 * the step changes.  The arrays in "removed" and "added" can belong to the
 * graph, so they must not be changed.  They can also point into the step
 * itself, so the step must not be copied.
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
 * Plan an upgrade, which applies the targets and everything that they need,
 * except for revisions that are already applied.  Each revision comes after
 * the revisions that it needs.
 */
extern CmigPlan *cmig_plan_upgrade(const CmigGraph *graph, const CmigApplied *applied,
								   List *targets);

/* Is the plan an upgrade after which all revisions are applied? */
extern bool cmig_plan_reaches_heads(const CmigGraph *graph, const CmigApplied *applied,
									const CmigPlan *plan);

/*
 * Add a step for a repeatable revision, given its node in the plan's graph.
 * The step does not change the version rows.  Call this at most once for each
 * revision.
 */
extern void cmig_plan_add_repeatable(CmigPlan *plan, int node);

/*
 * Plan a downgrade, which reverts the target's roots and their descendants,
 * except for revisions that are not applied.  If there is nothing to revert,
 * raises error MG004, unless the target is a current revision or base.
 */
extern CmigPlan *cmig_plan_downgrade(const CmigGraph *graph, const CmigApplied *applied,
									 const CmigDowngradeTarget *target);

/* The version rows that a stamp removes and adds. */
typedef struct CmigStampPlan
{
	List	   *removed;		/* of char *: ids */
	List	   *added;			/* of int: nodes */
} CmigStampPlan;

extern CmigStampPlan *cmig_plan_stamp(const CmigGraph *graph, const CmigApplied *applied,
									  const CmigStampTarget *target);

#endif							/* CMIG_PLAN_H */
