/*
 * stepwise.c
 *	  Performs runs that commit after each revision.
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

#include "base/citus.h"
#include "base/compat.h"
#include "base/errors.h"
#include "move/move.h"
#include "move/nontransactional.h"
#include "move/pending.h"
#include "move/plan_checksum.h"
#include "move/restore_point.h"
#include "move/step_texts.h"
#include "move/stepwise.h"
#include "move/toplevel.h"
#include "run/extension.h"
#include "run/run_check.h"
#include "run/run_limit.h"
#include "run/run_lock.h"
#include "run/runner.h"
#include "run/running.h"
#include "run/session.h"
#include "tables/active.h"
#include "tables/backfill_run.h"
#include "tables/catalog.h"
#include "tables/journal.h"
#include "tables/progress.h"
#include "tables/repeatable.h"

#include "access/xact.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

/* The state of a stepwise run. */
typedef struct StepwiseRun
{
	MemoryContext step_context; /* reset for each step */
	CmigInDoubt in_doubt;
	CmigSituation now;
	const CmigPlan *plan;
	char	   *restore_point;	/* text for the journal that mentions the
								 * restore point, or NULL */
	CmigAllowedTexts *allowed;	/* scripts that may run, or NULL for all */
	CmigExpectedRows *expected; /* version rows expected before the current
								 * step */

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

void		(*cmig_stepwise_at_start) (const CmigSituation *now, const CmigPlan *plan) = NULL;
void		(*cmig_stepwise_at_end) (void) = NULL;

/* Parse the argument in_doubt. */
static CmigInDoubt
parse_in_doubt(const char *value)
{
	if (value != NULL && strcmp(value, "stop") == 0)
		return CMIG_IN_DOUBT_STOP;
	if (value != NULL && strcmp(value, "done") == 0)
		return CMIG_IN_DOUBT_DONE;
	if (value != NULL && strcmp(value, "again") == 0)
		return CMIG_IN_DOUBT_AGAIN;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("in_doubt must be stop, done, or again"),
			 errhint("\"stop\", the default, raises an error at a statement that may have partly run; \"done\" continues after it; \"again\" runs it again.")));
}

/*
 * The journal
 */

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
	return cmig_journal_start(&entry);
}

/*
 * Raise an error unless the version rows are the expected ones.  "moved" is
 * NULL, or a step that has changed the rows but has not been added to
 * run->expected.
 */
static void
require_rows(const StepwiseRun *run, const CmigPlanStep *moved)
{
	cmig_move_require_expected(&run->now, run->expected, moved,
							   psprintf("neither a script nor a session may change it by hand. Correct it with SELECT cmig.stamp('<current revision>', purge => true), then CALL cmig.%s_stepwise again.",
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
	require_rows(run, NULL);
	cmig_move_rows(&run->now, step);

	/*
	 * check the version rows again, because a trigger may have written other
	 * rows
	 */
	require_rows(run, step);

	entry.outcome = "done";
	entry.message = run->index == 0 ? run->restore_point : NULL;
	entry.started_at = run->started_at;
	entry.finished_at = GetCurrentTimestamp();
	if (run->plan->direction == CMIG_UPGRADE)
		entry.checksum = cmig_repeatable_checksum(run->step->stored_sql, run->step->transactional, run->step->repeatable);
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

/*
 * Returns the message and detail of the error.  If the error was raised by
 * verify_sql, the result also names the statement.
 */
static char *
failure_message(const ErrorData *error)
{
	char	   *message = error->detail ?
	psprintf("%s: %s", error->message, error->detail) : error->message;

	if (!cmig_running_verifying() || error->sqlerrcode == ERRCODE_CMIG_VERIFY_FAILED)
		return message;
	if (cmig_running_statement() == 0)
		return psprintf("end of verify_sql: %s", message);
	return psprintf("statement %d of verify_sql: %s", cmig_running_statement(), message);
}

/* Record the failure of the current step in the journal. */
static void
journal_failure(const StepwiseRun *run, const ErrorData *error)
{
	CmigJournalEntry entry = {0};
	char	   *sqlstate = pstrdup(unpack_sql_state(error->sqlerrcode));

	if (run->journal_id == 0)
		return;
	entry.outcome = "failed";
	entry.started_at = run->started_at;
	entry.finished_at = GetCurrentTimestamp();
	entry.sqlstate = sqlstate;
	entry.message = failure_message(error);
	entry.statement = cmig_running_verifying() ? 0 : cmig_running_statement();

	/* ignore an error here in favor of the error of the run */
	PG_TRY();
	{
		cmig_toplevel_snapshot();
		cmig_journal_finish(run->journal_id, &entry);
		cmig_toplevel_commit();
	}
	PG_CATCH();
	{
		FlushErrorState();
		cmig_toplevel_rollback();
	}
	PG_END_TRY();
}

/*
 * Steps
 */

/* Attempt callback: run a transactional step. */
static void
run_transactional(void *arg)
{
	StepwiseRun *run = arg;

	cmig_toplevel_snapshot();
	cmig_runner_run(run->step);
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
		cmig_runner_run(&last);
	}
	cmig_progress_clear(last.revision, last.direction);
	cmig_backfill_run_settle(last.revision, cmig_direction_name(last.direction));
	finish_step(run);
}

/* Read the scripts of step number "index". */
static CmigRunStep *
fetch(const StepwiseRun *run, int index)
{
	CmigRunStep *step;

	cmig_toplevel_snapshot();
	step = cmig_step_texts_fetch(run->now.graph, run->plan, run->plan->steps[index].node);
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
	cmig_plan_checksum_require_step(run->allowed, run->index, run->step);
	what = psprintf("%s of %s", cmig_direction_name(run->plan->direction),
					run->step->revision);
	cmig_move_report(&run->now, run->plan, run->plan->steps[run->index].node);
	if (run->step->top_level)
	{
		require_rows(run, NULL);

		/*
		 * check the precondition only if the step has not begun: otherwise,
		 * the statements that have run may have made it false
		 */
		if (cmig_progress_read() == NIL)
			cmig_runner_check_precondition(run->step);
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
	ListCell   *lc;

	for (int i = 0; i < run->plan->count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		cmig_run_check_step(fetch(run, i));
		MemoryContextReset(run->step_context);
	}

	rows = cmig_progress_read();
	foreach(lc, rows)
	{
		CmigProgressRow *row = lfirst(lc);
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
		if (i == run->plan->count)
			cmig_progress_require_none();
		if (fetch(run, i)->transactional)
			ereport(ERROR,
					(errcode(ERRCODE_CMIG_CHANGED_REVISION),
					 errmsg("revision \"%s\" has become transactional since it started",
							row->revision),
					 errdetail("The %s is partially applied. A transactional revision would run again from its first statement.",
							   cmig_direction_name(row->direction)),
					 errhint("Load the revision with transactional: false, and call cmig.%s_stepwise again. Or manually revert the statements that have run, then SELECT cmig.stamp('<current revision>')",
							 cmig_direction_name(row->direction))));
		if (!cmig_running_concurrent_ddl())
			ereport(ERROR,
					(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					 errmsg("the %s of revision \"%s\" is partially applied",
							cmig_direction_name(row->direction), row->revision),
					 errdetail("It was started statement by statement; with cmig.concurrent_ddl = off, it would run again from its first statement."),
					 errhint("SET cmig.concurrent_ddl = on, and call cmig.%s_stepwise again.",
							 cmig_direction_name(row->direction))));
	}
	MemoryContextReset(run->step_context);
	MemoryContextSwitchTo(caller);
}

/* Run all steps of the plan. */
static void
run_plan(StepwiseRun *run, const CmigPlan *plan)
{
	MemoryContext caller = CurrentMemoryContext;

	run->plan = plan;
	cmig_toplevel_snapshot();
	check_steps(run);
	cmig_journal_interrupted();
	if (plan->count == 0)
	{
		cmig_toplevel_commit();
		return;
	}

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
		cmig_move_expect_step(run->expected, &plan->steps[run->index]);
		run->journal_id = run->next_journal_id;
		run->started_at = run->next_started_at;
		cmig_run_lock_keep();
	}
	MemoryContextSwitchTo(caller);
}

/* Procedures */

/* The stepwise procedures. */
typedef enum Procedure
{
	UPGRADE,
	DOWNGRADE,
	RESET
} Procedure;

static const char *const procedure_names[] = {
	"cmig.upgrade_stepwise", "cmig.downgrade_stepwise", "cmig.reset_stepwise"
};

/* The arguments of a stepwise procedure. */
typedef struct Request
{
	Procedure	procedure;
	const CmigNames *targets;	/* for an upgrade: the targets */
	const char *target;			/* for a downgrade: the target */
	const char *checksum;		/* required plan checksum, or NULL */
} Request;

/*
 * Plan and run a downgrade.  Returns the number of steps that were run.
 * "what" names the operation in errors; NULL means "a downgrade".
 */
static int
go_down(StepwiseRun *run, const char *target, const char *checksum, const char *what)
{
	CmigDowngradeTarget *resolved;
	CmigPlan   *plan;

	cmig_toplevel_snapshot();
	cmig_active_settle();
	run->now = cmig_move_read(true);
	plan = cmig_move_plan_downgrade(&run->now, target, &resolved);
	cmig_move_require_unprotected(&run->now, plan, resolved->node < 0,
								  what ? what : resolved->node < 0 ?
								  "a downgrade to base" : "a downgrade", true);
	run->allowed = cmig_plan_checksum_require(checksum, &run->now, plan);
	run_plan(run, plan);
	return plan->count;
}

/* Plan and run an upgrade.  Returns the number of steps that were run. */
static int
go_up(StepwiseRun *run, const CmigNames *targets, const char *checksum)
{
	CmigPlan   *plan;

	cmig_toplevel_snapshot();
	cmig_active_settle();
	run->now = cmig_move_read(true);
	plan = cmig_move_plan_upgrade(&run->now, targets);
	run->allowed = cmig_plan_checksum_require(checksum, &run->now, plan);
	if (cmig_stepwise_at_start)
		cmig_stepwise_at_start(&run->now, plan);
	run_plan(run, plan);
	return plan->count;
}

/* Run the downgrade, the upgrade, or both, depending on the procedure. */
static void
move(StepwiseRun *run, const Request *request)
{
	char	   *heads[] = {"heads"};
	const CmigNames all = {.count = 1,.names = heads};
	const char *verb = NULL;
	int			steps = 0;

	switch (request->procedure)
	{
		case UPGRADE:
			verb = "upgrade";
			steps = go_up(run, request->targets, request->checksum);
			break;
		case DOWNGRADE:
			verb = "downgrade";
			steps = go_down(run, request->target, request->checksum, NULL);
			break;
		case RESET:
			verb = "reset";
			steps = go_down(run, "base", NULL, "a reset");
			steps += go_up(run, &all, NULL);
			break;
	}
	if (steps == 0)
		cmig_move_report_nothing(run->now.graph, run->now.applied->rows, verb);
}

/*
 * Implements the stepwise procedures: takes the run lock, runs the plans, and
 * releases the lock.
 */
static void
run_procedure(FunctionCallInfo fcinfo, const Request *request, const char *in_doubt)
{
	const char *name = procedure_names[request->procedure];
	MemoryContext caller = CurrentMemoryContext;
	MemoryContext context;
	StepwiseRun *run;

	cmig_running_require_idle(name);
	cmig_toplevel_require(fcinfo, name);
	/* check cmig.role before the role is written to the journal */
	cmig_session_require_member();

	context = cmig_toplevel_context("pg_cmig stepwise run");
	MemoryContextSwitchTo(context);
	run = palloc0(sizeof(StepwiseRun));
	run->in_doubt = parse_in_doubt(in_doubt);
	run->step_context = AllocSetContextCreate(context, "pg_cmig step",
											  ALLOCSET_DEFAULT_SIZES);

	cmig_run_lock_require_possible(name);
	if (request->procedure == UPGRADE &&
		cmig_pending_none(name, request->targets, request->checksum, true))
	{
		MemoryContextSwitchTo(caller);
		MemoryContextDelete(context);
		return;
	}
	cmig_toplevel_commit();
	PG_TRY();
	{
		cmig_run_lock_session(name);
		cmig_extension_hold();
		cmig_run_limit_start();
		move(run, request);
	}
	PG_CATCH();
	{
		ErrorData  *error;

		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
		cmig_toplevel_rollback();
		journal_failure(run, error);
		cmig_extension_release();
		cmig_run_lock_release();
		ReThrowError(error);
	}
	PG_END_TRY();

	cmig_extension_release();
	cmig_run_lock_release();
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(context);
}

void
cmig_stepwise_upgrade(FunctionCallInfo fcinfo, const CmigNames *targets,
					  const char *in_doubt, const char *checksum)
{
	Request		request = {.procedure = UPGRADE,.targets = targets,.checksum = checksum};

	run_procedure(fcinfo, &request, in_doubt);
}

void
cmig_stepwise_downgrade(FunctionCallInfo fcinfo, const char *target,
						const char *in_doubt, const char *checksum)
{
	Request		request = {.procedure = DOWNGRADE,.target = target,.checksum = checksum};

	run_procedure(fcinfo, &request, in_doubt);
}

void
cmig_stepwise_reset(FunctionCallInfo fcinfo, const char *in_doubt)
{
	Request		request = {.procedure = RESET};

	run_procedure(fcinfo, &request, in_doubt);
}
