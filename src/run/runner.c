/*
 * runner.c
 *	  Runs one revision's script in the caller's transaction.
 *
 * Except for the communication with the client, each statement is run as in a
 * simple query: it is analyzed, rewritten, planned, and executed in its own
 * memory context and with its own snapshot.  Result rows are discarded.
 *
 * Statements run below the top level, so PostgreSQL rejects those that cannot
 * run inside a transaction.  A statement whose parse tree shows this is
 * rejected before anything runs.
 *
 * The static state (the running revision, the timers) is reset on every path
 * out of cmig_runner_run(), because a surrounding PL/pgSQL block may catch an
 * error.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/citus.h"
#include "base/compat.h"
#include "base/errors.h"
#include "base/query.h"
#include "base/settings.h"
#include "parse/lexer.h"
#include "parse/script.h"
#include "parse/statement.h"
#include "run/extension.h"
#include "run/lock_wait.h"
#include "run/precondition.h"
#include "run/privilege_hint.h"
#include "run/run_limit.h"
#include "run/runner.h"
#include "run/session.h"
#include "run/verify.h"

#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "parser/analyze.h"
#include "parser/parser.h"
#include "storage/proc.h"
#include "tcop/dest.h"
#include "tcop/pquery.h"
#include "tcop/tcopprot.h"
#include "tcop/utility.h"
#include "utils/backend_status.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timeout.h"

#define OFF_MODE_HINT_OWN \
	"In tests and fresh installs, everything can run in the transaction: SET cmig.concurrent_ddl = off"
#define OFF_MODE_HINT \
	"In tests and fresh installs, everything can run in the transaction, without CONCURRENTLY: SET cmig.concurrent_ddl = off"

static bool concurrent_ddl = true;

/* The revision whose script is running, or NULL, and the script's direction. */
static const char *running = NULL;
static CmigDirection running_direction;

/* Is the script being replayed in a shadow? */
static bool replaying = false;

/*
 * Variable of cmig.running_revision.  It is not used, because show_running()
 * provides the value that is shown.
 */
static char *running_dummy = NULL;

/*
 * The number of the current or last statement, and whether it is part of
 * verify_sql.
 */
static int	statement_number = 0;
static bool verifying = false;

/*
 * Settings
 */

/* GUC show hook of cmig.running_revision. */
static const char *
show_running(void)
{
	return running ? running : "";
}

void
cmig_runner_init(void)
{
	DefineCustomBoolVariable("cmig.concurrent_ddl",
							 "Runs statements with CONCURRENTLY unchanged.",
							 "If off, CONCURRENTLY is removed from index statements, so that they can run in a transaction.",
							 &concurrent_ddl, true, PGC_USERSET,
							 0, NULL, NULL, NULL);
	DefineCustomIntVariable("cmig.lock_timeout",
							"Sets the maximum total time that one run may wait for locks.",
							"0 means no limit.",
							&cmig_lock_timeout, 0, 0, INT_MAX, PGC_USERSET,
							GUC_UNIT_MS, NULL, NULL, NULL);
	DefineCustomStringVariable("cmig.running_revision",
							   "Shows the revision whose script is running in this session.",
							   NULL,
							   &running_dummy, "", PGC_INTERNAL,
							   GUC_NOT_IN_SAMPLE | GUC_DISALLOW_IN_FILE,
							   NULL, NULL, show_running);
	cmig_run_limit_init();
	cmig_session_init();
}

bool
cmig_runner_concurrent_ddl(void)
{
	return !replaying && cmig_settings_bool("cmig.concurrent_ddl", concurrent_ddl);
}

bool
cmig_runner_is_replaying(void)
{
	return replaying;
}

const char *
cmig_runner_current(void)
{
	return running;
}

void
cmig_runner_require_idle(const char *function)
{
	if (cmig_query_is_writing())
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("%s cannot be called while pg_cmig is writing to its tables", function),
				 errdetail("It is called by a trigger on one of these tables."),
				 errhint("Use a constraint trigger that is DEFERRABLE INITIALLY DEFERRED, which fires when the run has ended.")));
	if (running == NULL && !cmig_session_is_entered())
		return;
	if (running == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("%s cannot be called by the SQL of a target", function)));
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("%s cannot be called by a revision's script", function),
			 errdetail("Revision \"%s\" is running.", running),
			 errhint("Use down_revision and depends_on to order revisions.")));
}

/* Forget the current statement, so that errors are not attributed to it. */
static void
forget_statement(void)
{
	statement_number = 0;
	verifying = false;
}

void
cmig_runner_begin(void)
{
	forget_statement();
	cmig_lock_wait_reset();
}

/* Statements that cannot run */

/*
 * Is this a REINDEX or CLUSTER of a partitioned relation, which must run at top
 * level?  Sets *reason to a name for the statement.
 */
static bool
is_partitioned_command(const Node *node, const char **reason)
{
	RangeVar   *name;
	Oid			relation;
	char		kind;

	if (IsA(node, ReindexStmt))
	{
		name = ((const ReindexStmt *) node)->relation;
		*reason = "REINDEX of a partitioned relation";
	}
	else if (IsA(node, ClusterStmt))
	{
		name = ((const ClusterStmt *) node)->relation;
		*reason = "CLUSTER of a partitioned table";
	}
	else
		return false;
	if (name == NULL)
		return false;

	relation = RangeVarGetRelid(name, NoLock, true);
	if (!OidIsValid(relation))
		return false;
	kind = get_rel_relkind(relation);
	return kind == RELKIND_PARTITIONED_TABLE || kind == RELKIND_PARTITIONED_INDEX;
}

/*
 * Raise the error for a statement that cannot run inside a transaction.
 * off_mode describes the effect of cmig.concurrent_ddl = off, or is NULL.
 */
static void
refuse_top_level(const CmigRunStep *step, const char *reason, const char *off_mode)
{
	off_mode = off_mode ? psprintf(" instead. %s", off_mode) : "";

	ereport(ERROR,
			(errcode(ERRCODE_CMIG_NEEDS_STEPWISE),
			 errmsg("%s cannot run inside a transaction", reason),
			 step->transactional ?
			 errhint("Set \"transactional: false\" in revision \"%s\" and %s%s",
					 step->revision, cmig_script_run_stepwise_call(step), off_mode) :
			 errhint("Use %s%s", cmig_script_run_stepwise_call(step), off_mode)));
}

RawStmt *
cmig_runner_check_statement(const CmigRunStep *step, RawStmt *raw)
{
	const char *reason;

	switch (cmig_statement_classify(raw, &reason))
	{
		case CMIG_STATEMENT_PLAIN:
			if (step->top_level)
				break;
			if (is_partitioned_command(raw->stmt, &reason))
				refuse_top_level(step, reason, NULL);
			break;

		case CMIG_STATEMENT_CONCURRENTLY:
			if (step->top_level)
				break;
			if (cmig_runner_concurrent_ddl())
				refuse_top_level(step, reason, OFF_MODE_HINT);
			raw = cmig_statement_without_concurrently(raw);
			if (is_partitioned_command(raw->stmt, &reason))
				refuse_top_level(step, reason, NULL);
			break;

		case CMIG_STATEMENT_OWN_PROCEDURE:
			if (!step->top_level && cmig_runner_concurrent_ddl())
				refuse_top_level(step, reason, OFF_MODE_HINT_OWN);
			break;

		case CMIG_STATEMENT_TOP_LEVEL:
			if (step->top_level)
				break;
			refuse_top_level(step, reason, NULL);
			break;

		case CMIG_STATEMENT_TRANSACTION:
		case CMIG_STATEMENT_CLIENT_COPY:
		case CMIG_STATEMENT_DISCARD_ALL:
			cmig_statement_refuse(raw);
			break;
	}
	return raw;
}

/*
 * Check each statement of a script, as far as the script can be parsed without
 * running it.
 */
static void
check_script(CmigScriptRun *run, const char *sql)
{
	MemoryContext caller = CurrentMemoryContext;
	MemoryContext context;
	CmigScriptReader *script;

	/* always check a script whose statements are committed one by one */
	if (!run->step->top_level && !cmig_statement_may_need_top_level(sql))
		return;

	context = AllocSetContextCreate(CurrentMemoryContext,
									"pg_cmig statement", ALLOCSET_DEFAULT_SIZES);
	script = cmig_script_open(sql);
	MemoryContextSwitchTo(context);
	while (cmig_script_next(script, &run->statement))
	{
		(void) cmig_runner_check_statement(run->step, run->statement.raw);

		/*
		 * the rest of the script can be parsed only after this statement has
		 * run
		 */
		if (cmig_statement_changes_strings(run->statement.raw))
			break;
		run->statement.text = NULL;
		MemoryContextReset(context);
		CHECK_FOR_INTERRUPTS();
	}
	MemoryContextSwitchTo(caller);
	run->statement.text = NULL;
	cmig_script_close(script);
	MemoryContextDelete(context);
}

/* Does the step run verify_sql after its script? */
static bool
is_verified(const CmigRunStep *step)
{
	return step->direction == CMIG_UPGRADE && step->verify_sql != NULL;
}

void
cmig_runner_check(const CmigRunStep *step)
{
	CmigScriptRun run = {.step = step,.verb = cmig_direction_name(step->direction)};
	ErrorContextCallback callback;
	char	   *path = cmig_session_search_path();
	int			guc_level;

	if (!step->transactional && cmig_runner_concurrent_ddl() && !step->top_level)
		ereport(ERROR,
				(errcode(ERRCODE_CMIG_NEEDS_STEPWISE),
				 errmsg("revision \"%s\" is not transactional", step->revision),
				 errdetail("Its statements cannot run in the transaction of this call. No revision has been run."),
				 errhint("Use %s instead. %s", cmig_script_run_stepwise_call(step), OFF_MODE_HINT)));

	callback.callback = cmig_script_run_describe_error;
	callback.arg = &run;
	callback.previous = error_context_stack;
	error_context_stack = &callback;

	/* set the script's search_path, with which relation names are looked up */
	guc_level = cmig_session_read_quietly();
	if (strcmp(path, namespace_search_path) != 0)
		cmig_settings_override("search_path", path);
	if (!standard_conforming_strings)
		cmig_settings_override("standard_conforming_strings", "on");
	check_script(&run, step->sql);
	if (is_verified(step))
	{
		run.verb = "verify";
		check_script(&run, step->verify_sql);
	}
	AtEOXact_GUC(false, guc_level);

	error_context_stack = callback.previous;
	pfree(path);
}

/*
 * Running
 */

/*
 * Start statement_timeout for the next statement, as if a client had sent it.
 * A value of 0 stops the timer.
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

/*
 * Run one query of a statement.  Returns the number of rows, or CMIG_NO_ROWS.
 * If
 * *snapshot_set is false and the query is not a utility statement, pushes a
 * snapshot for this query and the remaining ones, and sets *snapshot_set to
 * true.
 */
static int64
execute_plan(PlannedStmt *plan, const char *text, DestReceiver *dest,
			 bool *snapshot_set)
{
	int64		rows = CMIG_NO_ROWS;

	(void) cmig_citus_use_two_phases();
	if (plan->utilityStmt != NULL)
	{
		QueryCompletion completion;
		bool		own_snapshot = !*snapshot_set && PlannedStmtRequiresSnapshot(plan);

		if (own_snapshot)
			PushActiveSnapshot(GetTransactionSnapshot());
		InitializeQueryCompletion(&completion);
		ProcessUtility(plan, text, false,
					   cmig_citus_wants_toplevel(plan->utilityStmt) ? PROCESS_UTILITY_TOPLEVEL :
					   PROCESS_UTILITY_QUERY, NULL, NULL,
					   dest, &completion);
		if (command_tag_display_rowcount(completion.commandTag))
			rows = completion.nprocessed;
		if (own_snapshot)
			PopActiveSnapshot();
	}
	else
	{
		QueryDesc  *query;

		if (!*snapshot_set)
		{
			PushCopiedSnapshot(GetTransactionSnapshot());
			*snapshot_set = true;
		}
		else
			UpdateActiveSnapshotCommandId();

		query = CreateQueryDesc(plan, text, GetActiveSnapshot(), InvalidSnapshot,
								dest, NULL, NULL, 0);
		ExecutorStart(query, 0);
		cmig_executor_run_compat(query);
		ExecutorFinish(query);
		rows = query->estate->es_processed;
		ExecutorEnd(query);
		FreeQueryDesc(query);
	}
	CommandCounterIncrement();
	return rows;
}

int64
cmig_runner_execute(RawStmt *raw, const char *text, DestReceiver *dest)
{
	List	   *plans;
	ListCell   *cell;
	bool		snapshot_set = false;
	int64		rows = CMIG_NO_ROWS;

	if (analyze_requires_snapshot(raw))
	{
		PushActiveSnapshot(GetTransactionSnapshot());
		snapshot_set = true;
	}
	plans = pg_analyze_and_rewrite_fixedparams(raw, text, NULL, 0, NULL);
	plans = pg_plan_queries(plans, text, CURSOR_OPT_PARALLEL_OK, NULL);
	if (snapshot_set)
		PopActiveSnapshot();

	/* rules can turn one query into several, which share a snapshot */
	snapshot_set = false;
	foreach(cell, plans)
	{
		PlannedStmt *plan = lfirst_node(PlannedStmt, cell);
		int64		of_plan = execute_plan(plan, text, plan->canSetTag ? dest : None_Receiver,
										   &snapshot_set);

		if (plan->canSetTag)
			rows = of_plan;
	}
	if (snapshot_set)
		PopActiveSnapshot();
	return rows;
}

bool
cmig_runner_next(CmigScriptRun *run, CmigScriptReader *script)
{
	cmig_run_limit_check();
	CHECK_FOR_INTERRUPTS();
	start_statement_timeout(StatementTimeout);
	cmig_lock_wait_forget();

	/* count the statement before it is read, because reading it may fail */
	statement_number++;
	if (!cmig_script_next(script, &run->statement))
	{
		statement_number = 0;
		return false;
	}
	statement_number = run->statement.number;
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
	raw = cmig_runner_check_statement(run->step, run->statement.raw);
	(void) cmig_runner_execute(raw, run->statement.text, dest);
	cmig_extension_require(run->step->revision);
}

/*
 * Run all statements of a script, including entering and leaving the session.
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
	statement_number = 0;
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

/* Run verify_sql and check its rows. */
static void
verify(CmigScriptRun *run, CmigSession *session)
{
	run->verb = "verify";
	run->verifying = true;
	verifying = true;
	run_script(run, run->step->verify_sql, cmig_verify_receiver(run), session);
}

/* Run the precondition and check its row. */
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

/* Reset the static state after a script has succeeded or failed. */
static void
stop_running(int statement_timeout, bool timeout_was_active)
{
	running = NULL;
	replaying = false;
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
 * Run the given parts of a step.  Parts that the step does not have are
 * skipped.
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
		running = step->revision;
		running_direction = step->direction;
		cmig_extension_note();
		verifying = false;
		cmig_lock_wait_watch(GetUserId());
		if (parts & PART_PRECONDITION && step->direction == CMIG_UPGRADE &&
			step->precondition_sql != NULL)
			check_precondition(&run, &session);
		if (parts & PART_SCRIPT)
			run_script(&run, step->sql, None_Receiver, &session);
		if (parts & PART_VERIFY && is_verified(step))
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
	/* forget the statement, because a later error does not belong to it */
	forget_statement();
}

void
cmig_runner_run(const CmigRunStep *step)
{
	cmig_runner_require_idle("cmig.upgrade()");
	run_step(step, PART_PRECONDITION | PART_SCRIPT | PART_VERIFY);
}

void
cmig_runner_verify(const CmigRunStep *step)
{
	cmig_runner_require_idle("cmig.verify()");
	run_step(step, PART_VERIFY);
}

void
cmig_runner_check_precondition(const CmigRunStep *step)
{
	cmig_runner_require_idle("cmig.upgrade()");
	run_step(step, PART_PRECONDITION);
}

/* Scripts whose statements the caller commits */

void
cmig_runner_start(CmigScriptRun *run, const CmigRunStep *step)
{
	cmig_runner_require_idle("a stepwise run");
	memset(run, 0, sizeof(*run));
	run->step = step;
	run->verb = cmig_direction_name(step->direction);
	run->statement_timeout = StatementTimeout;
	run->timeout_was_active = get_timeout_active(STATEMENT_TIMEOUT);
	running = step->revision;
	running_direction = step->direction;
	replaying = step->replayed;
	cmig_extension_note();
	forget_statement();
	cmig_lock_wait_watch(GetUserId());
}

void
cmig_runner_stop(CmigScriptRun *run)
{
	if (running == run->step->revision)
		stop_running(run->statement_timeout, run->timeout_was_active);
}

void
cmig_runner_restart_timeout(void)
{
	start_statement_timeout(StatementTimeout);
}

CmigDirection
cmig_runner_direction(void)
{
	return running_direction;
}

int
cmig_runner_statement(void)
{
	return statement_number;
}

bool
cmig_runner_verifying(void)
{
	return verifying;
}
