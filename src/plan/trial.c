/*
 * trial.c
 *	  Trying statements, each in a subtransaction.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "datatype/timestamp.h"
#include "executor/executor.h"
#include "fmgr.h"
#include "funcapi.h"
#include "parser/parsetree.h"
#include "tcop/utility.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "base/base.h"
#include "base/compat.h"
#include "base/errors.h"
#include "graph/graph.h"
#include "move/move.h"
#include "parse/parse.h"
#include "plan/internal.h"
#include "run/run.h"

/* ----------------------------------------------------------------
 * Refuses statements and function calls that a dry run must not execute.
 *
 * Some effects survive a rollback or reach outside the database, and some
 * statements would block other sessions for a long time.  While the check is
 * on, hooks examine each statement, query, and function call, including those
 * inside functions and DO blocks, and raise an error before a refused one runs.
 * ----------------------------------------------------------------
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

/*
 * Sizes
 */

/* Returns the maximum size of tables that may be changed; -1 means no limit. */
static int64
current_limit(void)
{
	return size_limit < 0 && is_plain ? PLAIN_LIMIT : size_limit;
}

/* Refuse to change a table that is larger than the limit. */
static void
require_size(const char *table, int64 size)
{
	if (current_limit() < 0 || size <= current_limit())
		return;
	refuse(psprintf("%s has a size of %s, more than %s", table,
					cmig_existing_size_text(size),
					size_limit < 0 ? "100 MB, which is the limit without CONCURRENTLY unless max_table_size is set" :
					"max_table_size"));
}

/*
 * Check the relations that a utility statement locks.  Refuses to block writers
 * to tables larger than the limit.  A statement around an analyzed query is
 * skipped, because the raw parse tree walker does not support such a query: the
 * query's tables are checked when the query runs, and the statement itself
 * locks no other tables.
 */
static void
look_at_locks(Node *statement)
{
	List	   *unknown;
	ListCell   *lc;

	if (current_limit() < 0 || IsA(statement, CreateTableAsStmt) || IsA(statement, ExplainStmt) ||
		IsA(statement, DeclareCursorStmt) || IsA(statement, CallStmt))
		return;
	foreach(lc, cmig_planned_locks_of(cmig_planned_locks_start(), statement, &unknown))
	{
		CmigPlannedLock *lock = lfirst(lc);

		if (lock->mode >= ShareLock && OidIsValid(lock->oid))
			require_size(lock->name, lock->size);
	}
}

/*
 * Refuse a query that changes a table larger than the limit.  The limit does not
 * apply to pg_cmig's tables, which a run updates.
 */
static void
look_at_query(PlannedStmt *plan)
{
	Oid			own_schema = get_namespace_oid("cmig", true);
	ListCell   *lc;

	if (current_limit() < 0 || (plan->commandType == CMD_INSERT && !plan->hasModifyingCTE))
		return;
	foreach(lc, plan->resultRelations)
	{
		Oid			table = rt_fetch(lfirst_int(lc), plan->rtable)->relid;

		if (!OidIsValid(own_schema) || get_rel_namespace(table) != own_schema)
			require_size(cmig_query_relation_name(table),
						 cmig_existing_size_now(table));
	}
}

/*
 * Hooks
 */

/* ProcessUtility hook: check a utility statement before it runs. */
static void
watch_utility(PlannedStmt *statement, const char *query, bool read_only_tree,
			  ProcessUtilityContext context, ParamListInfo params,
			  QueryEnvironment *environment, DestReceiver *dest,
			  QueryCompletion *completion)
{
	if (watching)
	{
		const char *reason = cmig_outside_of_statement(statement->utilityStmt, watching_since);

		if (reason != NULL)
			refuse(reason);
		look_at_locks(statement->utilityStmt);
	}
	if (next_ProcessUtility)
		next_ProcessUtility(statement, query, read_only_tree, context, params,
							environment, dest, completion);
	else
		standard_ProcessUtility(statement, query, read_only_tree, context, params,
								environment, dest, completion);
}

/* ExecutorStart hook: check a query's tables before it runs. */
static void
watch_query(QueryDesc *query, int flags)
{
	if (watching && !(flags & EXEC_FLAG_EXPLAIN_ONLY))
		look_at_query(query->plannedstmt);
	if (next_ExecutorStart)
		next_ExecutorStart(query, flags);
	else
		standard_ExecutorStart(query, flags);
}

/*
 * Subtransaction callback: turn the check off when the subtransaction that
 * turned it on ends.
 */
static void
end_subtransaction(SubXactEvent event, SubTransactionId ended, SubTransactionId parent, void *arg)
{
	if (ended == watching_since && (event == SUBXACT_EVENT_ABORT_SUB || event == SUBXACT_EVENT_COMMIT_SUB))
		cmig_refusal_unwatch();
}

void
cmig_refusal_init(void)
{
	next_ProcessUtility = ProcessUtility_hook;
	ProcessUtility_hook = watch_utility;
	next_ExecutorStart = ExecutorStart_hook;
	ExecutorStart_hook = watch_query;
	RegisterSubXactCallback(end_subtransaction, NULL);
}

void
cmig_refusal_watch(int64 max_table_size)
{
	size_limit = max_table_size;
	is_plain = false;
	last_refusal[0] = '\0';
	watching_since = GetCurrentSubTransactionId();
	watching = true;
	functions.mark = GetCurrentTransactionId();
	former = cmig_outside_watch(&functions);
}

void
cmig_refusal_unwatch(void)
{
	if (watching)
		(void) cmig_outside_watch(former);
	watching = false;
	watching_since = InvalidSubTransactionId;
}

/*
 * Returns the reason for the last refusal since the previous call of this
 * function, or NULL if nothing was refused.  The result is allocated in the
 * current memory context.
 */
static char *
take_refusal(void)
{
	char	   *reason = last_refusal[0] != '\0' ? pstrdup(last_refusal) : NULL;

	last_refusal[0] = '\0';
	return reason;
}

/* ----------------------------------------------------------------
 * Runs the steps and statements of a dry run, and returns their rows.
 *
 * Each step runs in a subtransaction, so that a failed step does not affect
 * steps that do not build on it.  Within a step, each statement has its own
 * subtransaction.  The statement's own subtransaction makes it possible to see
 * which locks the statement takes, and to roll back only the statement if it is
 * refused.
 * ----------------------------------------------------------------
 */

#define COLUMNS 12

/*
 * Rows
 */

/* Set a text column. */
static void
put_text(Datum *values, bool *nulls, int i, const char *text)
{
	nulls[i] = text == NULL;
	values[i] = text == NULL ? (Datum) 0 : CStringGetTextDatum(text);
}

void
cmig_trial_add_row(CmigTrial *trial, const CmigTrialRow *row)
{
	ReturnSetInfo *result = (ReturnSetInfo *) trial->fcinfo->resultinfo;
	const CmigMeasure *measure = row->measure;
	Datum		values[COLUMNS] = {0};
	bool		nulls[COLUMNS];

	memset(nulls, true, sizeof(nulls));
	if (trial->number > 0)
	{
		values[0] = Int32GetDatum(trial->number);
		nulls[0] = false;
		put_text(values, nulls, 1, cmig_graph_id(trial->now.graph, trial->plan->steps[trial->number - 1].node));
	}
	if (row->statement > 0)
	{
		values[2] = Int32GetDatum(row->statement);
		values[3] = Int32GetDatum(row->line);
		nulls[2] = false;
		nulls[3] = row->line == 0;
	}
	put_text(values, nulls, 4, row->command);
	values[5] = Int64GetDatum(row->rows);
	nulls[5] = measure == NULL || row->rows == CMIG_NO_ROWS;
	put_text(values, nulls, 7, measure != NULL && measure->locks != NULL ? measure->locks : row->locks);
	if (measure != NULL)
	{
		Interval   *interval = palloc0(sizeof(Interval));

		interval->time = measure->elapsed_us;
		values[6] = IntervalPGetDatum(interval);
		put_text(values, nulls, 8, measure->rewrites);
		put_text(values, nulls, 9, measure->scans);
		values[10] = Int64GetDatum(measure->wal_bytes);
		nulls[6] = nulls[10] = false;
	}
	put_text(values, nulls, 11, row->error);
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

char *
cmig_trial_error_text(const ErrorData *error)
{
	StringInfoData text;

	initStringInfo(&text);
	appendStringInfo(&text, "%s: %s", unpack_sql_state(error->sqlerrcode), error->message);
	if (error->detail != NULL)
		appendStringInfo(&text, "\n%s", error->detail);
	if (error->hint != NULL)
		appendStringInfo(&text, "\n%s", error->hint);
	return text.data;
}

/*
 * Statements
 */

/* A search for the locks that a skipped or failed statement would take. */
typedef struct Expected
{
	CmigPlannedLocks *plan;
	Node	   *statement;
	List	   *locks;
	char	   *failure;
} Expected;

/*
 * Subtransaction callback: determine the locks that a statement is expected to
 * take, and whether it fails because of CONCURRENTLY.
 */
static void
expect_locks(void *arg)
{
	Expected   *expected = arg;
	List	   *unknown;

	expected->failure = cmig_planned_locks_failure(expected->plan, expected->statement);
	expected->locks = cmig_planned_locks_of(expected->plan, expected->statement, &unknown);
}

/*
 * Returns a statement's expected locks on relations that existed before the dry
 * run, as a string.  Returns NULL if there are no such locks or if a name
 * lookup fails.  If the statement would fail because of CONCURRENTLY, *failure
 * is set to a sentence that says so; otherwise, to NULL.
 */
static char *
expected_locks(CmigTrial *trial, CmigPlannedLocks *plan, Node *statement, char **failure)
{
	Expected   *expected = palloc0(sizeof(Expected));
	List	   *reported = NIL;
	ErrorData  *error;
	ListCell   *lc;

	expected->plan = plan;
	expected->statement = statement;
	error = cmig_subtransaction_rehearse(expect_locks, expected);
	if (error != NULL)
		cmig_trial_require_own_error(error);
	*failure = expected->failure;
	foreach(lc, expected->locks)
	{
		CmigPlannedLock *lock = lfirst(lc);
		CmigExisting *relation;

		if (!OidIsValid(lock->oid))
			continue;
		relation = cmig_existing_get(trial->relations, lock->oid);
		if (!relation->existed)
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

/* The argument of attempt_statement(), and the statement's result. */
typedef struct Attempt
{
	CmigTrial  *trial;
	CmigScriptRun *run;
	DestReceiver *dest;
	int64		rows;
} Attempt;

/* Subtransaction callback: run a statement and measure it. */
static void
attempt_statement(void *arg)
{
	Attempt    *attempt = arg;
	CmigScriptRun *run = attempt->run;
	CmigTrial  *trial = attempt->trial;
	RawStmt    *raw;
	const char *name;
	CmigStatementClass class = cmig_statement_classify(run->statement.raw, &name);

	cmig_measure_begin(&trial->measure, trial->relations);
	trial->measuring = true;
	is_plain = class == CMIG_STATEMENT_CONCURRENTLY || class == CMIG_STATEMENT_OWN_PROCEDURE;
	raw = cmig_run_check_statement(run->step, run->statement.raw);
	attempt->rows = cmig_execute_statement(raw, run->statement.text, attempt->dest);
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
reason_not_tried(const Attempt *attempt, const ErrorData *error)
{
	const char *refused = take_refusal();

	if (refused != NULL)
		return refused;
	if (attempt->run->step->transactional)
		return NULL;
	switch (error->sqlerrcode)
	{
		case ERRCODE_CMIG_NEEDS_STEPWISE:
		case ERRCODE_ACTIVE_SQL_TRANSACTION:
			return error->message;
		case ERRCODE_INVALID_TRANSACTION_TERMINATION:
			return "it commits or rolls back";
		default:
			return NULL;
	}
}

/* CmigRunStatement callback: run the current statement in a subtransaction. */
static void
try_statement(CmigScriptRun *run, DestReceiver *dest, void *arg)
{
	CmigTrial  *trial = arg;
	Attempt    *attempt = palloc0(sizeof(Attempt));
	CmigTrialRow row = {.statement = run->statement.number,.line = run->statement.line};
	ErrorData  *error;

	attempt->trial = trial;
	attempt->run = run;
	attempt->dest = dest;
	trial->statement = run->statement.number;
	trial->line = run->statement.line;
	trial->verifying = run->verifying;
	trial->expected = NULL;
	snprintf(trial->command, sizeof(trial->command), "%s%s", run->verifying ? "verify: " : run->checking ? "precondition: " : "",
			 CreateCommandName(run->statement.raw->stmt));
	(void) take_refusal();
	row.command = trial->command;
	error = cmig_subtransaction_try(attempt_statement, attempt);
	if (error != NULL)
	{
		const char *reason = reason_not_tried(attempt, error);
		char	   *failure = NULL;

		/*
		 * The statement's actual locks were released when its subtransaction
		 * was rolled back.  Parse again, because parse analysis has modified
		 * the tree.
		 */
		if (!cmig_subtransaction_must_rethrow(error))
			row.locks = expected_locks(trial, cmig_planned_locks_start(),
									   cmig_raw_parse_one(run->statement.text)->stmt, &failure);
		/* if the statement fails, cmig_trial_run_step() adds a row */
		if (reason == NULL || failure != NULL)
		{
			if (row.locks != NULL)
				trial->expected = MemoryContextStrdup(GetMemoryChunkContext(trial), row.locks);
			if (reason == NULL)
				ReThrowError(error);
			trial->measuring = false;
			ereport(ERROR,
					(errcode(ERRCODE_FEATURE_NOT_SUPPORTED), errmsg("%s", failure),
					 trial->plan->direction == CMIG_UPGRADE ?
					 errhint("SELECT revision, safe_rewrite FROM cmig.lint() WHERE rule = 'ban-concurrently-on-partitioned-table'") : 0));
		}
		trial->measuring = false;
		trial->incomplete = true;
		row.error = psprintf("not tried: %s", reason);
	}
	else
	{
		const char *refused = take_refusal();
		MemoryContext old = MemoryContextSwitchTo(GetMemoryChunkContext(trial));

		/* remember the sequences that the statement has advanced */
		trial->moved = list_concat_unique_ptr(trial->moved, trial->measure.moved);
		MemoryContextSwitchTo(old);
		row.measure = &trial->measure;
		row.rows = attempt->rows;
		if (refused != NULL)
			row.error = psprintf("only partly tried: %s", refused);
	}
	cmig_trial_add_row(trial, &row);
}

/*
 * Steps
 */

/*
 * Subtransaction callback: run a step as an upgrade does, but with
 * try_statement() for its statements.
 */
static void
attempt_step(void *arg)
{
	CmigTrial  *trial = arg;
	CmigRunStep step = *cmig_step_texts_get(trial->texts, trial->number - 1);

	step.tried = true;
	step.statement = try_statement;
	step.statement_arg = trial;
	cmig_runner_run(&step);
	cmig_move_rows(&trial->now, &trial->plan->steps[trial->number - 1]);
}

void
cmig_trial_require_own_error(ErrorData *error)
{
	if (error->sqlerrcode == ERRCODE_QUERY_CANCELED && !cmig_run_limit_passed() &&
		error->message_id != NULL &&
		strcmp(error->message_id, "canceling statement due to user request") == 0)
		ReThrowError(error);
}

/*
 * Add a row for the failed statement, or for an error outside the statements.
 */
static void
add_failure(CmigTrial *trial, const ErrorData *error, int statement)
{
	CmigTrialRow row = {.error = cmig_trial_error_text(error)};

	if (trial->incomplete)
		row.error = psprintf("%s\nAn earlier statement was not tried.", row.error);
	row.statement = statement;
	row.rows = CMIG_NO_ROWS;
	if (statement == trial->statement && cmig_running_verifying() == trial->verifying)
	{
		row.line = trial->line;
		row.command = trial->command;
		row.locks = trial->expected;
	}
	else
	{
		/* the place ends with the line of the script */
		const char *place = cmig_script_run_place(error);
		const char *number = place == NULL ? NULL : strrchr(place, ' ');

		row.line = number == NULL ? 0 : atoi(number);
	}
	if (trial->measuring)
	{
		cmig_measure_fail(&trial->measure);
		row.measure = &trial->measure;
		trial->measuring = false;
	}
	cmig_trial_add_row(trial, &row);
}

/* The argument of pass_over(). */
typedef struct PassOver
{
	CmigTrial  *trial;
	int			after;
	const char *reason;
} PassOver;

/*
 * Subtransaction callback: add a row for each statement whose number is greater
 * than "after", until a statement cannot be parsed.
 */
static void
pass_over(void *arg)
{
	PassOver   *rest = arg;
	CmigTrial  *trial = rest->trial;
	CmigScriptReader *script = cmig_script_open(cmig_step_texts_get(trial->texts, trial->number - 1)->sql);
	CmigStatement statement;
	MemoryContext old;

	(void) cmig_session_read_quietly();
	cmig_settings_override("search_path", cmig_session_search_path());
	old = MemoryContextSwitchTo(GetMemoryChunkContext(trial));
	if (trial->passed == NULL)
		trial->passed = cmig_planned_locks_start();
	MemoryContextSwitchTo(old);
	while (cmig_script_next(script, &statement))
	{
		CmigTrialRow row = {.statement = statement.number,.line = statement.line};
		char	   *failure;

		row.locks = expected_locks(trial, trial->passed, statement.raw->stmt, &failure);
		cmig_script_settings_follow(statement.raw->stmt);
		if (statement.number <= rest->after)
			continue;
		row.command = CreateCommandName(statement.raw->stmt);
		row.error = psprintf("not tried: %s", rest->reason);
		if (failure != NULL)
			row.error = psprintf("%s\n%s", row.error, failure);
		cmig_trial_add_row(trial, &row);
	}
}

void
cmig_trial_pass_over(CmigTrial *trial, int after, const char *reason)
{
	PassOver	rest = {.trial = trial,.after = after,.reason = reason};
	ErrorData  *error = cmig_subtransaction_rehearse(pass_over, &rest);

	if (trial->passed != NULL)
		cmig_planned_locks_end_script(trial->passed);
	if (error != NULL)
		cmig_trial_require_own_error(error);
}

bool
cmig_trial_run_step(CmigTrial *trial)
{
	ErrorData  *error;
	int			statement;

	trial->statement = 0;
	trial->command[0] = '\0';
	trial->measuring = false;
	error = cmig_subtransaction_try(attempt_step, trial);
	if (error == NULL)
		return true;
	cmig_trial_require_own_error(error);
	cmig_existing_rolled_back(trial->relations);
	statement = cmig_running_statement();
	add_failure(trial, error, statement);
	if (cmig_run_limit_passed())
		trial->stopped = "the time limit has passed";

	/*
	 * if the precondition failed, report that all statements of the script
	 * were skipped
	 */
	if (strncmp(trial->command, "precondition: ", 14) == 0)
		cmig_trial_pass_over(trial, 0, "its precondition is not met");
	else if (statement > 0 && !cmig_running_verifying())
		cmig_trial_pass_over(trial, statement,
							 trial->stopped ? trial->stopped : psprintf("statement %d failed", statement));
	return false;
}
