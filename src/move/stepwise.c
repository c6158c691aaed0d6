/*
 * stepwise.c
 *	  Stepwise moves, which commit after each revision and, in nontransactional
 *	  revisions, after each statement.
 *
 * The step for a transactional revision is a single transaction.  It commits
 * the effects of the script and of verify_sql, the version rows, the change of
 * the step's journal row from "running" to "done", and the next step's journal
 * row with "running".  Therefore, the journal is correct after a crash at any
 * point, and a step needs only one WAL flush.
 *
 * The statements of a nontransactional revision are run by nontransactional.c.
 * A final transaction runs verify_sql, replaces the version rows, and clears
 * cmig.progress.
 *
 * The run lock prevents all other pg_cmig functions from writing the version
 * rows.  However, a session or a script may still change them manually between
 * two commits.  Therefore, they are compared with the expected rows before
 * each nontransactional step and before the end of each step.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "access/xact.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "base/errors.h"
#include "move/internal.h"

/* The state of a stepwise run. */
typedef struct StepwiseRun
{
	MemoryContext step_context; /* reset for each step */
	CmigInDoubt in_doubt;
	CmigSituation now;
	const CmigPlan *plan;
	char	   *restore_point;	/* text for the journal that mentions the
								 * restore point, or NULL */
	CmigMarks  *expected;		/* version rows expected at this point */

	/* The following fields describe the current step. */
	int			index;
	CmigRunStep *step;
	int64		journal_id;		/* id of the step's journal row, or 0 */
	TimestampTz started_at;

	/*
	 * The last transaction of the current step sets these fields for the next
	 * step.  They are valid once that transaction has committed.
	 */
	int64		next_journal_id;
	TimestampTz next_started_at;
} StepwiseRun;

void		(*cmig_stepwise_at_end) (void) = NULL;

/*
 * Write the journal row of a step that is about to begin, and return its id.
 */
static int64
start_row(const StepwiseRun *run, int index, TimestampTz started_at)
{
	CmigJournalEntry entry = {0};

	entry.revision = cmig_graph_id(run->now.graph, run->plan->steps[index].node);
	entry.direction = cmig_direction_name(run->plan->direction);
	entry.outcome = "running";
	entry.started_at = started_at;
	return cmig_journal_write(&entry);
}

/* Raise an error unless the version rows are the expected ones. */
static void
require_rows(const StepwiseRun *run)
{
	cmig_move_require_expected(&run->now, run->expected,
							   psprintf("neither a script nor a session may change it by hand. Correct it with `SELECT cmig.stamp('<current revision>', purge => true)`, then `CALL cmig.%s_stepwise` again.",
										cmig_direction_name(run->plan->direction)));
}

/*
 * Finish the current step: update the version rows and the journal.  The
 * caller commits.
 */
static void
finish_step(StepwiseRun *run)
{
	CmigJournalEntry entry = {0};
	const CmigPlanStep *step = &run->plan->steps[run->index];

	cmig_run_limit_check();
	/* an attempt that was rolled back may have added the step */
	cmig_move_expect_step(run->expected, &step->added, &step->removed);
	require_rows(run);
	cmig_move_rows(&run->now, step);
	cmig_move_expect_step(run->expected, &step->removed, &step->added);
	/* a trigger may have written other rows */
	require_rows(run);

	entry.outcome = "done";
	entry.message = run->index == 0 ? run->restore_point : NULL;
	entry.started_at = run->started_at;
	entry.finished_at = GetCurrentTimestamp();
	if (run->plan->direction == CMIG_UPGRADE)
		entry.checksum = cmig_repeatable_checksum(run->step->stored_sql, run->step->transactional,
												  run->step->repeatable);
	cmig_journal_finish(run->journal_id, &entry);

	if (run->index + 1 == run->plan->count)
		cmig_restore_point_after_commit();
	run->next_journal_id = 0;
	run->next_started_at = entry.finished_at;
	if (run->index + 1 < run->plan->count)
		run->next_journal_id = start_row(run, run->index + 1, run->next_started_at);
	else if (run->plan->direction == CMIG_UPGRADE && cmig_stepwise_at_end)
	{
		/* make the effects of the step visible to the hook */
		CommandCounterIncrement();
		cmig_stepwise_at_end();
	}
}

/* Record the failure of the current step in the journal. */
static void
journal_failure(const StepwiseRun *run, const ErrorData *error)
{
	CmigJournalEntry entry = {.started_at = run->started_at};

	if (run->journal_id == 0)
		return;
	if (!cmig_running.verifying)
		entry.statement = cmig_running.statement;
	else
		entry.message = cmig_running.statement == 0 ? "end of verify_sql: " :
			psprintf("statement %d of verify_sql: ", cmig_running.statement);
	cmig_toplevel_record_failure(NULL, run->journal_id, &entry, error);
}

/* Attempt callback: run a transactional step. */
static void
run_transactional(void *arg)
{
	StepwiseRun *run = arg;

	cmig_toplevel_snapshot();
	cmig_runner_run(run->step, CMIG_RUN_ALL);
	finish_step(run);
}

/*
 * Attempt callback: run the final transaction of a nontransactional step,
 * after all statements of its script have run.
 */
static void
finish_statements(void *arg)
{
	StepwiseRun *run = arg;
	CmigRunStep last = *run->step;

	/*
	 * leave out the precondition, which was checked before the first
	 * statement
	 */
	last.precondition_sql = NULL;
	cmig_runner_begin();
	cmig_toplevel_snapshot();
	if (last.direction == CMIG_UPGRADE && last.verify_sql != NULL)
	{
		last.sql = "";
		cmig_runner_run(&last, CMIG_RUN_ALL);
	}
	cmig_progress_clear(last.revision, last.direction, 0);
	cmig_backfill_run_settle(last.revision, cmig_direction_name(last.direction));
	finish_step(run);
}

/* Read the scripts of step number "index". */
static CmigRunStep *
fetch(const StepwiseRun *run, int index)
{
	CmigRunStep *step;

	cmig_toplevel_snapshot();
	step = cmig_step_texts_fetch(run->now.graph, run->plan, index);
	step->top_level = !step->transactional && cmig_running_concurrent_ddl();
	step->committed = true;
	return step;
}

/* Run the current step. */
static void
run_step(StepwiseRun *run)
{
	char	   *what;

	cmig_runner_begin();
	run->step = fetch(run, run->index);
	what = psprintf("%s of %s", cmig_direction_name(run->plan->direction),
					run->step->revision);
	cmig_move_report(&run->now, run->plan, run->plan->steps[run->index].node);
	if (run->step->top_level)
	{
		require_rows(run);

		/*
		 * check the precondition only if the step has not begun: otherwise,
		 * the statements that have run may have made it false
		 */
		if (cmig_progress_read() == NIL)
			cmig_runner_run(run->step, CMIG_RUN_PRECONDITION);
	}
	cmig_toplevel_commit();

	if (run->step->top_level)
	{
		cmig_nontransactional_run(run->step, &run->in_doubt);
		cmig_toplevel_attempt(finish_statements, NULL, run, what);
	}
	else
		cmig_toplevel_attempt(run_transactional, NULL, run, what);
}

/*
 * Before anything is changed, detect what would stop the run, such as
 * statements that a script must not contain, or partially applied steps that
 * are not in the plan.
 */
static void
check_steps(const StepwiseRun *run)
{
	MemoryContext caller = MemoryContextSwitchTo(run->step_context);
	const CmigProgressRow *seen = NULL;
	List	   *rows;

	for (int i = 0; i < run->plan->count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		cmig_run_check_step(fetch(run, i));
		MemoryContextReset(run->step_context);
	}

	rows = cmig_progress_read();
	foreach_ptr(CmigProgressRow, row, rows)
	{
		int			i = 0;

		/* check each step once; the rows of a step are adjacent */
		if (seen != NULL && row->direction == seen->direction &&
			strcmp(row->revision, seen->revision) == 0)
			continue;
		seen = row;
		while (i < run->plan->count &&
			   (row->direction != run->plan->direction ||
				strcmp(row->revision,
					   cmig_graph_id(run->now.graph, run->plan->steps[i].node)) != 0))
			i++;
		if (i == run->plan->count || row->abandoned)
			cmig_progress_require_none(NULL, 0);
		if (fetch(run, i)->transactional)
			ereport(ERROR,
					(errcode(ERRCODE_CMIG_CHANGED_REVISION),
					 errmsg("revision \"%s\" has become transactional since it started",
							row->revision),
					 errdetail("The %s is partially applied. A transactional revision would run again from its first statement.",
							   cmig_direction_name(row->direction)),
					 cmig_hint("Load the revision with transactional: false, and call `cmig.%s_stepwise` again. Or manually revert the statements that have run, then `SELECT cmig.stamp('<current revision>')`",
							   cmig_direction_name(row->direction))));
		if (!cmig_running_concurrent_ddl())
			ereport(ERROR,
					(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					 errmsg("the %s of revision \"%s\" is partially applied",
							cmig_direction_name(row->direction), row->revision),
					 errdetail("It was started statement by statement; with cmig.concurrent_ddl = off, it would run again from its first statement."),
					 cmig_hint("`SET cmig.concurrent_ddl = on`, and call `cmig.%s_stepwise` again.",
							   cmig_direction_name(row->direction))));
	}
	MemoryContextReset(run->step_context);
	MemoryContextSwitchTo(caller);
}

/*
 * Plan a move in one direction, and run all its steps.  For an upgrade,
 * "targets" contains the targets, and for a downgrade, the target.  Returns the
 * number of steps.
 */
static int
move(StepwiseRun *run, CmigDirection direction, const CmigNames *targets,
	 const char *checksum, bool reset)
{
	MemoryContext caller = CurrentMemoryContext;
	CmigDowngradeTarget *resolved;
	CmigPlan   *plan;

	cmig_toplevel_snapshot();
	cmig_active_settle();
	run->now = cmig_move_read(true);
	if (direction == CMIG_UPGRADE)
		plan = cmig_move_plan_upgrade(&run->now, targets);
	else
	{
		plan = cmig_move_plan_downgrade(&run->now, targets->names[0], &resolved);
		cmig_move_require_unprotected(&run->now, plan, resolved->node < 0,
									  reset ? "a reset" : resolved->node < 0 ?
									  "a downgrade to base" : "a downgrade", true);
	}
	cmig_plan_checksum_require(checksum, &run->now, plan);
	cmig_move_respect_expansion(&run->now, plan, true);
	if (direction == CMIG_UPGRADE)
		cmig_before_upgrade(&run->now, plan, CMIG_BEFORE_STEPS);
	else if (reset)
	{
		char	   *name = "heads";
		const CmigNames heads = {1, &name};
		const CmigNames none = {0};
		CmigSituation then = run->now;

		then.applied = cmig_applied_find(then.graph, &none);
		cmig_before_upgrade(&then, cmig_move_plan_upgrade(&then, &heads), CMIG_BEFORE_RESET);
	}

	run->plan = plan;
	cmig_toplevel_snapshot();
	check_steps(run);
	cmig_journal_interrupted();
	if (plan->count == 0)
	{
		cmig_toplevel_commit();
		return 0;
	}

	cmig_log_run_start(cmig_move_describe(run->now.graph, plan), true);
	run->restore_point = cmig_restore_point_before();
	run->started_at = GetCurrentTimestamp();
	run->journal_id = start_row(run, 0, run->started_at);
	run->expected = cmig_move_expect_rows(&run->now);
	cmig_toplevel_commit();

	for (run->index = 0; run->index < plan->count; run->index++)
	{
		MemoryContextReset(run->step_context);
		MemoryContextSwitchTo(run->step_context);
		run_step(run);
		run->journal_id = run->next_journal_id;
		run->started_at = run->next_started_at;
		cmig_run_lock_keep();
	}
	cmig_log_run_end(false, "ok");
	MemoryContextSwitchTo(caller);
	return plan->count;
}

int
cmig_stepwise_run(FunctionCallInfo fcinfo, const char *verb, const CmigNames *targets,
				  const char *in_doubt, const char *checksum, bool *recorded)
{
	char	   *base_name = "base";
	char	   *heads_name = "heads";
	const CmigNames base = {1, &base_name};
	const CmigNames heads = {1, &heads_name};
	const char *name = psprintf("cmig.%s_stepwise", verb);
	bool		reset = targets == NULL;
	bool		upgrade = strcmp(verb, "upgrade") == 0;
	MemoryContext caller = CurrentMemoryContext;
	MemoryContext context;
	StepwiseRun *run;
	volatile int steps = 0;

	cmig_running_require_idle(name);
	cmig_toplevel_require(fcinfo, name);
	/* check cmig.role before the role is written to the journal */
	cmig_session_require_member();

	context = cmig_toplevel_context("pg_cmig stepwise run");
	cmig_added_begin();
	MemoryContextSwitchTo(context);
	run = palloc0(sizeof(StepwiseRun));
	if (in_doubt != NULL && strcmp(in_doubt, "done") == 0)
		run->in_doubt = CMIG_IN_DOUBT_DONE;
	else if (in_doubt != NULL && strcmp(in_doubt, "again") == 0)
		run->in_doubt = CMIG_IN_DOUBT_AGAIN;
	else if (in_doubt != NULL && strcmp(in_doubt, "stop") == 0)
		run->in_doubt = CMIG_IN_DOUBT_STOP;
	else
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("in_doubt must be stop, done, or again"),
				 errhint("\"stop\", the default, raises an error at a statement that may have partly run; \"done\" continues after it; \"again\" runs it again.")));
	run->step_context = AllocSetContextCreate(context, "pg_cmig step",
											  ALLOCSET_DEFAULT_SIZES);

	cmig_run_lock_require_possible(name);
	if (upgrade && cmig_pending_none(name, targets, checksum, true))
	{
		MemoryContextSwitchTo(caller);
		MemoryContextDelete(context);
		return 0;
	}
	cmig_toplevel_commit();
	PG_TRY();
	{
		cmig_run_lock_session(name);
		if (recorded == NULL)
		{
			cmig_extension_hold();
			cmig_run_limit_start();
		}
		if (!upgrade)
			steps = move(run, CMIG_DOWNGRADE, reset ? &base : targets, checksum, reset);
		if (upgrade || reset)
			steps += move(run, CMIG_UPGRADE, reset ? &heads : targets, checksum, reset);
		if (steps == 0)
			cmig_move_report_nothing(run->now.graph, run->now.applied->rows, verb);
	}
	PG_CATCH();
	{
		ErrorData  *error = cmig_error_take(context);

		cmig_toplevel_rollback();
		journal_failure(run, error);
		if (run->plan != NULL)
			cmig_move_log_failure(error->sqlerrcode, run->now.graph, run->plan, run->index);
		if (recorded == NULL)
			cmig_extension_release();
		else
			*recorded = run->journal_id != 0;
		cmig_run_lock_release();
		ReThrowError(error);
	}
	PG_END_TRY();

	if (recorded == NULL)
		cmig_extension_release();
	cmig_run_lock_release();
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(context);
	return steps;
}
