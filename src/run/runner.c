/*
 * runner.c
 *	  Runs one revision's script in the caller's transaction.
 *
 * run_check.c checks a step's statements before any of them runs, and execute.c
 * runs one statement.  This file reads the statements of the step's scripts
 * and runs each of them in its own memory context.  Result rows are discarded.
 *
 * The static state (running.c, the timers) is reset on every path out of
 * cmig_runner_run(), because a surrounding PL/pgSQL block may catch an error.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/compat.h"
#include "parse/script.h"
#include "run/execute.h"
#include "run/extension.h"
#include "run/lock_wait.h"
#include "run/precondition.h"
#include "run/privilege_hint.h"
#include "run/run_check.h"
#include "run/run_limit.h"
#include "run/runner.h"
#include "run/running.h"
#include "run/session.h"
#include "run/verify.h"

#include "miscadmin.h"
#include "tcop/dest.h"
#include "tcop/tcopprot.h"
#include "utils/backend_status.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/timeout.h"

void
cmig_runner_init(void)
{
	DefineCustomIntVariable("cmig.lock_timeout",
							"Sets the maximum total time that one run may wait for locks.",
							"0 means no limit.",
							&cmig_lock_timeout, 0, 0, INT_MAX, PGC_USERSET,
							GUC_UNIT_MS, NULL, NULL, NULL);
	cmig_running_init();
	cmig_run_limit_init();
	cmig_session_init();
}

void
cmig_runner_begin(void)
{
	cmig_running_forget_statement();
	cmig_lock_wait_reset();
}

/*
 * Start statement_timeout for the next statement, as if a client had sent it.
 * If "timeout" is 0, stops the timer.
 */
static void
start_statement_timeout(int timeout)
{
	if (timeout > 0)
		enable_timeout_after(STATEMENT_TIMEOUT, timeout);
	else if (get_timeout_active(STATEMENT_TIMEOUT))
		disable_timeout(STATEMENT_TIMEOUT, false);
}

/* Show the current statement in pg_stat_activity. */
static void
show_activity(const CmigScriptRun *run)
{
	char		activity[1024];

	if (!pgstat_track_activities)
		return;
	snprintf(activity, sizeof(activity), "pg_cmig: %s%s of %s, statement %d: %.800s",
			 run->step->tried ? "dry run, " : "", run->verb, run->step->revision, run->statement.number,
			 run->statement.text);
	pgstat_report_activity(STATE_RUNNING, activity);
}

bool
cmig_runner_next(CmigScriptRun *run, CmigScriptReader *script)
{
	cmig_run_limit_check();
	CHECK_FOR_INTERRUPTS();
	start_statement_timeout(StatementTimeout);
	cmig_lock_wait_forget();

	/*
	 * count the statement before it is read, because reading it may raise an
	 * error
	 */
	cmig_running_count_statement();
	if (!cmig_script_next(script, &run->statement))
	{
		cmig_running_set_statement(0);
		return false;
	}
	cmig_running_set_statement(run->statement.number);
	show_activity(run);
	return true;
}

/* Run the current statement of a script. */
static void
run_statement(CmigScriptRun *run, DestReceiver *dest)
{
	RawStmt    *raw;

	if (run->checking)
		cmig_precondition_require_select(&run->statement, run->step);
	if (run->step->statement != NULL)
	{
		run->step->statement(run, dest, run->step->statement_arg);
		return;
	}
	raw = cmig_run_check_statement(run->step, run->statement.raw);
	(void) cmig_execute_statement(raw, run->statement.text, dest);
	cmig_extension_require(run->step->revision);
}

/*
 * Run all statements of a script.  This includes setting up the session for
 * the script and restoring it afterward.
 */
static void
run_script(CmigScriptRun *run, const char *sql, DestReceiver *dest,
		   CmigSession *session)
{
	MemoryContext caller = CurrentMemoryContext;
	MemoryContext context;
	CmigScriptReader *script;
	ErrorContextCallback callback;

	callback.callback = cmig_script_run_describe_error;
	callback.arg = run;
	callback.previous = error_context_stack;
	error_context_stack = &callback;

	run->phase = "before its first statement";
	cmig_running_set_statement(0);
	cmig_session_enter(session);

	context = AllocSetContextCreate(caller, "pg_cmig statement",
									ALLOCSET_DEFAULT_SIZES);
	script = cmig_script_open(sql);
	run->phase = NULL;
	MemoryContextSwitchTo(context);
	while (cmig_runner_next(run, script))
	{
		run_statement(run, dest);
		run->statement.text = NULL;
		MemoryContextReset(context);
	}
	MemoryContextSwitchTo(caller);
	run->statement.text = NULL;
	cmig_script_close(script);
	MemoryContextDelete(context);

	run->phase = "after its last statement";
	cmig_session_leave(session);
	cmig_extension_require(run->step->revision);

	error_context_stack = callback.previous;
}

/* Run verify_sql, and check the rows that it returns. */
static void
verify(CmigScriptRun *run, CmigSession *session)
{
	run->verb = "verify";
	run->verifying = true;
	cmig_running_set_verifying();
	run_script(run, run->step->verify_sql, cmig_verify_receiver(run), session);
}

/* Run the precondition, and check the row that it returns. */
static void
check_precondition(CmigScriptRun *run, CmigSession *session)
{
	DestReceiver *receiver = cmig_precondition_receiver();
	const char *verb = run->verb;

	run->verb = "precondition";
	run->checking = true;
	run_script(run, run->step->precondition_sql, receiver, session);
	cmig_precondition_require(receiver, run->step);
	run->checking = false;
	run->verb = verb;
}

/*
 * Reset the static state after the scripts of a step have succeeded or failed.
 */
static void
stop_running(int statement_timeout, bool timeout_was_active)
{
	cmig_running_stop();
	cmig_lock_wait_unwatch();
	start_statement_timeout(timeout_was_active ? statement_timeout : 0);
	pgstat_report_activity(STATE_RUNNING,
						   debug_query_string ? debug_query_string : "");
}

/* The parts of a step, as a bit mask. */
#define PART_PRECONDITION	1
#define PART_SCRIPT			2
#define PART_VERIFY			4

/*
 * Run the given parts (a bit mask) of a step.  Parts that the step does not
 * have are skipped.
 */
static void
run_step(const CmigRunStep *step, int parts)
{
	MemoryContext caller = CurrentMemoryContext;
	CmigScriptRun run = {.step = step,.verb = cmig_direction_name(step->direction)};
	CmigSession session = {0};
	int			statement_timeout = StatementTimeout;
	bool		timeout_was_active = get_timeout_active(STATEMENT_TIMEOUT);

	PG_TRY();
	{
		cmig_running_start(step);
		cmig_extension_note();
		cmig_lock_wait_watch(GetUserId());
		if (parts & PART_PRECONDITION && step->direction == CMIG_UPGRADE &&
			step->precondition_sql != NULL)
			check_precondition(&run, &session);
		if (parts & PART_SCRIPT)
			run_script(&run, step->sql, None_Receiver, &session);
		if (parts & PART_VERIFY && cmig_script_run_is_verified(step))
			verify(&run, &session);
	}
	PG_CATCH();
	{
		ErrorData  *error;

		cmig_session_abandon(&session);
		stop_running(statement_timeout, timeout_was_active);

		MemoryContextSwitchTo(caller);
		error = CopyErrorData();
		FlushErrorState();
		cmig_script_run_improve_hint(error, &run);
		if (error->hint == NULL)
			error->hint = cmig_privilege_hint(error);
		ReThrowError(error);
	}
	PG_END_TRY();

	stop_running(statement_timeout, timeout_was_active);
	cmig_run_limit_check();

	/*
	 * forget the number of the last statement, because a later error does not
	 * belong to it
	 */
	cmig_running_forget_statement();
}

void
cmig_runner_run(const CmigRunStep *step)
{
	cmig_running_require_idle("cmig.upgrade()");
	run_step(step, PART_PRECONDITION | PART_SCRIPT | PART_VERIFY);
}

void
cmig_runner_verify(const CmigRunStep *step)
{
	cmig_running_require_idle("cmig.verify()");
	run_step(step, PART_VERIFY);
}

void
cmig_runner_check_precondition(const CmigRunStep *step)
{
	cmig_running_require_idle("cmig.upgrade()");
	run_step(step, PART_PRECONDITION);
}

/* Scripts whose statements the caller commits */

void
cmig_runner_start(CmigScriptRun *run, const CmigRunStep *step)
{
	cmig_running_require_idle("a stepwise run");
	memset(run, 0, sizeof(*run));
	run->step = step;
	run->verb = cmig_direction_name(step->direction);
	run->statement_timeout = StatementTimeout;
	run->timeout_was_active = get_timeout_active(STATEMENT_TIMEOUT);
	cmig_running_start(step);
	cmig_extension_note();
	cmig_running_forget_statement();
	cmig_lock_wait_watch(GetUserId());
}

void
cmig_runner_stop(CmigScriptRun *run)
{
	if (cmig_running_revision() == run->step->revision)
		stop_running(run->statement_timeout, run->timeout_was_active);
}

void
cmig_runner_restart_timeout(void)
{
	start_statement_timeout(StatementTimeout);
}
