/*
 * nontransactional.c
 *	  Carries out the statements of a revision that is not transactional.
 *
 * What is known after an interruption follows from when the row in
 * cmig.progress is written:
 *
 * - A statement that can run in a transaction gets its row, done, in that
 *	 transaction: exactly once.
 * - A CALL or DO gets a row, in doubt, in the transaction in which it begins,
 *	 and the row becomes done in the one in which it ends.  If it never
 *	 commits both are the same; if it does, and is interrupted, the row is
 *	 there.
 * - Any other gets a row, running, before it begins; the catalog tells what
 *	 became of it (resume.h).
 * - One of cmig's own procedures gets a row, running, before it begins, and
 *	 knows itself where it stopped.
 *
 * Own rows are written with the rights of the caller, whatever role the
 * script has set.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/errors.h"
#include "move/nontransactional.h"
#include "move/resume.h"
#include "move/toplevel.h"
#include "parse/script.h"
#include "parse/statement.h"
#include "run/extension.h"
#include "run/rights_hint.h"
#include "run/run_lock.h"
#include "run/saved_settings.h"
#include "run/session.h"
#include "tables/journal.h"
#include "tables/progress.h"

#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "parser/parse_func.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/memutils.h"

/* A statement that is being made invalid and built over and over: give up. */
#define MAX_CLEANUPS 10

typedef struct StepRun
{
	CmigScriptRun script;
	const CmigRunStep *step;
	CmigInDoubt *in_doubt;
	Oid			caller;			/* who called, whatever the script sets */
	List	   *rows;			/* of CmigProgressRow */

	/* statements that an earlier call has carried out */
	MemoryContext context;		/* holds what is noted of them */
	bool		left_out;		/* there are some, not repeated */
	int			resumed_at;		/* the first that was not, if there are some */
	List	   *temporary;		/* of int: those whose work has gone since */
	List	   *temporary_names;	/* of char *: what they made */

	/* the statement under way */
	RawStmt    *raw;
	char	   *checksum;
	CmigProgressRow *row;		/* its row from an earlier run, or NULL */
	char	   *detail;			/* what resuming it needs to know */
	bool		begun;			/* it may have left something behind */
	bool		calling;		/* it is a CALL or DO, which may commit */
	bool		judging;		/* it has a row and the catalog judges it */
	bool		own;			/* it is one of cmig's own procedures */
} StepRun;

/* The caller of the run under way, or InvalidOid. */
static Oid	run_caller = InvalidOid;

/* Has the own procedure under way left anything? */
static bool own_work_is_there = false;

/*
 * Own rows
 */

typedef struct OwnWork
{
	Oid			user;
	int			security;
	bool		read_only;
} OwnWork;

static OwnWork
begin_own_work(const StepRun *run)
{
	OwnWork		work;

	GetUserIdAndSecContext(&work.user, &work.security);
	SetUserIdAndSecContext(run->caller, work.security | SECURITY_LOCAL_USERID_CHANGE);
	/* a script may have set default_transaction_read_only */
	work.read_only = XactReadOnly;
	XactReadOnly = false;
	return work;
}

static void
end_own_work(const OwnWork *work)
{
	SetUserIdAndSecContext(work->user, work->security);
	XactReadOnly = work->read_only;
}

static void
write_row(const StepRun *run, CmigProgressState state, const char *detail)
{
	OwnWork		work = begin_own_work(run);

	cmig_progress_write(run->step->revision, run->step->direction,
						run->script.statement.number, state, detail);
	end_own_work(&work);
}

/* The detail of a row: the statement's checksum and what else is given. */
static char *
make_detail(const StepRun *run, const char *members)
{
	return psprintf("{\"checksum\": \"%s\"%s%s}", run->checksum,
					members[0] ? ", " : "", members);
}

static char *
what(const StepRun *run)
{
	return psprintf("%s of %s, statement %d", run->script.verb, run->step->revision,
					run->script.statement.number);
}

/* The row done in a transaction of its own. */
static void
commit_done(const StepRun *run)
{
	write_row(run, CMIG_PROGRESS_DONE, make_detail(run, ""));
	cmig_toplevel_commit();
}

/*
 * Statements in a transaction
 */

static void
run_plain(void *arg)
{
	StepRun    *run = arg;

	cmig_toplevel_execute(run->raw, run->script.statement.text);
	cmig_extension_require(run->step->revision);
	write_row(run, CMIG_PROGRESS_DONE, make_detail(run, ""));
}

/*
 * CALL and DO
 */

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

/* It may run again if it had not committed: then its row is not there. */
static bool
has_not_committed(void *arg)
{
	StepRun    *run = arg;
	OwnWork		work = begin_own_work(run);
	List	   *rows;

	cmig_toplevel_snapshot();
	rows = cmig_progress_read();
	end_own_work(&work);
	return cmig_progress_find(rows, run->step->revision, run->step->direction,
							  run->script.statement.number) == NULL;
}

static void
stop_in_doubt(const StepRun *run)
{
	const char *text = run->script.statement.text;

	ereport(ERROR,
			(errcode(ERRCODE_CMIG_IN_DOUBT),
			 errmsg("statement %d of revision \"%s\" is in doubt",
					run->script.statement.number, run->step->revision),
			 errdetail("It had committed by itself when the run was interrupted, so that a part of it or all was carried out: %.*s",
					   pg_mbcliplen(text, strlen(text), 200), text),
			 errhint("Look whether its work is complete. CALL cmig.%s_stepwise(..., in_doubt => 'done') goes on after it, in_doubt => 'again' runs it once more.",
					 cmig_direction_name(run->step->direction))));
}

static void
run_call(StepRun *run)
{
	if (run->row != NULL)
	{
		CmigInDoubt answer = *run->in_doubt;

		*run->in_doubt = CMIG_IN_DOUBT_STOP;
		if (answer == CMIG_IN_DOUBT_STOP)
			stop_in_doubt(run);
		if (answer == CMIG_IN_DOUBT_DONE)
		{
			commit_done(run);
			return;
		}
		else
		{
			OwnWork		work = begin_own_work(run);

			cmig_progress_remove(run->step->revision, run->step->direction,
								 run->script.statement.number);
			end_own_work(&work);
			cmig_toplevel_commit();
		}
	}
	run->calling = true;
	cmig_toplevel_attempt(run_in_doubt, has_not_committed, run, what(run));
	run->calling = false;
}

/*
 * Statements that only run at top level
 */

/* Judge what an earlier attempt left, clear it away; is it done? */
static bool
clear_up(StepRun *run)
{
	for (int i = 0;; i++)
	{
		CmigResumeVerdict verdict;
		List	   *leftovers;
		ListCell   *lc;
		char	   *finish;

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
		if (leftovers == NIL || i == MAX_CLEANUPS)
			return false;
		foreach(lc, leftovers)
		{
			cmig_resume_remove(lfirst(lc));
		}
	}
}

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

/*
 * cmig's own procedures
 */

static void
run_own(StepRun *run)
{
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
	commit_done(run);
	run->own = false;
}

void
cmig_nontransactional_note_own_work(void)
{
	own_work_is_there = true;
}

/*
 * Failures
 */

static bool
has_left_nothing(const StepRun *run)
{
	List	   *leftovers;
	char	   *finish;

	if (run->own)
		return !own_work_is_there;
	return cmig_resume_judge(run->raw, run->detail, &leftovers, &finish) == CMIG_RESUME_AGAIN &&
		leftovers == NIL;
}

/*
 * A statement that failed and has left nothing gives up its row, so that its
 * text may be put right.  The error that is reported is the statement's,
 * whatever happens here.
 */
static void
forget_failed(StepRun *run)
{
	MemoryContext caller = CurrentMemoryContext;

	if (!run->judging && !run->own)
		return;
	PG_TRY();
	{
		cmig_toplevel_snapshot();
		if (has_left_nothing(run))
		{
			OwnWork		work = begin_own_work(run);

			cmig_progress_remove(run->step->revision, run->step->direction,
								 run->script.statement.number);
			end_own_work(&work);
		}
		cmig_toplevel_commit();
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(caller);
		FlushErrorState();
		cmig_toplevel_rollback();
	}
	PG_END_TRY();
}

/*
 * One statement
 */

static void
refuse_changed(const StepRun *run, int statement)
{
	ereport(ERROR,
			(errcode(ERRCODE_CMIG_CHANGED_REVISION),
			 errmsg("statement %d of revision \"%s\" has changed since it was carried out",
					statement, run->step->revision),
			 errdetail("The %s is partially applied: cmig.progress shows which statements were begun.",
					   cmig_direction_name(run->step->direction)),
			 errhint("Load the text as it was up to that statement and CALL again; what comes after it may change. Or undo by hand what that statement did, then DELETE FROM cmig.progress WHERE revision = %s AND statement = %d",
					 quote_literal_cstr(run->step->revision), statement)));
}

/* The server's set_config() for the session, and nothing else? */
static bool
is_set_config(const RawStmt *raw)
{
	static const Oid arguments[] = {TEXTOID, TEXTOID, BOOLOID};
	List	   *names = cmig_statement_set_config_names(raw);
	ListCell   *lc;

	foreach(lc, names)
	{
		if (LookupFuncName(lfirst(lc), lengthof(arguments), arguments, true) != F_SET_CONFIG)
			return false;
	}
	return names != NIL;
}

/*
 * An earlier call has carried it out.  Its session is gone, or was put back:
 * what it set there is set again.
 */
static void
pass_over(StepRun *run)
{
	MemoryContext old;

	if (IsA(run->raw->stmt, VariableSetStmt) || is_set_config(run->raw))
	{
		cmig_toplevel_execute(run->raw, run->script.statement.text);
		cmig_toplevel_commit();
		return;
	}
	run->left_out = true;
	old = MemoryContextSwitchTo(run->context);
	if (cmig_statement_is_temporary(run->raw, &run->temporary_names))
		run->temporary = lappend_int(run->temporary, run->script.statement.number);
	MemoryContextSwitchTo(old);
}

/*
 * The hint for a statement that may miss what went with the earlier session,
 * or NULL.
 */
static char *
hint_of_lost(const StepRun *run, int sqlstate)
{
	const char *revision = quote_literal_cstr(run->step->revision);
	const char *direction = cmig_direction_name(run->step->direction);
	bool		likely = sqlstate == ERRCODE_UNDEFINED_TABLE ||
	sqlstate == ERRCODE_UNDEFINED_PSTATEMENT || sqlstate == ERRCODE_UNDEFINED_CURSOR;
	bool		possible = sqlstate == ERRCODE_UNDEFINED_SCHEMA ||
	sqlstate == ERRCODE_UNDEFINED_FUNCTION || sqlstate == ERRCODE_UNDEFINED_OBJECT;
	StringInfoData numbers;
	ListCell   *lc;

	if (run->resumed_at == 0 || !(likely || (possible && run->temporary != NIL)))
		return NULL;
	if (run->temporary == NIL)
		return psprintf("This call has resumed at statement %d: temporary tables, prepared statements and cursors that an earlier call made are gone. If one of them is missing, DELETE FROM cmig.progress WHERE revision = %s AND statement = <the one that makes it>, and CALL cmig.%s_stepwise again, which carries that one out once more.",
						run->resumed_at, revision, direction);
	initStringInfo(&numbers);
	foreach(lc, run->temporary)
	{
		appendStringInfo(&numbers, "%s%d", numbers.len > 0 ? ", " : "", lfirst_int(lc));
	}
	return psprintf("This call has resumed at statement %d: what %s %s made for the session of an earlier call is gone. DELETE FROM cmig.progress WHERE revision = %s AND statement IN (%s), and CALL cmig.%s_stepwise again, which makes it once more.",
					run->resumed_at, list_length(run->temporary) == 1 ? "statement" : "statements",
					numbers.data, revision, numbers.data, direction);
}

/* Who carries out the script's statements, as an identifier. */
static const char *
script_role(void)
{
	char	   *name = NULL;

	cmig_toplevel_snapshot();
	name = GetUserNameFromId(GetUserId(), true);
	return name ? quote_identifier(name) : "<role>";
}

/*
 * The hint for an own procedure that the script's role may not call, or NULL.
 */
static char *
hint_of_rights(const StepRun *run, const ErrorData *error, const char *role)
{
	const char *id = error->message_id ? error->message_id : "";

	if (!run->own || error->sqlerrcode != ERRCODE_INSUFFICIENT_PRIVILEGE ||
		(strcmp(id, "permission denied for procedure %s") != 0 &&
		 (strcmp(id, "permission denied for schema %s") != 0 ||
		  strcmp(error->message + strlen(error->message) - strlen(" cmig"), " cmig") != 0)))
		return NULL;
	return psprintf("The script runs as role %s. GRANT USAGE ON SCHEMA cmig TO %s, GRANT EXECUTE ON ALL PROCEDURES IN SCHEMA cmig TO %s, and CALL cmig.%s_stepwise again.",
					role, role, role, cmig_direction_name(run->step->direction));
}

/* How to go on, for an error that has no hint of its own. */
static char *
hint_of_resuming(const StepRun *run, const char *phase)
{
	const char *direction = cmig_direction_name(run->step->direction);

	const char *kept = "";

	if (phase == NULL)
	{
		if (run->script.statement.number > 1)
			kept = "The statements before it are committed and stay. ";
		else if (run->own && own_work_is_there)
			kept = "What it has committed stays. ";
		return psprintf("%sAfter fixing the cause, CALL cmig.%s_stepwise again: it goes on with this statement.",
						kept, direction);
	}
	return psprintf("What is committed stays. After fixing the cause, CALL cmig.%s_stepwise again: it goes on with this revision.",
					direction);
}

static void
run_statement(StepRun *run)
{
	const char *reason;
	CmigStatementClass class;
	const Node *node;

	run->checksum = cmig_script_checksum(run->script.statement.text, false);
	run->row = cmig_progress_find(run->rows, run->step->revision, run->step->direction,
								  run->script.statement.number);
	/* an own procedure that is to go on judges its arguments itself */
	if (run->row != NULL && (run->row->checksum == NULL ||
							 strcmp(run->row->checksum, run->checksum) != 0) &&
		(run->row->state != CMIG_PROGRESS_RUNNING ||
		 !is_own_procedure(run->script.statement.raw)))
		refuse_changed(run, run->script.statement.number);

	run->raw = cmig_runner_check_statement(run->step, run->script.statement.raw);
	node = run->raw->stmt;
	if (run->row != NULL && run->row->state == CMIG_PROGRESS_DONE)
	{
		pass_over(run);
		return;
	}
	if (run->left_out && run->resumed_at == 0)
		run->resumed_at = run->script.statement.number;

	class = cmig_statement_classify(run->raw, &reason);
	if (is_own_procedure(run->raw))
		run_own(run);
	else if (IsA(node, CallStmt) || IsA(node, DoStmt))
		run_call(run);
	else if (class == CMIG_STATEMENT_PLAIN &&
			 !IsA(node, ReindexStmt) && !IsA(node, ClusterStmt))
		cmig_toplevel_attempt(run_plain, NULL, run, what(run));
	else
		run_judged(run);
}

static void
run_statements(StepRun *run, MemoryContext context)
{
	CmigScriptReader *script = cmig_script_open(run->step->sql);
	MemoryContext step_context = MemoryContextSwitchTo(context);
	int			last = 0;
	ListCell   *lc;

	while (cmig_runner_next(&run->script, script))
	{
		last = run->script.statement.number;
		run_statement(run);
		run->script.statement.text = NULL;
		MemoryContextReset(context);
		cmig_run_lock_keep();
		/* a DO or CALL may have rolled back */
		cmig_extension_hold_again();
	}
	foreach(lc, run->rows)
	{
		CmigProgressRow *row = lfirst(lc);

		if (row->statement > last && row->direction == run->step->direction &&
			strcmp(row->revision, run->step->revision) == 0)
			refuse_changed(run, row->statement);
	}
	MemoryContextSwitchTo(step_context);
	cmig_script_close(script);
}

/* In a fresh transaction: the session as it was. */
static void
leave(StepRun *run, CmigSession *session, const CmigSavedSettings *saved)
{
	run_caller = InvalidOid;
	cmig_runner_stop(&run->script);
	cmig_toplevel_snapshot();
	cmig_session_leave_steps(session);
	cmig_saved_settings_put_back(saved);
	cmig_toplevel_commit();
}

Oid
cmig_nontransactional_caller(void)
{
	return OidIsValid(run_caller) && cmig_runner_current() != NULL ?
		run_caller : GetUserId();
}

void
cmig_nontransactional_run(const CmigRunStep *step, CmigInDoubt *in_doubt)
{
	MemoryContext caller = CurrentMemoryContext;
	StepRun    *run = palloc0(sizeof(StepRun));
	CmigSession *session = palloc0(sizeof(CmigSession));
	MemoryContext context = AllocSetContextCreate(caller, "pg_cmig statement",
												  ALLOCSET_DEFAULT_SIZES);
	CmigSavedSettings *saved;
	ErrorContextCallback callback;

	run->step = step;
	run->in_doubt = in_doubt;
	run->caller = GetUserId();
	run->context = caller;

	cmig_toplevel_snapshot();
	run->rows = cmig_progress_read();
	saved = cmig_saved_settings_take();
	cmig_runner_start(&run->script, step);
	run_caller = run->caller;

	callback.callback = cmig_script_run_describe_error;
	callback.arg = &run->script;
	callback.previous = error_context_stack;
	PG_TRY();
	{
		error_context_stack = &callback;
		run->script.phase = "before its first statement";
		cmig_session_enter_steps(session);
		cmig_toplevel_commit();
		run->script.phase = NULL;
		run_statements(run, context);
		run->script.phase = "after its last statement";
		leave(run, session, saved);
	}
	PG_CATCH();
	{
		ErrorData  *error;
		char	   *lost;
		const char *role;
		char	   *rights;
		const char *phase = run->script.phase;

		MemoryContextSwitchTo(caller);
		error = CopyErrorData();
		FlushErrorState();
		cmig_toplevel_rollback();
		/* while names mean what they mean to the script */
		role = script_role();
		rights = error->hint == NULL ? cmig_rights_hint(error) : NULL;
		forget_failed(run);
		leave(run, session, saved);
		lost = hint_of_lost(run, error->sqlerrcode);
		if (error->sqlerrcode == ERRCODE_INSUFFICIENT_PRIVILEGE)
			cmig_script_run_improve_hint(error, &run->script);
		if (error->hint == NULL)
			error->hint = hint_of_rights(run, error, role);
		if (run->calling && !has_not_committed(run))
			error->hint = psprintf("It had committed before it failed, so that it is in doubt. Look how far it came. CALL cmig.%s_stepwise(..., in_doubt => 'done') goes on after it, in_doubt => 'again' runs it once more.",
								   cmig_direction_name(step->direction));
		else if (lost != NULL)
			error->hint = error->hint ? psprintf("%s %s", error->hint, lost) : lost;
		else if (error->hint == NULL)
		{
			error->hint = hint_of_resuming(run, phase);
			if (rights != NULL)
				error->hint = psprintf("%s %s", error->hint, rights);
		}
		ReThrowError(error);
	}
	PG_END_TRY();
	error_context_stack = callback.previous;
	MemoryContextDelete(context);
}
