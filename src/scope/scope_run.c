/*
 * scope_run.c
 *	  Upgrades one scope in the current transaction.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/argument.h"
#include "base/compat.h"
#include "move/stepwise.h"
#include "scope/scope_run.h"
#include "tables/active.h"

#include "access/xact.h"

/* Callback: count a step that has run, and pass it on to run->report. */
static void
count_step(CmigDirection direction, const CmigRevision *revision, void *arg)
{
	CmigScopeRun *run = arg;

	run->steps++;
	if (run->report)
		run->report(direction, revision, run->arg);
}

/*
 * Call this after an error.  Sets run->revision to the revision that was
 * running.
 */
static void
note_revision(CmigScopeRun *run, const CmigRunPlan *plan)
{
	if (plan->index >= 0 && plan->index < plan->plan->count)
		run->revision = cmig_graph_id(plan->now->graph, plan->plan->steps[plan->index].node);
}

void
cmig_scope_run(CmigScopeRun *run)
{
	CmigSituation now;
	CmigRunPlan plan = {.now = &now,.begins = run->begins,.report = count_step,.arg = run};

	run->steps = 0;
	run->revision = NULL;
	cmig_active_settle();
	now = cmig_move_read(true);
	now.quiet = run->quiet;
	plan.plan = cmig_move_plan_upgrade(&now, cmig_argument_one(pstrdup(run->target)));
	plan.examine = cmig_stepwise_at_start;
	PG_TRY();
	{
		cmig_run_plan(&plan);
	}
	PG_CATCH();
	{
		note_revision(run, &plan);
		PG_RE_THROW();
	}
	PG_END_TRY();
	if (run->steps == 0)
		return;
	/* make the effects of the steps visible to the following functions */
	CommandCounterIncrement();
	cmig_active_settle();
	if (cmig_stepwise_at_end)
		cmig_stepwise_at_end();
}

bool
cmig_scope_run_is_empty(const char *target)
{
	CmigSituation now = cmig_move_read(true);

	return cmig_active_is_settled() && cmig_move_plan_upgrade(&now, cmig_argument_one(pstrdup(target)))->count == 0;
}
