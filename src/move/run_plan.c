/*
 * run_plan.c
 *	  Runs the steps of a plan in the current transaction.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/compat.h"
#include "move/restore_point.h"
#include "move/run_plan.h"
#include "move/step_texts.h"
#include "run/last_failure.h"
#include "run/running.h"
#include "tables/journal.h"

#include "miscadmin.h"
#include "utils/memutils.h"

/* Run the step at run->index, and add its row to the journal. */
static void
run_step(CmigRunPlan *run, CmigStepTexts *texts, CmigJournalBatch *journal,
		 const char *restore_point)
{
	const CmigPlanStep *step = &run->plan->steps[run->index];
	const CmigRevision *revision = run->now->graph->nodes[step->node].revision;
	const CmigRunStep *script;
	CmigJournalEntry entry;

	cmig_last_failure_begin(run->plan->direction, revision->id);
	script = cmig_step_texts_get(texts, run->index);
	cmig_plan_checksum_require_step(run->allowed, run->index, script);
	cmig_move_run_step(run->now, run->plan, step, script, &entry);
	entry.message = run->index == 0 ? restore_point : NULL;
	cmig_journal_add(journal, &entry);
	if (run->report)
		run->report(run->plan->direction, revision, run->arg);
}

/* Run all steps of the plan. */
static void
run_steps(CmigRunPlan *run)
{
	CmigStepTexts *texts = cmig_step_texts_make(run->now->graph, run->plan);
	CmigJournalBatch *journal = cmig_journal_batch();
	const char *restore_point = NULL;
	MemoryContext context;
	MemoryContext old;

	cmig_move_check(texts, run->plan);
	if (run->begins)
		restore_point = cmig_restore_point_before();
	context = AllocSetContextCreate(CurrentMemoryContext, "pg_cmig step",
									ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(context);
	for (run->index = 0; run->index < run->plan->count; run->index++)
	{
		CHECK_FOR_INTERRUPTS();
		run_step(run, texts, journal, restore_point);
		MemoryContextReset(context);
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	cmig_move_require_rows(run->now, run->plan);
	cmig_journal_end(journal);
	if (run->begins)
		cmig_restore_point_after_commit();
}

void
cmig_run_plan(CmigRunPlan *run)
{
	volatile bool started = false;

	run->index = -1;
	if (run->plan->count == 0)
		return;
	cmig_last_failure_begin(run->plan->direction,
							run->now->graph->nodes[run->plan->steps[0].node].revision->id);
	PG_TRY();
	{
		if (run->examine)
			run->examine(run->now, run->plan);
		started = true;
		run_steps(run);
	}
	PG_CATCH();
	{
		cmig_last_failure_record(started ? cmig_running_statement() : 0);
		PG_RE_THROW();
	}
	PG_END_TRY();
	cmig_last_failure_forget();
}
