/*
 * trial.c
 *	  Runs the steps and statements of a dry run, and returns their rows.
 *
 * Each step runs in a subtransaction, so that a failed step does not affect
 * steps that do not build on it.  Within a step, each statement has its own
 * subtransaction.  The statement's own subtransaction makes it possible to see
 * which locks the statement takes, and to roll back only the statement if it is
 * refused.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/errors.h"
#include "base/settings.h"
#include "base/subtransaction.h"
#include "inspect/refusal.h"
#include "inspect/script_settings.h"
#include "inspect/trial.h"
#include "parse/raw_parse.h"
#include "parse/script.h"
#include "parse/statement.h"
#include "run/execute.h"
#include "run/extension.h"
#include "run/run_check.h"
#include "run/run_limit.h"
#include "run/runner.h"
#include "run/running.h"
#include "run/script_run.h"
#include "run/session.h"

#include "datatype/timestamp.h"
#include "funcapi.h"
#include "tcop/utility.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

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

/* Converts microseconds to an interval datum. */
static Datum
interval_datum(int64 us)
{
	Interval   *interval = palloc0(sizeof(Interval));

	interval->time = us;
	return IntervalPGetDatum(interval);
}

/* Returns the id of the current step's revision. */
static const char *
revision_id(const CmigTrial *trial)
{
	return cmig_graph_id(trial->now.graph, trial->plan->steps[trial->number - 1].node);
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
		put_text(values, nulls, 1, revision_id(trial));
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
		values[6] = interval_datum(measure->elapsed_us);
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
} Expected;

/*
 * Subtransaction callback: determine the locks that a statement is expected to
 * take.
 */
static void
expect_locks(void *arg)
{
	Expected   *expected = arg;
	List	   *unknown;

	expected->locks = cmig_planned_locks_of(expected->plan, expected->statement, &unknown);
}

/*
 * Returns a statement's expected locks on relations that existed before the dry
 * run, as a string.  Returns NULL if there are no such locks or if a name
 * lookup fails.
 */
static char *
expected_locks(CmigTrial *trial, CmigPlannedLocks *plan, Node *statement)
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

/* Is the statement meant to run without blocking other sessions? */
static bool
is_concurrent(const RawStmt *raw)
{
	const char *name;
	CmigStatementClass class = cmig_statement_classify(raw, &name);

	return class == CMIG_STATEMENT_CONCURRENTLY || class == CMIG_STATEMENT_OWN_PROCEDURE;
}

/* Subtransaction callback: run a statement and measure it. */
static void
attempt_statement(void *arg)
{
	Attempt    *attempt = arg;
	CmigScriptRun *run = attempt->run;
	CmigTrial  *trial = attempt->trial;
	RawStmt    *raw;

	cmig_measure_begin(&trial->measure, trial->relations);
	trial->measuring = true;
	cmig_refusal_set_plain(is_concurrent(run->statement.raw));
	raw = cmig_run_check_statement(run->step, run->statement.raw);
	attempt->rows = cmig_execute_statement(raw, run->statement.text, attempt->dest);
	cmig_extension_require(run->step->revision);
	cmig_measure_end(&trial->measure, IsA(raw->stmt, IndexStmt) || IsA(raw->stmt, ReindexStmt));
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
	const char *refused = cmig_refusal_take();

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

/* Record which statement is about to start. */
static void
begin_statement(CmigTrial *trial, const CmigScriptRun *run)
{
	trial->statement = run->statement.number;
	trial->line = run->statement.line;
	trial->verifying = run->verifying;
	trial->expected = NULL;
	snprintf(trial->command, sizeof(trial->command), "%s%s", run->verifying ? "verify: " : run->checking ? "precondition: " : "",
			 CreateCommandName(run->statement.raw->stmt));
}

/* Remember the sequences that a statement has advanced. */
static void
note_moved(CmigTrial *trial)
{
	MemoryContext old = MemoryContextSwitchTo(GetMemoryChunkContext(trial));

	trial->moved = list_concat_unique_ptr(trial->moved, trial->measure.moved);
	MemoryContextSwitchTo(old);
}

/*
 * Remember the locks that the failed statement would have taken.  Its actual
 * locks are no longer known, because they were released when its subtransaction
 * was rolled back.
 */
static void
note_expected(CmigTrial *trial, const CmigScriptRun *run, ErrorData *error)
{
	char	   *locks;

	if (cmig_subtransaction_must_rethrow(error))
		return;
	locks = expected_locks(trial, cmig_planned_locks_start(), cmig_raw_parse_one(run->statement.text)->stmt);
	if (locks != NULL)
		trial->expected = MemoryContextStrdup(GetMemoryChunkContext(trial), locks);
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
	begin_statement(trial, run);
	(void) cmig_refusal_take();
	row.command = trial->command;
	error = cmig_subtransaction_try(attempt_statement, attempt);
	if (error != NULL)
	{
		const char *reason = reason_not_tried(attempt, error);

		/* if the statement failed, cmig_trial_run_step() adds a row */
		if (reason == NULL)
		{
			note_expected(trial, run, error);
			ReThrowError(error);
		}
		trial->measuring = false;
		trial->incomplete = true;
		row.error = psprintf("not tried: %s", reason);
		/* parse again, because parse analysis has modified the tree */
		row.locks = expected_locks(trial, cmig_planned_locks_start(),
								   cmig_raw_parse_one(run->statement.text)->stmt);
	}
	else
	{
		const char *refused = cmig_refusal_take();

		row.measure = &trial->measure;
		row.rows = attempt->rows;
		if (refused != NULL)
			row.error = psprintf("only partly tried: %s", refused);
		note_moved(trial);
	}
	cmig_trial_add_row(trial, &row);
}

/*
 * Steps
 */

/* The argument of attempt_step(). */
typedef struct StepAttempt
{
	CmigTrial  *trial;
	CmigStepTexts *texts;
	const CmigPlanStep *step;
} StepAttempt;

/*
 * Subtransaction callback: run a step as an upgrade does, but with
 * try_statement() for its statements.
 */
static void
attempt_step(void *arg)
{
	StepAttempt *attempt = arg;
	CmigRunStep step = *cmig_step_texts_get(attempt->texts, attempt->trial->number - 1);

	step.tried = true;
	step.statement = try_statement;
	step.statement_arg = attempt->trial;
	cmig_runner_run(&step);
	cmig_move_rows(&attempt->trial->now, attempt->step);
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
 * Returns the line of the script on which the error occurred, or 0 if it is not
 * known.
 */
static int
line_of(const ErrorData *error)
{
	const char *place = cmig_script_run_place(error);
	const char *number = place == NULL ? NULL : strrchr(place, ' ');

	return number == NULL ? 0 : atoi(number);
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
		row.line = line_of(error);
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
	CmigStepTexts *texts;
	int			after;
	const char *reason;
} PassOver;

/* Start recording the names changed by skipped statements. */
static void
start_passing(CmigTrial *trial)
{
	MemoryContext old = MemoryContextSwitchTo(GetMemoryChunkContext(trial));

	if (trial->passed == NULL)
		trial->passed = cmig_planned_locks_start();
	MemoryContextSwitchTo(old);
}

/*
 * Subtransaction callback: add a row for each statement whose number is greater
 * than "after", until a statement cannot be parsed.
 */
static void
pass_over(void *arg)
{
	PassOver   *rest = arg;
	const CmigRunStep *step = cmig_step_texts_get(rest->texts, rest->trial->number - 1);
	CmigScriptReader *script = cmig_script_open(step->sql);
	CmigStatement statement;

	(void) cmig_session_read_quietly();
	cmig_settings_override("search_path", cmig_session_search_path());
	start_passing(rest->trial);
	while (cmig_script_next(script, &statement))
	{
		CmigTrialRow row = {.statement = statement.number,.line = statement.line};

		if (statement.number <= rest->after)
		{
			cmig_script_settings_follow(statement.raw->stmt);
			continue;
		}
		row.command = CreateCommandName(statement.raw->stmt);
		row.error = psprintf("not tried: %s", rest->reason);
		row.locks = expected_locks(rest->trial, rest->trial->passed, statement.raw->stmt);
		cmig_trial_add_row(rest->trial, &row);
		cmig_script_settings_follow(statement.raw->stmt);
	}
}

void
cmig_trial_pass_over(CmigTrial *trial, CmigStepTexts *texts, int after, const char *reason)
{
	PassOver	rest = {.trial = trial,.texts = texts,.after = after,.reason = reason};
	ErrorData  *error = cmig_subtransaction_rehearse(pass_over, &rest);

	if (trial->passed != NULL)
		cmig_planned_locks_end_script(trial->passed);
	if (error != NULL)
		cmig_trial_require_own_error(error);
}

bool
cmig_trial_run_step(CmigTrial *trial, CmigStepTexts *texts, const CmigPlanStep *step)
{
	StepAttempt attempt = {.trial = trial,.texts = texts,.step = step};
	ErrorData  *error;
	int			statement;

	trial->statement = 0;
	trial->command[0] = '\0';
	trial->measuring = false;
	error = cmig_subtransaction_try(attempt_step, &attempt);
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
		cmig_trial_pass_over(trial, texts, 0, "its precondition is not met");
	else if (statement > 0 && !cmig_running_verifying())
		cmig_trial_pass_over(trial, texts, statement,
							 trial->stopped ? trial->stopped : psprintf("statement %d failed", statement));
	return false;
}
