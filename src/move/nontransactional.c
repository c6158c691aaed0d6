/*
 * nontransactional.c
 *	  Runs the statements of a nontransactional revision.
 *
 * run/runner.c decides which statements can only run here.
 *
 * When a statement is interrupted, the state in its row in cmig.progress shows
 * how to resume.  The row is written at different times:
 *
 * - If a statement can run inside a transaction, its row is written in the
 *   same transaction, with state "done".  Therefore, the statement runs
 *   exactly once.
 * - For a CALL or DO, a row with state "in_doubt" is written in the
 *   transaction in which the statement begins, and set to "done" in the
 *   transaction in which it ends.  If the statement does not commit, both are
 *   the same transaction.  If it commits and is then interrupted, the row
 *   remains in doubt.
 * - For any other statement, a row with state "running" is written before the
 *   statement begins.  After an interruption, the catalogs show how much was
 *   done (see move.h).
 * - For a procedure of pg_cmig, a row with state "running" is written before
 *   the procedure begins.  The procedure itself knows where to resume.
 *
 * These rows are written with the caller's privileges, even if the script has
 * set another role.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "common/string.h"
#include "mb/pg_wchar.h"
#include "parser/parse_func.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/memutils.h"

#include "base/errors.h"
#include "move/internal.h"

/*
 * The statements of a script that an earlier call has run, and that this call
 * skips, except for those that only set something in the session, which it runs
 * again.  Temporary objects that the skipped statements created in the session
 * of the earlier call no longer exist, but a later statement may need them.
 */
typedef struct Skipped
{
	MemoryContext context;		/* memory context of the lists */
	bool		any;			/* has any statement been skipped? */
	int			resumed_at;		/* number of the first statement that was not
								 * skipped, or 0 */
	List	   *temporary;		/* of int: numbers of the skipped statements
								 * that created temporary objects */
	List	   *temporary_names;	/* of char *: names of the objects that
									 * these statements created */
} Skipped;

/*
 * The maximum number of times that the leftovers of a statement are removed
 * before the statement is run again.  Another session may keep creating new
 * leftovers.
 */
#define MAX_CLEANUPS 10

/* The state of a nontransactional step that is being run. */
typedef struct StepRun
{
	CmigScriptRun script;
	const CmigRunStep *step;
	CmigInDoubt *in_doubt;
	Oid			caller;			/* role that called the run; the script may
								 * have set another role */
	List	   *rows;			/* of CmigProgressRow *: the progress of
								 * earlier calls */

	Skipped		skipped;

	/* The following fields describe the current statement. */
	RawStmt    *raw;
	char	   *checksum;
	CmigProgressRow *row;		/* row that an earlier call has written for
								 * the statement, or NULL */
	char	   *detail;			/* information needed to resume the statement */
	bool		begun;			/* may an earlier attempt to run the statement
								 * have left something behind? */
	bool		calling;		/* is a CALL or DO being run, which may
								 * commit? */
	bool		judging;		/* is a statement being run whose effect the
								 * catalogs show? */
	bool		own;			/* is a pg_cmig procedure being run? */
} StepRun;

/* The role that called the current run, or InvalidOid if there is none. */
static Oid	run_caller = InvalidOid;

/* Has the pg_cmig procedure that is running committed any of its work? */
static bool own_work_is_there = false;

/*
 * Switch to the role that called the run, whose privileges are used to write
 * to pg_cmig's tables.
 */
static CmigRole
begin_own_work(const StepRun *run)
{
	CmigRole	saved;

	cmig_role_act_as_caller(&saved, run->caller);
	/* allow writes even if the script has set default_transaction_read_only */
	XactReadOnly = false;
	return saved;
}

/* Write the current statement's row in cmig.progress. */
static void
write_row(const StepRun *run, CmigProgressState state, const char *detail)
{
	CmigRole	saved = begin_own_work(run);

	cmig_progress_write(run->step->revision, run->step->direction,
						run->script.statement.number, state, detail);
	cmig_role_return(&saved);
}

/* Delete the current statement's row in cmig.progress. */
static void
remove_row(const StepRun *run)
{
	CmigRole	saved = begin_own_work(run);

	cmig_progress_clear(run->step->revision, run->step->direction,
						run->script.statement.number);
	cmig_role_return(&saved);
}

/*
 * Returns the detail for a row of cmig.progress: a JSON object with the
 * statement's checksum and other members.
 */
static char *
make_detail(const StepRun *run, const char *members)
{
	return psprintf("{\"checksum\": \"%s\"%s%s}", run->checksum,
					members[0] ? ", " : "", members);
}

/*
 * Returns a description of the current statement for notices, such as "upgrade
 * of 003, statement 2".
 */
static char *
what(const StepRun *run)
{
	return psprintf("%s of %s, statement %d", run->script.verb, run->step->revision,
					run->script.statement.number);
}

/*
 * Attempt callback: run the statement, and record it as done in the same
 * transaction.
 */
static void
run_plain(void *arg)
{
	StepRun    *run = arg;

	cmig_toplevel_execute(run->raw, run->script.statement.text);
	cmig_extension_require(run->step->revision);
	write_row(run, CMIG_PROGRESS_DONE, make_detail(run, ""));
}

/* Does the statement call a pg_cmig procedure? */
static bool
is_own_procedure(const RawStmt *raw)
{
	bool		qualified;
	Oid			ours;

	if (cmig_statement_own_procedure(raw, &qualified) == NULL)
		return false;
	if (qualified)
		return true;
	ours = get_namespace_oid("cmig", true);
	return OidIsValid(ours) && list_member_oid(fetch_search_path(false), ours);
}

/*
 * Attempt callback: run a CALL or DO.  The statement's row is in doubt until
 * the statement ends.
 */
static void
run_in_doubt(void *arg)
{
	StepRun    *run = arg;

	cmig_toplevel_snapshot();
	write_row(run, CMIG_PROGRESS_IN_DOUBT, make_detail(run, ""));
	cmig_toplevel_execute(run->raw, run->script.statement.text);
	cmig_extension_require(run->step->revision);
	write_row(run, CMIG_PROGRESS_DONE, NULL);
}

/*
 * Attempt callback: can the CALL or DO be repeated?  It can if cmig.progress
 * has no row for the statement, which means that the statement has not
 * committed.
 */
static bool
has_not_committed(void *arg)
{
	StepRun    *run = arg;
	CmigRole	saved = begin_own_work(run);
	List	   *rows;

	cmig_toplevel_snapshot();
	rows = cmig_progress_read();
	cmig_role_return(&saved);
	return cmig_progress_find(rows, run->step->revision, run->step->direction,
							  run->script.statement.number) == NULL;
}

/*
 * Run a CALL or DO.  If an earlier call has left the statement in doubt,
 * handle it as the caller has requested.
 */
static void
run_call(StepRun *run)
{
	const char *text = run->script.statement.text;
	CmigInDoubt answer = *run->in_doubt;

	if (run->row != NULL)
	{
		*run->in_doubt = CMIG_IN_DOUBT_STOP;
		switch (answer)
		{
			case CMIG_IN_DOUBT_STOP:
				ereport(ERROR,
						(errcode(ERRCODE_CMIG_IN_DOUBT),
						 errmsg("statement %d of revision \"%s\" is in doubt",
								run->script.statement.number, run->step->revision),
						 errdetail("When the run was interrupted, the statement had already committed some or all of its work. The statement is: %.*s",
								   pg_mbcliplen(text, strlen(text), 200), text),
						 cmig_hint("Check whether the statement's work is complete. %s continues after it; `in_doubt => 'again'` runs it again.",
								   cmig_script_run_call(run->step, true))));
				break;
			case CMIG_IN_DOUBT_DONE:
				write_row(run, CMIG_PROGRESS_DONE, make_detail(run, ""));
				cmig_toplevel_commit();
				return;
			case CMIG_IN_DOUBT_AGAIN:
				remove_row(run);
				cmig_toplevel_commit();
				break;
		}
	}
	run->calling = true;
	cmig_toplevel_attempt(run_in_doubt, has_not_committed, run, what(run));
	run->calling = false;
}

/*
 * Find out what an earlier attempt to run the current statement has done.  If
 * the statement is done or can be finished, returns true.  Otherwise, removes
 * what the earlier attempt has left behind, and returns false.
 */
static bool
clear_up(StepRun *run)
{
	List	   *kept = NIL;

	for (int i = 0;; i++)
	{
		CmigResumeVerdict verdict;
		List	   *leftovers;
		char	   *finish;
		bool		removed = false;

		cmig_toplevel_snapshot();
		verdict = cmig_resume_judge(run->raw, run->detail, &leftovers, &finish);
		if (verdict == CMIG_RESUME_DONE)
			return true;
		if (verdict == CMIG_RESUME_FINISH)
		{
			cmig_toplevel_commit();
			cmig_toplevel_run_sql(finish, what(run));
			return true;
		}
		if (i == MAX_CLEANUPS)
			return false;
		foreach_ptr(CmigLeftover, leftover, leftovers)
		{
			/* report each one once */
			if (leftover->kept && list_member_oid(kept, leftover->index))
				continue;
			if (leftover->kept)
				kept = lappend_oid(kept, leftover->index);
			removed |= !leftover->kept;
			cmig_resume_remove(leftover);
		}
		if (!removed)
			return false;
	}
}

/*
 * Attempt callback: run the statement, after removing what an earlier attempt
 * has left behind.
 */
static void
run_top_level(void *arg)
{
	StepRun    *run = arg;
	const char *reason;

	if (!run->begun || !clear_up(run))
	{
		run->begun = true;
		cmig_toplevel_commit();
		if (cmig_statement_is_concurrent(run->raw))
		{
			(void) cmig_statement_classify(run->raw, &reason);
			cmig_toplevel_warn_of_snapshots(reason);
		}
		cmig_toplevel_execute(run->raw, run->script.statement.text);
	}
	write_row(run, CMIG_PROGRESS_DONE, NULL);
}

/*
 * Run a statement that cannot run inside a transaction.  If cmig.progress has
 * a row for the statement, an earlier call has begun the statement, and this
 * function resumes it.
 */
static void
run_judged(StepRun *run)
{
	if (run->row != NULL)
	{
		run->detail = run->row->detail;
		run->begun = true;
	}
	else
	{
		cmig_toplevel_snapshot();
		run->detail = make_detail(run, cmig_resume_prepare(run->raw));
		write_row(run, CMIG_PROGRESS_RUNNING, run->detail);
		cmig_toplevel_commit();
		run->begun = false;
	}
	run->judging = true;
	cmig_toplevel_attempt(run_top_level, NULL, run, what(run));
	run->judging = false;
}

void
cmig_nontransactional_note_own_work(void)
{
	own_work_is_there = true;
}

/*
 * If the failed statement has left nothing behind that the next call has to
 * remove, delete its row in
 * cmig.progress, so that the statement can be corrected before the next call.
 */
static void
forget_failed(StepRun *run)
{
	List	   *leftovers = NIL;
	char	   *finish;

	if (run->own ? own_work_is_there : !run->judging ||
		cmig_resume_judge(run->raw, run->detail, &leftovers, &finish) != CMIG_RESUME_AGAIN)
		return;
	foreach_ptr(CmigLeftover, leftover, leftovers)
	{
		if (!leftover->kept)
			return;
	}
	remove_row(run);
}

/*
 * Raise error MG008 because the text of a statement has changed since it ran,
 * or because the script no longer contains it.
 */
static void
refuse_changed(const StepRun *run, int statement)
{
	ereport(ERROR,
			(errcode(ERRCODE_CMIG_CHANGED_REVISION),
			 errmsg("statement %d of revision \"%s\" has changed since it ran",
					statement, run->step->revision),
			 errdetail("The %s is partially applied: cmig.progress shows which statements have started.",
					   cmig_direction_name(run->step->direction)),
			 cmig_hint("Load the script with its original text up to and including that statement, and call `cmig.%s_stepwise` again; later statements may differ. Or revert by hand what that statement did, then DELETE FROM cmig.progress WHERE revision = %s AND statement = %d%s",
					   cmig_direction_name(run->step->direction),
					   quote_literal_cstr(run->step->revision),
					   statement, cmig_scope_condition())));
}

/*
 * Returns the hint for an error with this SQLSTATE if the failed statement may
 * need temporary objects from the session of an earlier call.  Otherwise,
 * returns NULL.
 */
static char *
hint_of_skipped(const Skipped *skipped, const CmigRunStep *step, int sqlstate)
{
	const char *revision = quote_literal_cstr(step->revision);
	const char *direction = cmig_direction_name(step->direction);
	bool		likely = sqlstate == ERRCODE_UNDEFINED_TABLE ||
	sqlstate == ERRCODE_UNDEFINED_PSTATEMENT || sqlstate == ERRCODE_UNDEFINED_CURSOR;
	bool		possible = sqlstate == ERRCODE_UNDEFINED_SCHEMA ||
	sqlstate == ERRCODE_UNDEFINED_FUNCTION || sqlstate == ERRCODE_UNDEFINED_OBJECT;
	StringInfoData numbers;

	if (skipped->resumed_at == 0 || !(likely || (possible && skipped->temporary != NIL)))
		return NULL;
	if (skipped->temporary == NIL)
		return psprintf("This call has resumed at statement %d: temporary tables, prepared statements, and cursors that an earlier call created are gone. If the script needs one of them, DELETE FROM cmig.progress WHERE revision = %s AND statement = <the one that creates it>%s, and CALL cmig.%s_stepwise again, which runs that statement again.",
						skipped->resumed_at, revision, cmig_scope_condition(), direction);
	initStringInfo(&numbers);
	foreach_int(number, skipped->temporary)
		appendStringInfo(&numbers, "%s%d", numbers.len > 0 ? ", " : "", number);
	return psprintf("This call has resumed at statement %d: what %s %s created in the session of an earlier call is gone. To create it again, DELETE FROM cmig.progress WHERE revision = %s AND statement IN (%s)%s, and CALL cmig.%s_stepwise again.",
					skipped->resumed_at,
					list_length(skipped->temporary) == 1 ? "statement" : "statements",
					numbers.data, revision, numbers.data, cmig_scope_condition(), direction);
}

/*
 * Skip the current statement, or, if it only sets something in the session, run
 * it again and commit it.
 */
static void
skip(StepRun *run)
{
	static const Oid arguments[] = {TEXTOID, TEXTOID, BOOLOID};
	Skipped    *skipped = &run->skipped;
	List	   *names = cmig_statement_set_config_names(run->raw);
	bool		sets = IsA(run->raw->stmt, VariableSetStmt) || names != NIL;
	MemoryContext old;

	foreach_ptr(List, name, names)
	{
		if (LookupFuncName(name, lengthof(arguments), arguments, true) != F_SET_CONFIG)
			sets = false;
	}
	if (sets)
	{
		cmig_toplevel_execute(run->raw, run->script.statement.text);
		cmig_toplevel_commit();
		return;
	}
	skipped->any = true;
	old = MemoryContextSwitchTo(skipped->context);
	if (cmig_statement_is_temporary(run->raw, &skipped->temporary_names))
		skipped->temporary = lappend_int(skipped->temporary, run->script.statement.number);
	MemoryContextSwitchTo(old);
}

/* Run the current statement, unless an earlier call has run it. */
static void
run_statement(StepRun *run)
{
	const char *reason;
	CmigStatementClass class;
	const Node *node;

	run->checksum = cmig_script_checksum(run->script.statement.text, false);
	run->row = cmig_progress_find(run->rows, run->step->revision, run->step->direction,
								  run->script.statement.number);

	if (run->row != NULL && cmig_record_is_on())
	{
		/*
		 * a copy of a database that has run a part of the step; partitions
		 * whose detach is pending are not copied as such
		 */
		List	   *leftovers;
		char	   *finish;

		run->raw = cmig_run_check_statement(run->step, run->script.statement.raw);
		cmig_toplevel_snapshot();
		if (run->row->state == CMIG_PROGRESS_DONE ||
			cmig_resume_judge(run->raw, "{\"existed\": true}", &leftovers,
							  &finish) == CMIG_RESUME_DONE)
		{
			cmig_record(NULL, InvalidOid);
			skip(run);
			return;
		}
		if (IsA(run->script.statement.raw->stmt, IndexStmt))
			((IndexStmt *) run->script.statement.raw->stmt)->if_not_exists = true;
		run->row = NULL;
	}

	/*
	 * a call of a pg_cmig procedure may be changed after the procedure has
	 * begun, because the procedure checks its arguments when it resumes
	 */
	if (run->row != NULL && (run->row->checksum == NULL ||
							 strcmp(run->row->checksum, run->checksum) != 0) &&
		(run->row->state != CMIG_PROGRESS_RUNNING ||
		 !is_own_procedure(run->script.statement.raw)))
		refuse_changed(run, run->script.statement.number);

	run->raw = cmig_run_check_statement(run->step, run->script.statement.raw);
	if (cmig_record_is_on())
		cmig_record_check(run->step->revision, &run->script.statement);
	node = run->raw->stmt;
	if (run->row != NULL && run->row->state == CMIG_PROGRESS_DONE)
	{
		skip(run);
		return;
	}
	if (run->skipped.any && run->skipped.resumed_at == 0)
		run->skipped.resumed_at = run->script.statement.number;

	class = cmig_statement_classify(run->raw, &reason);
	if (is_own_procedure(run->raw))
	{
		/* a pg_cmig procedure, which can resume its own work */
		own_work_is_there = run->row != NULL;
		if (run->row == NULL)
		{
			cmig_toplevel_snapshot();
			write_row(run, CMIG_PROGRESS_RUNNING, make_detail(run, ""));
			cmig_toplevel_commit();
		}
		run->own = true;
		cmig_toplevel_execute(run->raw, run->script.statement.text);
		cmig_toplevel_commit();
		write_row(run, CMIG_PROGRESS_DONE, make_detail(run, ""));
		cmig_toplevel_commit();
		run->own = false;
	}
	else if (IsA(node, CallStmt) || IsA(node, DoStmt))
		run_call(run);
	else if (class == CMIG_STATEMENT_PLAIN &&
			 !IsA(node, ReindexStmt) && !IsA(node, ClusterStmt))
		cmig_toplevel_attempt(run_plain, NULL, run, what(run));
	else
		run_judged(run);
}

/* Run all statements of the step's script. */
static void
run_statements(StepRun *run, MemoryContext context)
{
	CmigScriptReader *script = cmig_script_open(run->step->sql);
	MemoryContext step_context = MemoryContextSwitchTo(context);
	int			last = 0;

	while (cmig_runner_next(&run->script, script))
	{
		last = run->script.statement.number;
		run_statement(run);
		run->script.statement.text = NULL;
		MemoryContextReset(context);
		cmig_run_lock_keep();

		/*
		 * lock the extension again, because a DO or CALL may have rolled back
		 * and released the lock
		 */
		cmig_extension_hold_again();
	}
	foreach_ptr(CmigProgressRow, row, run->rows)
	{
		if (row->statement > last && row->direction == run->step->direction &&
			strcmp(row->revision, run->step->revision) == 0)
			refuse_changed(run, row->statement);
	}
	MemoryContextSwitchTo(step_context);
	cmig_script_close(script);
}

static void
end(StepRun *run)
{
	run_caller = InvalidOid;
	cmig_runner_stop(&run->script);
}

/* How a step ended with an error. */
typedef struct Failure
{
	StepRun    *run;
	ErrorData  *error;
	Oid			user;			/* of the script */
	const char *role;			/* its name, quoted */
	char	   *privileges;		/* a hint, or NULL */
	char	   *hint;			/* that of the error */
} Failure;

/* Do this while the script's role and search_path are still in effect. */
static void
look_at_failure(void *arg)
{
	Failure    *failure = arg;
	const char *role = GetUserNameFromId(GetUserId(), true);

	failure->user = GetUserId();
	if (role != NULL)
		failure->role = quote_identifier(role);
	if (failure->hint == NULL)
		failure->privileges = cmig_privilege_hint(failure->error);
	forget_failed(failure->run);
}

/* Add a hint to the error, or complete its hint. */
static void
explain_failure(void *arg)
{
	const Failure *failure = arg;
	StepRun    *run = failure->run;
	ErrorData  *error = failure->error;
	const char *phase = run->script.phase;
	static CmigQuery may_call = {
		.sql = "SELECT FROM pg_proc p WHERE p.pronamespace = 'cmig'::regnamespace AND p.proname = $2 AND p.prokind = 'p'"
		" AND has_schema_privilege($1, p.pronamespace, 'USAGE')"
		" AND has_function_privilege($1, p.oid, 'EXECUTE')",
		.argtypes = {OIDOID, TEXTOID}
	};
	const char *direction = cmig_direction_name(run->step->direction);
	const char *role = failure->role;
	const char *called;
	bool		qualified;
	char	   *lost;

	error->hint = failure->hint;
	lost = hint_of_skipped(&run->skipped, run->step, error->sqlerrcode);
	if (error->sqlerrcode == ERRCODE_INSUFFICIENT_PRIVILEGE)
		cmig_script_run_improve_hint(error, &run->script);
	called = run->own ? cmig_statement_own_procedure(run->raw, &qualified) : NULL;
	if (error->hint == NULL && called != NULL &&
		error->sqlerrcode == ERRCODE_INSUFFICIENT_PRIVILEGE &&
		cmig_query_do(&may_call, failure->user, called + strlen("CALL cmig.")) == 0)
		error->hint = psprintf("The script runs as role %s. GRANT USAGE ON SCHEMA cmig TO %s, GRANT EXECUTE ON ALL PROCEDURES IN SCHEMA cmig TO %s, and `CALL cmig.%s_stepwise` again.",
							   role, role, role, direction);
	if (run->calling && !has_not_committed(run))
		error->hint = psprintf("The statement had committed before it failed, so it is in doubt. Check how far it got. %s continues after it; `in_doubt => 'again'` runs it again.",
							   cmig_script_run_call(run->step, true));
	else if (lost != NULL)
		error->hint = error->hint ? psprintf("%s %s", error->hint, lost) : lost;
	else if (error->hint == NULL)
	{
		if (phase != NULL)
			error->hint = psprintf("Committed work remains. After fixing the cause, `CALL cmig.%s_stepwise` again: it continues with this revision.",
								   direction);
		else
			error->hint = psprintf("%sAfter fixing the cause, `CALL cmig.%s_stepwise` again: it continues with this statement.",
								   run->script.statement.number > 1 ?
								   "The statements before it are committed. "
								   : run->own && own_work_is_there ?
								   "What the statement committed remains. " : "",
								   direction);
		if (failure->privileges != NULL)
			error->hint = psprintf("%s %s", error->hint, failure->privileges);
	}
	error->hint = cmig_hint_text(error->hint);
}

Oid
cmig_nontransactional_caller(void)
{
	return OidIsValid(run_caller) && cmig_running.revision != NULL ?
		run_caller : GetUserId();
}

void
cmig_nontransactional_run(const CmigRunStep *step, CmigInDoubt *in_doubt)
{
	MemoryContext caller = CurrentMemoryContext;
	StepRun    *run = palloc0(sizeof(StepRun));
	MemoryContext context = AllocSetContextCreate(caller, "pg_cmig statement",
												  ALLOCSET_DEFAULT_SIZES);
	ErrorContextCallback callback;

	run->step = step;
	run->in_doubt = in_doubt;
	run->caller = GetUserId();
	run->skipped.context = caller;

	cmig_toplevel_snapshot();
	run->rows = cmig_progress_read();
	cmig_runner_start(&run->script, step);
	run_caller = run->caller;

	callback.callback = cmig_script_run_describe_error;
	callback.arg = &run->script;
	callback.previous = error_context_stack;
	PG_TRY();
	{
		error_context_stack = &callback;
		run->script.phase = "before its first statement";
		cmig_session_enter(true);
		cmig_toplevel_commit();
		run->script.phase = NULL;
		run_statements(run, context);
		run->script.phase = "after its last statement";
		end(run);
		cmig_toplevel_leave(NULL);
	}
	PG_CATCH();
	{
		ErrorData  *error = cmig_error_take(caller);
		Failure		failure = {.run = run,.error = error,.role = "<role>",.hint = error->hint};

		cmig_toplevel_rollback();
		cmig_toplevel_after_error(look_at_failure, &failure);
		end(run);
		cmig_toplevel_after_error(cmig_toplevel_leave, NULL);
		cmig_toplevel_after_error(explain_failure, &failure);
		ReThrowError(error);
	}
	PG_END_TRY();
	error_context_stack = callback.previous;
	MemoryContextDelete(context);
}
