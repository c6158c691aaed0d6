/*
 * runner.c
 *	  Running scripts, and what their errors report.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "parser/analyze.h"
#include "parser/parser.h"
#include "storage/proc.h"
#include "tcop/dest.h"
#include "tcop/pquery.h"
#include "tcop/tcopprot.h"
#include "tcop/utility.h"
#include "utils/backend_status.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timeout.h"

#include "base/base.h"
#include "base/compat.h"
#include "base/errors.h"
#include "parse/parse.h"
#include "run/internal.h"

/* ----------------------------------------------------------------
 * Checks, before a step runs, that its statements can run.
 *
 * Statements run below the top level, so PostgreSQL rejects those that cannot
 * run inside a transaction.  A statement whose parse tree shows this is
 * rejected before anything runs.
 * ----------------------------------------------------------------
 */

#define OFF_MODE_HINT_OWN \
	"In tests and fresh installs, everything can run in the transaction: SET cmig.concurrent_ddl = off"
#define OFF_MODE_HINT \
	"In tests and fresh installs, everything can run in the transaction, without CONCURRENTLY: SET cmig.concurrent_ddl = off"

/*
 * Is this a REINDEX or CLUSTER of a partitioned relation, which cannot run
 * inside a transaction?  Sets *reason to a description of the statement.
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
 * Raise error MG007 because a statement cannot run inside a transaction.
 * "reason" describes the statement.  "off_mode" is NULL or a sentence for the
 * hint that is about cmig.concurrent_ddl = off.
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
cmig_run_check_statement(const CmigRunStep *step, RawStmt *raw)
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
			if (cmig_running_concurrent_ddl())
				refuse_top_level(step, reason, OFF_MODE_HINT);
			raw = cmig_statement_without_concurrently(raw);
			if (is_partitioned_command(raw->stmt, &reason))
				refuse_top_level(step, reason, NULL);
			break;

		case CMIG_STATEMENT_OWN_PROCEDURE:
			if (!step->top_level && cmig_running_concurrent_ddl())
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
		(void) cmig_run_check_statement(run->step, run->statement.raw);

		/*
		 * stop here, because the rest of the script can be parsed only after
		 * this statement has run
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

void
cmig_run_check_step(const CmigRunStep *step)
{
	CmigScriptRun run = {.step = step,.verb = cmig_direction_name(step->direction)};
	ErrorContextCallback callback;
	char	   *path = cmig_session_search_path();
	int			guc_level;

	if (!step->transactional && cmig_running_concurrent_ddl() && !step->top_level)
		ereport(ERROR,
				(errcode(ERRCODE_CMIG_NEEDS_STEPWISE),
				 errmsg("revision \"%s\" is not transactional", step->revision),
				 errdetail("Its statements cannot run in the transaction of this call. No revision has been run."),
				 errhint("Use %s instead. %s", cmig_script_run_stepwise_call(step), OFF_MODE_HINT)));

	callback.callback = cmig_script_run_describe_error;
	callback.arg = &run;
	callback.previous = error_context_stack;
	error_context_stack = &callback;

	/*
	 * use the search_path of the script, because the check looks up relation
	 * names
	 */
	guc_level = cmig_session_read_quietly();
	if (strcmp(path, namespace_search_path) != 0)
		cmig_settings_override("search_path", path);
	if (!standard_conforming_strings)
		cmig_settings_override("standard_conforming_strings", "on");
	check_script(&run, step->sql);
	if (cmig_script_run_is_verified(step))
	{
		run.verb = "verify";
		check_script(&run, step->verify_sql);
	}
	AtEOXact_GUC(false, guc_level);

	error_context_stack = callback.previous;
	pfree(path);
}

/* ----------------------------------------------------------------
 * Runs one statement, without the communication with a client.
 *
 * Except for that communication, a statement is run as in a simple query: it
 * is analyzed, rewritten, planned, and executed with its own snapshot.
 * ----------------------------------------------------------------
 */

/* The lock_timeout that the workers of a Citus cluster have. */
static struct
{
	LocalTransactionId transaction;
	SubTransactionId subtransaction;
	int			limit;
}			workers = {InvalidLocalTransactionId, InvalidSubTransactionId, 0};

/* Set lock_timeout on the workers until the end of the transaction. */
static void
limit_workers(int limit)
{
	int			guc_level;

	if (workers.transaction != cmig_lxid_compat())
		workers.limit = 0;
	if (limit == workers.limit && (limit == 0 || workers.subtransaction == GetCurrentSubTransactionId()))
		return;
	guc_level = NewGUCNestLevel();
	cmig_citus_propagate_setting("lock_timeout", psprintf("%d", limit));
	AtEOXact_GUC(false, guc_level);
	workers.transaction = cmig_lxid_compat();
	workers.subtransaction = GetCurrentSubTransactionId();
	workers.limit = limit;
}

/*
 * Prepare the transaction for changes on the nodes of a Citus cluster: it is
 * committed on all nodes or on none, and waits for locks on the workers no
 * longer than on the coordinator.  Citus does not send lock_timeout to the
 * workers by itself.
 */
static void
prepare_citus(void)
{
	int			limit = cmig_settings_int("cmig.lock_timeout", cmig_lock_timeout);

	(void) cmig_citus_use_two_phases();
	limit_workers(LockTimeout > 0 && (limit == 0 || LockTimeout < limit) ? LockTimeout : limit);
}

/*
 * Call this after the last statement of a run that is part of the caller's
 * transaction: limits that applied to the statements end.
 */
static void
execute_end(void)
{
	limit_workers(LockTimeout);
}

/*
 * Run one of the queries into which a statement was rewritten.  Returns the
 * number of rows processed, or CMIG_NO_ROWS.  If *snapshot_set is false and
 * the query is not a utility statement, pushes a snapshot for this query and
 * the remaining ones, and sets *snapshot_set to true.
 */
static int64
execute_plan(PlannedStmt *plan, const char *text, DestReceiver *dest,
			 bool *snapshot_set)
{
	int64		rows = CMIG_NO_ROWS;

	prepare_citus();
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
cmig_execute_statement(RawStmt *raw, const char *text, DestReceiver *dest)
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

	/*
	 * rules can turn a statement into several queries, which all run with the
	 * same snapshot
	 */
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

/* ----------------------------------------------------------------
 * Replaces placeholders with their values, which are settings named
 * cmig_var.NAME.
 *
 * Any role can set these settings in its session.  Therefore, a value is
 * inserted as a single identifier or a single string constant, and only for
 * placeholders that the revision declares.
 * ----------------------------------------------------------------
 */

/*
 * The argument of read_value(): the script whose placeholders are being
 * replaced.
 */
typedef struct Script
{
	const char *revision;
	const char *what;
	bool		require;		/* must all placeholders have a value? */
	const char *missing;		/* first placeholder without a value, or NULL */
} Script;

/*
 * CmigSubstituteValue callback.  Returns NULL for an empty setting, because a
 * custom setting that was set with SET LOCAL becomes empty, not unset, when
 * the transaction ends.
 */
static const char *
read_value(const char *name, bool literal, void *arg)
{
	Script	   *script = arg;
	const char *value = cmig_settings_custom(psprintf("cmig_var.%s", name));

	if (value != NULL && *value != '\0')
		return value;
	if (script->require)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("placeholder \"%s\" of revision \"%s\" has no value", name, script->revision),
				 errdetail("Its %s script contains ${%s}, which stands for %s.", script->what, name,
						   literal ? "a string" : "an identifier"),
				 cmig_settings_in_definer_function() ?
				 errhint("In a SECURITY DEFINER function, only a value that the function's owner sets there is used: PERFORM set_config('cmig_var.%s', '<value>', true)", name) :
				 errhint("SET cmig_var.%s = '<value>'", name)));
	if (script->missing == NULL)
		script->missing = pstrdup(name);
	return NULL;
}

const char *
cmig_placeholder_values_insert(const char *script, const CmigNames *declarations,
							   const char *revision, const char *what)
{
	Script		arg = {.revision = revision,.what = what,.require = true};

	return cmig_substitute_script(script, declarations, revision, what, read_value, &arg);
}

const char *
cmig_placeholder_values_try(const char *script, const CmigNames *declarations,
							const char *revision, const char *what, const char **missing)
{
	Script		arg = {.revision = revision,.what = what};

	script = cmig_substitute_script(script, declarations, revision, what, read_value, &arg);
	*missing = arg.missing;
	return script;
}

/* ----------------------------------------------------------------
 * Runs one revision's script in the caller's transaction.
 *
 * runner.c checks a step's statements before any of them runs, and runner.c
 * runs one statement.  This file reads the statements of the step's scripts
 * and runs each of them in its own memory context.  Result rows are discarded.
 *
 * The static state (script_run.c, the timers) is reset on every path out of
 * cmig_runner_run(), because a surrounding PL/pgSQL block may catch an error.
 * ----------------------------------------------------------------
 */

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
	cmig_lock_wait_next_statement();

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
	execute_end();
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
