/*
 * dry_run.c
 *	  cmig.dry_run, and the preconditions of a plan.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "access/xact.h"
#include "parser/parsetree.h"
#include "tcop/utility.h"

#include "base/errors.h"
#include "plan/internal.h"
#include "rls/rls.h"
#include "store/store.h"

/*
 * Checks a plan's preconditions before any step runs.
 *
 * A precondition is not checked here if it reads something that an earlier
 * step creates or changes, or if an earlier step runs code that cannot be
 * analyzed.
 */

/*
 * Can a precondition be checked before the preceding steps, which take the
 * locks "before", have run?
 */
static bool
is_independent(CmigPlannedLocks *names, List *before, const char *sql)
{

	foreach_ptr(const CmigPlannedLock, read, cmig_script_locks_read(names, sql, NULL, NULL)->locks)
	{
		if (read->is_new)
			return false;
		/* does an earlier step write to the relation, or alter it? */
		foreach_ptr(const CmigPlannedLock, lock, before)
		{
			if (lock->oid == read->oid && lock->mode >= RowExclusiveLock)
				return false;
		}
	}
	return true;
}

/* Subtransaction callback: check one precondition. */
static void
check(void *step)
{
	cmig_runner_run(step, CMIG_RUN_PRECONDITION);
}

void
cmig_plan_preconditions_check(const CmigSituation *now, const CmigPlan *plan)
{
	CmigStepTexts *texts;
	CmigPlannedLocks *names;
	CmigNames  *begun;
	List	   *before = NIL;	/* of CmigPlannedLock *: locks of the steps
								 * that have been read */
	bool		all_known = true;	/* is that list complete? */
	CmigListing failures;
	ErrorData  *first = NULL;

	if (plan->count == 0 || plan->direction != CMIG_UPGRADE || !cmig_catalog_has_preconditions())
		return;
	texts = cmig_step_texts_make(now->graph, plan);
	begun = cmig_progress_begun();
	cmig_names_sort(begun);
	names = cmig_planned_locks_start();
	cmig_listing_init(&failures, CMIG_LISTING_LINES);
	for (int i = 0; i < plan->count && all_known; i++)
	{
		CmigRunStep step = *cmig_step_texts_get(texts, i);
		ErrorData  *error = NULL;
		CmigScriptLocks *script;

		CHECK_FOR_INTERRUPTS();
		if (step.precondition_sql != NULL && !cmig_names_has(begun, step.revision) &&
			is_independent(names, before, step.precondition_sql))
			error = cmig_subtransaction_rehearse(check, &step);
		if (error != NULL && error->sqlerrcode == ERRCODE_QUERY_CANCELED)
			ReThrowError(error);
		if (error != NULL)
		{
			first = first ? first : error;
			cmig_listing_add_format(&failures, "Revision \"%s\": %s", step.revision,
									error->sqlerrcode == ERRCODE_CMIG_PRECONDITION_FAILED ?
									step.precondition_sql : error->message);
		}
		script = cmig_script_locks_read(names, step.sql, NULL, NULL);
		before = cmig_planned_locks_merge(before, script->locks);
		all_known = script->error == NULL && script->unknown == NIL;
	}
	if (failures.count == 1)
		ReThrowError(first);
	if (failures.count > 1)
		ereport(ERROR,
				(errcode(ERRCODE_CMIG_PRECONDITION_FAILED),
				 errmsg("the preconditions of %d revisions are not met", failures.count),
				 errdetail("%s", cmig_listing_text(&failures))));
}

/*
 * Refuses statements and function calls that a dry run must not execute.
 *
 * Some effects survive a rollback or reach outside the database, and some
 * statements would block other sessions for a long time.  While the check is
 * on, hooks examine each statement, query, and function call, including those
 * inside functions and DO blocks, and raise an error before a refused one runs.
 */

/* Is the check on?  If so, which subtransaction turned it on? */
static bool watching = false;
static SubTransactionId watching_since = InvalidSubTransactionId;

/* Maximum size of tables that may be changed, in bytes; -1 means no limit. */
static int64 size_limit = -1;

/*
 * Is the current statement meant to run without blocking other sessions (with
 * CONCURRENTLY), although it may block them because it runs in the dry run's
 * transaction?  In that case, this limit applies unless max_table_size is set.
 */
#define PLAIN_LIMIT (INT64CONST(100) * 1024 * 1024)
static bool is_plain = false;

/* The reason for the last refusal; empty if nothing was refused. */
static char last_refusal[NAMEDATALEN * 16];

static ProcessUtility_hook_type next_ProcessUtility = NULL;
static ExecutorStart_hook_type next_ExecutorStart = NULL;

/* Remember the reason for refusing a statement, and raise the error. */
static void
refuse(const char *reason)
{
	strlcpy(last_refusal, reason, sizeof(last_refusal));
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("cannot run the statement in a dry run: %s", reason)));
}

static CmigOutsideWatch functions =
{
	.refuse = refuse
};
static const CmigOutsideWatch *former = NULL;

/* Refuse to change a table that is larger than the limit. */
static void
require_size(const char *table, int64 size)
{
	int64		limit = size_limit < 0 && is_plain ? PLAIN_LIMIT : size_limit;

	if (limit >= 0 && size > limit)
		refuse(psprintf("%s has a size of %s, more than %s", table, cmig_size_text(size),
						size_limit < 0 ?
						"100 MB, which is the limit without CONCURRENTLY unless max_table_size is set" :
						"max_table_size"));
}

/*
 * ProcessUtility hook: check a utility statement before it runs.  It must not
 * block writers to tables larger than the limit.  A statement around an
 * analyzed query is skipped, because the raw parse tree walker does not support
 * such a query: the query's tables are checked when the query runs, and the
 * statement itself locks no other tables.
 */
static void
watch_utility(PlannedStmt *planned, const char *query, bool read_only_tree,
			  ProcessUtilityContext context, ParamListInfo params,
			  QueryEnvironment *environment, DestReceiver *dest,
			  QueryCompletion *completion)
{
	Node	   *statement = planned->utilityStmt;
	const char *reason = watching ? cmig_outside_of_statement(statement, watching_since) : NULL;
	List	   *unknown;
	char	   *failure;

	if (reason != NULL)
		refuse(reason);
	if (watching && (size_limit >= 0 || is_plain) && !IsA(statement, CreateTableAsStmt) &&
		!IsA(statement, ExplainStmt) && !IsA(statement, DeclareCursorStmt) &&
		!IsA(statement, CallStmt))
	{
		foreach_ptr(CmigPlannedLock, lock,
					cmig_planned_locks_of(cmig_planned_locks_start(), statement, &unknown,
										  &failure))
		{
			if (lock->mode >= ShareLock && OidIsValid(lock->oid))
				require_size(lock->name, lock->size);
		}
	}
	(next_ProcessUtility ? next_ProcessUtility : standard_ProcessUtility)
		(planned, query, read_only_tree, context, params, environment, dest, completion);
}

/*
 * ExecutorStart hook: check a query's tables before it runs.  It must not
 * change a table larger than the limit, which does not apply to pg_cmig's
 * tables, because a run updates them.
 */
static void
watch_query(QueryDesc *query, int flags)
{
	PlannedStmt *plan = query->plannedstmt;

	if (watching && !(flags & EXEC_FLAG_EXPLAIN_ONLY) && (size_limit >= 0 || is_plain) &&
		(plan->commandType != CMD_INSERT || plan->hasModifyingCTE))
	{
		for (int number = 1; number <= list_length(plan->rtable); number++)
		{
			Oid			table = rt_fetch(number, plan->rtable)->relid;
			Oid			own_schema = get_namespace_oid("cmig", true);

			if (!cmig_changes_compat(plan, number))
				continue;
			if (!OidIsValid(own_schema) || get_rel_namespace(table) != own_schema)
				require_size(cmig_query_relation_name(table), cmig_size_of(table));
		}
	}
	(next_ExecutorStart ? next_ExecutorStart : standard_ExecutorStart) (query, flags);
}

/*
 * Turn the check on, until the current subtransaction ends.  "max_table_size"
 * is in bytes; -1 means no limit.
 */
static void
start_watch(int64 max_table_size)
{
	size_limit = max_table_size;
	is_plain = false;
	last_refusal[0] = '\0';
	watching_since = GetCurrentSubTransactionId();
	watching = true;
	functions.mark = GetCurrentTransactionId();
	former = cmig_outside_watch(&functions);
}

/* Subtransaction callback: turn the check off. */
static void
end_watch(SubXactEvent event, SubTransactionId ended, SubTransactionId parent, void *arg)
{
	if (!watching || ended != watching_since ||
		(event != SUBXACT_EVENT_ABORT_SUB && event != SUBXACT_EVENT_COMMIT_SUB))
		return;
	(void) cmig_outside_watch(former);
	watching = false;
	watching_since = InvalidSubTransactionId;
}

/* Returns the reason for the last refusal since the previous call, or NULL. */
static char *
take_refusal(void)
{
	char	   *reason = last_refusal[0] != '\0' ? pstrdup(last_refusal) : NULL;

	last_refusal[0] = '\0';
	return reason;
}

/*
 * Implements cmig.dry_run, which runs a plan's steps and rolls everything
 * back.
 *
 * The steps run in a subtransaction.  Otherwise, they run as in cmig.upgrade,
 * with the same runner and the caller's privileges.  Each step runs in a
 * subtransaction of its own, so that a failed step does not affect steps that
 * do not build on it; those that do are skipped.  Each statement has its own
 * subtransaction, too, which makes it possible to see which locks it takes, and
 * to roll back only the statement if it is refused.
 */

PG_FUNCTION_INFO_V1(cmig_dry_run);

/* Lock timeout, unless the caller has set one. */
#define LOCK_TIMEOUT "1s"

static int	dry_run_timeout = 30000;

void
cmig_dry_run_init(void)
{
	DefineCustomIntVariable(cmig_settings_name("cmig.dry_run_timeout"),
							"Sets the maximum duration of a dry run.",
							"0 means no limit.",
							&dry_run_timeout, 30000, 0, INT_MAX, PGC_USERSET,
							GUC_UNIT_MS, NULL, NULL, NULL);
	next_ProcessUtility = ProcessUtility_hook;
	ProcessUtility_hook = watch_utility;
	next_ExecutorStart = ExecutorStart_hook;
	ExecutorStart_hook = watch_query;
	RegisterSubXactCallback(end_watch, NULL);
}

int
cmig_dry_run_limit(const char *guard)
{
	const char *name = "cmig.dry_run_timeout";

	return guard ? cmig_settings_guarded_int(name, dry_run_timeout, guard) :
		cmig_settings_int(name, dry_run_timeout);
}

/* The arguments and the state of a dry run. */
typedef struct Trial
{
	FunctionCallInfo fcinfo;	/* receives the result rows */
	CmigDirection direction;
	CmigNames  *targets;
	bool		waiters;		/* are waiting sessions reported? */
	bool		plain;			/* is CONCURRENTLY ignored? */
	int64		max_table_size; /* -1: no limit */

	MemoryContext context;		/* memory context of the call */
	CmigExistingSet *relations;
	CmigSituation now;
	CmigPlan   *plan;
	CmigStepTexts *texts;
	char	   *checksum;		/* of the plan; NULL: nothing to do */
	bool	   *missing;		/* by node: has its step not succeeded? */
	bool		failed;			/* is any step missing? */
	const char *stopped;		/* why the rest is skipped, or NULL */
	List	   *moved;			/* of CmigExisting *: sequences that advanced */
	CmigPlannedLocks *passed;	/* names changed in skipped parts, or NULL */
	bool		incomplete;		/* was an earlier statement skipped? */

	/* current step */
	int			number;			/* number of the step, starting at 1 */
	int			after;			/* the statements after this one are skipped, */
	const char *reason;			/* for this reason */

	/* the statement that was most recently started */
	CmigScriptRun *run;
	DestReceiver *dest;
	int64		rows;			/* as returned by the statement */
	int			statement;
	bool		verifying;		/* is the statement part of verify_sql? */
	int			line;
	char		command[NAMEDATALEN];
	CmigMeasure measure;
	bool		measuring;		/* is the statement running? */
	char	   *expected;		/* a failed statement's locks, or NULL */

	/* for expect_locks(), and what it found */
	CmigPlannedLocks *names;
	Node	   *tree;
	List	   *locks;
	char	   *failure;
} Trial;

/* A result row.  Fields that are not set are shown as null. */
typedef struct TrialRow
{
	int			statement;		/* 0 if the row is not about a statement */
	int			line;
	const char *command;
	int64		rows;			/* number of rows, or CMIG_NO_ROWS if there is
								 * none */
	const CmigMeasure *measure; /* NULL if the statement did not run */
	const char *locks;			/* expected, if it did not run or failed */
	const char *error;
} TrialRow;

/* Returns the number as text, or NULL if there is none. */
static char *
number_text(int64 number, bool exists)
{
	return exists ? psprintf(INT64_FORMAT, number) : NULL;
}

/* Add a result row for the current step. */
static void
put_row(Trial *trial, const TrialRow *row)
{
	const CmigMeasure *measure = row->measure;
	bool		measured = measure != NULL;
	bool		in_step = trial->number > 0;
	const char *texts[] = {
		number_text(trial->number, in_step),
		in_step ? cmig_graph_id(trial->now.graph, trial->plan->steps[trial->number - 1].node) :
		NULL,
		number_text(row->statement, row->statement > 0),
		number_text(row->line, row->statement > 0 && row->line != 0), row->command,
		number_text(row->rows, measured && row->rows != CMIG_NO_ROWS),
		measured ? psprintf(INT64_FORMAT " us", measure->elapsed_us) : NULL,
		measured && measure->locks ? measure->locks : row->locks,
		measured ? measure->rewrites : NULL, measured ? measure->scans : NULL,
		number_text(measured ? measure->wal_bytes : 0, measured), row->error
	};

	cmig_result_add_strings((ReturnSetInfo *) trial->fcinfo->resultinfo, lengthof(texts), texts);
}

/* Formats an error for the result: SQLSTATE, message, detail, and hint. */
static char *
error_text(const ErrorData *error)
{
	return psprintf("%s: %s%s%s%s%s", unpack_sql_state(error->sqlerrcode), error->message,
					error->detail != NULL ? "\n" : "", error->detail != NULL ? error->detail : "",
					error->hint != NULL ? "\n" : "", error->hint != NULL ? error->hint : "");
}

/* Rethrow the error if it was a request to cancel the whole call. */
static void
require_own_error(ErrorData *error)
{
	if (error != NULL && error->sqlerrcode == ERRCODE_QUERY_CANCELED && !cmig_run_limit_passed() &&
		!cmig_runner_statement_timed_out())
		ReThrowError(error);
}

/*
 * Statements
 */

/*
 * Subtransaction callback: determine the locks that a statement is expected to
 * take, and whether it fails because of CONCURRENTLY.
 */
static void
expect_locks(void *arg)
{
	Trial	   *trial = arg;
	List	   *unknown;

	trial->locks = cmig_planned_locks_of(trial->names, trial->tree, &unknown, &trial->failure);
}

/*
 * Returns a statement's expected locks on relations that existed before the dry
 * run, as a string.  Returns NULL if there are no such locks or if a name
 * lookup fails.  If the statement would fail because of CONCURRENTLY,
 * trial->failure is set to a sentence that says so; otherwise, to NULL.
 */
static char *
expected_locks(Trial *trial, CmigPlannedLocks *names, Node *statement)
{
	List	   *reported = NIL;

	trial->names = names;
	trial->tree = statement;
	trial->locks = NIL;
	trial->failure = NULL;
	require_own_error(cmig_subtransaction_rehearse(expect_locks, trial));
	foreach_ptr(CmigPlannedLock, lock, trial->locks)
	{
		CmigExisting *relation = cmig_existing_get(trial->relations, lock->oid);

		if (relation == NULL)
			continue;

		/*
		 * report the name and size that the relation had when the dry run
		 * started
		 */
		lock->name = relation->name;
		lock->size = relation->size;
		reported = lappend(reported, lock);
	}
	return cmig_planned_locks_text(reported);
}

/* Subtransaction callback: run a statement and measure it. */
static void
attempt_statement(void *arg)
{
	Trial	   *trial = arg;
	CmigScriptRun *run = trial->run;
	RawStmt    *raw;
	const char *name;
	CmigStatementClass class = cmig_statement_classify(run->statement.raw, &name);

	if (cmig_settings_engine())
		cmig_record_check(run->step->revision, &run->statement);
	cmig_measure_begin(&trial->measure, trial->relations);
	trial->measuring = true;
	is_plain = class == CMIG_STATEMENT_CONCURRENTLY || class == CMIG_STATEMENT_OWN_PROCEDURE;
	raw = cmig_run_check_statement(run->step, run->statement.raw);
	trial->rows = cmig_execute_copy(run->statement.raw, raw, run->statement.text, trial->dest);
	cmig_extension_require(run->step->revision);
	cmig_measure_end(&trial->measure);
	trial->measuring = false;
}

/*
 * If a statement's error does not count as a failure, returns the reason;
 * otherwise, returns NULL.  An error does not count if the statement was
 * refused, or if the statement can run only in a stepwise run of a
 * nontransactional revision.
 */
static const char *
reason_not_tried(const CmigRunStep *step, const ErrorData *error)
{
	const char *refused = take_refusal();

	if (refused != NULL || step->transactional)
		return refused;
	if (error->sqlerrcode == ERRCODE_CMIG_NEEDS_STEPWISE ||
		error->sqlerrcode == ERRCODE_ACTIVE_SQL_TRANSACTION)
		return error->message;
	return error->sqlerrcode == ERRCODE_INVALID_TRANSACTION_TERMINATION ?
		"it commits or rolls back" : NULL;
}

/* CmigRunStatement callback: run the current statement in a subtransaction. */
static void
try_statement(CmigScriptRun *run, DestReceiver *dest, void *arg)
{
	Trial	   *trial = arg;
	TrialRow	row =
	{.statement = run->statement.number,.line = run->statement.line,.command = trial->command};
	ErrorData  *error;
	const char *reason;
	MemoryContext old;

	trial->run = run;
	trial->dest = dest;
	trial->statement = run->statement.number;
	trial->line = run->statement.line;
	trial->verifying = cmig_running.verifying;
	trial->expected = NULL;
	snprintf(trial->command, sizeof(trial->command), "%s%s",
			 cmig_running.verifying ? "verify: " : run->checking ? "precondition: " : "",
			 CreateCommandName(run->statement.raw->stmt));
	(void) take_refusal();
	error = cmig_subtransaction_try(attempt_statement, trial);
	if (error == NULL)
	{
		reason = take_refusal();
		old = MemoryContextSwitchTo(trial->context);
		trial->moved = list_concat_unique_ptr(trial->moved, trial->measure.moved);
		MemoryContextSwitchTo(old);
		row.measure = &trial->measure;
		row.rows = trial->rows;
		if (reason != NULL)
			row.error = psprintf("only partly tried: %s", reason);
		put_row(trial, &row);
		return;
	}
	reason = reason_not_tried(run->step, error);
	trial->failure = NULL;

	/*
	 * The statement's actual locks were released when its subtransaction was
	 * rolled back.  Parse again, because parse analysis has modified the
	 * tree.
	 */
	if (!cmig_subtransaction_must_rethrow(error))
		row.locks = expected_locks(trial, cmig_planned_locks_start(),
								   cmig_raw_parse_one(run->statement.text)->stmt);
	/* if the statement fails, run_step() adds a row */
	if (row.locks != NULL && (reason == NULL || trial->failure != NULL))
		trial->expected = MemoryContextStrdup(trial->context, row.locks);
	if (reason == NULL)
		ReThrowError(error);
	trial->measuring = false;
	if (trial->failure != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED), errmsg("%s", trial->failure),
				 trial->direction == CMIG_UPGRADE ?
				 errhint("SELECT revision, safe_rewrite FROM cmig.lint() WHERE rule = 'ban-concurrently-on-partitioned-table'") : 0));
	trial->incomplete = true;
	row.error = psprintf("not tried: %s", reason);
	put_row(trial, &row);
}

/*
 * Steps
 */

/* If the text asks for rows, which the copy of an engine does not have, leave it out. */
static void
leave_out(Trial *trial, const char *what, const char **sql)
{
	TrialRow	row = {.command = what,.rows = CMIG_NO_ROWS,.error = "not tried: the copy of the schema has no rows"};

	if (*sql == NULL || !cmig_settings_engine())
		return;
	put_row(trial, &row);
	*sql = NULL;
}

/*
 * Subtransaction callback: run a step as an upgrade does, but with
 * try_statement() for its statements.
 */
static void
attempt_step(void *arg)
{
	Trial	   *trial = arg;
	CmigRunStep step = *cmig_step_texts_get(trial->texts, trial->number - 1);

	step.tried = true;
	step.statement = try_statement;
	step.statement_arg = trial;
	leave_out(trial, "precondition", &step.precondition_sql);
	leave_out(trial, "verify", &step.verify_sql);
	cmig_runner_run(&step, CMIG_RUN_ALL);
	cmig_move_rows(&trial->now, &trial->plan->steps[trial->number - 1]);
}

/*
 * Add a row for the failed statement, or for an error outside the statements.
 */
static void
add_failure(Trial *trial, const ErrorData *error, int statement)
{
	TrialRow	row = {.statement = statement,.rows = CMIG_NO_ROWS,.error = error_text(error)};

	if (trial->incomplete)
		row.error = psprintf("%s\nAn earlier statement was not tried.", row.error);
	if (statement == trial->statement && cmig_running.verifying == trial->verifying)
	{
		row.line = trial->line;
		row.command = trial->command;
		row.locks = trial->expected;
	}
	else
	{
		const CmigRunStep *step = cmig_step_texts_get(trial->texts, trial->number - 1);
		const char *number = cmig_text_after(cmig_script_run_place(error), ", line ");

		/* the place is that in the file */
		if (number != NULL)
			row.line = atoi(number) - cmig_run_step_line(step, cmig_running.verifying, 1) + 1;
	}
	if (trial->measuring)
	{
		cmig_measure_fail(&trial->measure);
		row.measure = &trial->measure;
		trial->measuring = false;
	}
	put_row(trial, &row);
}

/*
 * Subtransaction callback: add a row for each statement that is skipped, until
 * a statement cannot be parsed.
 */
static void
pass_statements(void *arg)
{
	Trial	   *trial = arg;
	CmigScriptReader *script = cmig_script_open(cmig_step_texts_get(trial->texts,
																	trial->number - 1)->sql);
	CmigStatement statement;

	(void) cmig_session_read_quietly();
	cmig_settings_override("search_path", cmig_session_search_path());
	while (cmig_script_next(script, &statement))
	{
		TrialRow	row = {.statement = statement.number,.line = statement.line};

		row.locks = expected_locks(trial, trial->passed, statement.raw->stmt);
		cmig_script_settings_follow(statement.raw->stmt);
		if (statement.number <= trial->after)
			continue;
		row.command = CreateCommandName(statement.raw->stmt);
		row.error = psprintf("not tried: %s%s%s", trial->reason, trial->failure != NULL ? "\n" : "",
							 trial->failure != NULL ? trial->failure : "");
		put_row(trial, &row);
	}
}

/*
 * Add a row for each statement of the current step after statement number
 * "after".  Each row says that the statement was not tried.
 */
static void
pass_over(Trial *trial, int after, const char *reason)
{
	MemoryContext old = MemoryContextSwitchTo(trial->context);
	ErrorData  *error;

	if (trial->passed == NULL)
		trial->passed = cmig_planned_locks_start();
	MemoryContextSwitchTo(old);
	trial->after = after;
	trial->reason = trial->stopped != NULL ? trial->stopped : reason;
	error = cmig_subtransaction_rehearse(pass_statements, trial);
	cmig_lint_state_drop_temporary(trial->passed);
	require_own_error(error);
}

/*
 * Run the current step in a subtransaction, which is kept if the step succeeds.
 * Returns true on success.  On failure, the added rows contain the reason.  An
 * error is raised only if the whole call was canceled.
 */
static bool
run_step(Trial *trial)
{
	ErrorData  *error;
	int			statement;

	trial->statement = 0;
	trial->command[0] = '\0';
	trial->measuring = false;
	error = cmig_subtransaction_try(attempt_step, trial);
	if (error == NULL)
		return true;
	require_own_error(error);
	cmig_existing_rolled_back(trial->relations);
	statement = cmig_running.statement;
	add_failure(trial, error, statement);
	if (cmig_run_limit_passed())
		trial->stopped = "the time limit has passed";

	/*
	 * if the precondition failed, report that all statements of the script
	 * were skipped
	 */
	if (strncmp(trial->command, "precondition: ", 14) == 0)
		pass_over(trial, 0, "its precondition is not met");
	else if (statement > 0 && !cmig_running.verifying)
		pass_over(trial, statement, psprintf("statement %d failed", statement));
	return false;
}

CmigPlan *
cmig_plan_make(const CmigSituation *now, CmigDirection direction, const CmigNames *targets)
{
	CmigDowngradeTarget *resolved;

	if (direction == CMIG_UPGRADE)
		return cmig_move_plan_upgrade(now, targets);
	if (targets->count != 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a downgrade must have exactly one target"),
				 errhint("Downgrade one branch at a time, for example to label@base.")));
	return cmig_move_plan_downgrade(now, targets->names[0], &resolved);
}

/* Returns the first of the nodes that is missing, or -1 if there is none. */
static int
find_missing(const Trial *trial, const CmigEdges *edges)
{
	for (int i = 0; i < edges->count; i++)
		if (trial->missing[edges->nodes[i]])
			return edges->nodes[i];
	return -1;
}

/* Returns a missing node that the step for "node" requires, or -1. */
static int
find_obstacle(const Trial *trial, int node)
{
	const CmigNode *of = &trial->now.graph->nodes[node];
	bool		up = trial->direction == CMIG_UPGRADE;
	int			found = find_missing(trial, up ? &of->parents : &of->children);

	/* a repeatable revision requires all other revisions of the plan */
	for (int i = 0; i < trial->now.graph->count && cmig_repeatables_is(trial->now.graph, node); i++)
		if (trial->missing[i])
			return i;
	return found >= 0 ? found : find_missing(trial, up ? &of->depends : &of->dependents);
}

/* Perform the checks that cmig.upgrade performs after its last step. */
static void
check_end(void *arg)
{
	Trial	   *trial = arg;

	cmig_move_require_rows(&trial->now, trial->plan);
	if (trial->direction == CMIG_UPGRADE)
		cmig_rls_gate();
}

/*
 * Run all steps, or report why they are skipped.  Perform the final checks if
 * none fails.
 */
static void
run_steps(Trial *trial)
{
	const CmigGraph *graph = trial->now.graph;
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "pg_cmig trial step",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	ErrorData  *error;

	trial->missing = MemoryContextAllocZero(trial->context,
											Max(graph->count + graph->repeatable_count, 1));
	for (int i = 0; i < trial->plan->count; i++)
	{
		int			node = trial->plan->steps[i].node;
		int			obstacle = find_obstacle(trial, node);

		CHECK_FOR_INTERRUPTS();
		trial->number = i + 1;
		if (trial->stopped == NULL && obstacle < 0)
			trial->missing[node] = !run_step(trial);
		else
		{
			trial->missing[node] = true;
			pass_over(trial, 0, obstacle < 0 ? NULL :
					  psprintf("revision \"%s\" has not been run", cmig_graph_id(graph, obstacle)));
		}
		trial->failed |= trial->missing[node];
		MemoryContextReset(context);
	}
	MemoryContextSwitchTo(old);
	trial->number = 0;
	if (!trial->failed && (error = cmig_subtransaction_rehearse(check_end, trial)) != NULL)
	{
		TrialRow	row = {.error = error_text(error)};

		require_own_error(error);
		put_row(trial, &row);
	}
}

/* Perform the dry run.  The caller rolls back the subtransaction. */
static void
dry_run(void *arg)
{
	Trial	   *trial = arg;

	if (LockTimeout == 0)
		cmig_settings_override("lock_timeout", LOCK_TIMEOUT);
	if (trial->plain)
		cmig_settings_override("cmig.concurrent_ddl", "off");

	/*
	 * avoid parallel workers, because this backend's statistics do not count
	 * what the workers read
	 */
	cmig_settings_override("max_parallel_workers_per_gather", "0");
	cmig_settings_override("max_parallel_maintenance_workers", "0");
	cmig_settings_count();

	cmig_change_begin("cmig.dry_run()");
	cmig_run_limit_tighten("cmig.dry_run_timeout",
						   cmig_dry_run_limit(NULL));
	trial->now = cmig_move_read(true);
	trial->plan = cmig_plan_make(&trial->now, trial->direction, trial->targets);
	if (trial->plan->count == 0)
	{
		cmig_move_report_nothing(trial->now.graph, trial->now.applied->rows,
								 cmig_direction_name(trial->direction));
		return;
	}
	cmig_move_respect_expansion(&trial->now, trial->plan, false);
	if (trial->plan->count == 0)
		return;
	trial->texts = cmig_step_texts_make(trial->now.graph, trial->plan);
	trial->checksum = cmig_plan_checksum(&trial->now, trial->plan, trial->texts, NULL, NULL);
	trial->relations = cmig_measure_start();
	if (trial->waiters)
		cmig_waiters_watch();
	start_watch(trial->max_table_size);
	run_steps(trial);
}

/* list_sort comparator: by name. */
static int
compare_names(const ListCell *a, const ListCell *b)
{
	return strcmp(((CmigExisting *) lfirst(a))->name, ((CmigExisting *) lfirst(b))->name);
}

/*
 * Report what the dry run leaves behind after the rollback: advanced sequences
 * and dead rows.
 */
static void
report_traces(const Trial *trial)
{
	CmigListing moved;
	CmigListing dead;

	cmig_listing_init(&moved, CMIG_LISTING_PLAIN);
	foreach_ptr(CmigExisting, sequence, trial->moved)
		cmig_listing_add(&moved, sequence->name);
	cmig_listing_init(&dead, CMIG_LISTING_PLAIN);
	list_sort(trial->relations->used, compare_names);
	foreach_ptr(CmigExisting, relation, trial->relations->used)
	{
		int64		rows = cmig_existing_left_dead(relation);

		if (rows > 0)
			cmig_listing_add_format(&dead, "%s (" INT64_FORMAT ")", relation->name, rows);
	}
	/* the copy in an engine is dropped */
	if (cmig_settings_engine())
		return;
	if (moved.count > 0)
		ereport(NOTICE,
				(errmsg("the dry run has advanced sequences: %s", cmig_listing_text(&moved)),
				 errdetail("A rollback does not reset sequences.")));
	if (dead.count > 0)
		ereport(NOTICE,
				(errmsg("the dry run has left dead rows: %s", cmig_listing_text(&dead)),
				 errdetail("VACUUM removes them.")));
}

CMIG_READER(cmig_dry_run)
{
	Trial	   *trial = palloc0(sizeof(Trial));
	ErrorData  *error;
	char	   *concurrently;

	InitMaterializedSRF(fcinfo, 0);
	trial->direction = cmig_argument_direction(fcinfo, "SELECT * FROM cmig.dry_run");
	trial->targets = cmig_argument_target(fcinfo, 1);
	if (trial->targets->names[0] == NULL)
		trial->targets->names[0] = "head";

	/*
	 * reject "head", which is the default target, because a downgrade cannot
	 * reach it
	 */
	if (trial->direction == CMIG_DOWNGRADE && strcmp(trial->targets->names[0], "head") == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a downgrade requires a target"),
				 cmig_hint("`SELECT * FROM cmig.dry_run('downgrade', '-1')`")));
	concurrently = cmig_argument_text(fcinfo, 2);
	trial->plain = concurrently != NULL && strcmp(concurrently, "plain") == 0;
	if (!trial->plain && (concurrently == NULL || strcmp(concurrently, "skip") != 0))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("concurrently must be skip or plain"),
				 errhint("SELECT * FROM cmig.dry_run(concurrently => 'skip')")));
	trial->max_table_size = PG_ARGISNULL(3) ? -1 : PG_GETARG_INT64(3);
	if (!PG_ARGISNULL(3) && trial->max_table_size < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("max_table_size must not be negative"),
				 errhint("SELECT * FROM cmig.dry_run(max_table_size => pg_size_bytes('100 MB'))")));
	trial->waiters = cmig_argument_bool(fcinfo, 4, false);
	trial->fcinfo = fcinfo;
	trial->context = CurrentMemoryContext;
	error = cmig_subtransaction_rehearse(dry_run, trial);
	cmig_waiters_unwatch();
	if (trial->relations != NULL)
		cmig_existing_restore(trial->relations);
	if (error != NULL)
		ReThrowError(error);
	if (trial->checksum != NULL)
	{
		ereport(NOTICE, (errmsg("plan_checksum is %s", trial->checksum)));
		report_traces(trial);
	}
	return (Datum) 0;
}
