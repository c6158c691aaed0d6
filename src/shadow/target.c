/*
 * target.c
 *	  Runs the target's SQL, which creates its schema, in the shadow.
 *
 * The SQL is the caller's code and runs with the caller's privileges, like a
 * revision's script.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/citus.h"
#include "base/compat.h"
#include "base/settings.h"
#include "base/subtransaction.h"
#include "parse/script.h"
#include "parse/statement.h"
#include "run/execute.h"
#include "run/lock_wait.h"
#include "run/run_limit.h"
#include "run/script_run.h"
#include "run/session.h"
#include "shadow/distribution_record.h"
#include "shadow/shadow_catalogs.h"
#include "shadow/target.h"
#include "shadow/target_extension.h"
#include "shadow/target_filter.h"
#include "shadow/target_state.h"
#include "shadow/target_text.h"
#include "shadow/target_utility.h"

#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_namespace.h"
#include "miscadmin.h"
#include "tcop/cmdtag.h"
#include "tcop/dest.h"
#include "tcop/utility.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

void
cmig_target_init(void)
{
	cmig_target_utility_init();
	cmig_distribution_record_init();
	cmig_shadow_catalogs_init();
}

/*
 * Renames
 */

/*
 * Returns the name of the schema in which a statement has created an object.
 * Returns NULL for CREATE SCHEMA, and if the object is not found.
 */
static char *
made_name(const RawStmt *raw, RangeVar *relation, List *names)
{
	Oid			oid;

	if (IsA(raw->stmt, CreateSchemaStmt))
		return NULL;
	if (relation != NULL)
	{
		oid = RangeVarGetRelid(relation, NoLock, true);
		return !OidIsValid(oid) ? NULL : get_namespace_name(get_rel_namespace(oid));
	}
	if (list_length(names) > 1)
		return strVal(list_nth(names, list_length(names) - 2));
	names = fetch_search_path(false);
	return names == NIL ? NULL : get_namespace_name(linitial_oid(names));
}

/* Returns the unqualified name of the object that a statement creates. */
static const char *
own_name(const RawStmt *raw, const RangeVar *relation, List *names)
{
	if (IsA(raw->stmt, CreateSchemaStmt))
		return ((CreateSchemaStmt *) raw->stmt)->schemaname;
	if (IsA(raw->stmt, IndexStmt))
		return ((IndexStmt *) raw->stmt)->idxname;
	return relation != NULL ? relation->relname : strVal(llast(names));
}

/*
 * Read the @renamed comments before, in, and after a statement that has been
 * run.  "raw" is a copy of the statement's parse tree, because running a
 * statement changes its tree.
 */
static void
collect_renames(CmigTargetState *state, CmigTargetText *text, const CmigStatement *statement,
				const RawStmt *raw)
{
	ListCell   *cell;

	foreach(cell, text->comments)
	{
		CmigTargetComment *comment = lfirst(cell);
		const char *kind;
		RangeVar   *relation;
		List	   *names;
		char	   *part;
		char	   *schema;
		const char *name;
		StringInfoData rename;

		if (!cmig_target_text_renamed(comment, raw, statement->offset,
									  strlen(statement->text), &kind, &relation, &names, &part))
			continue;
		schema = made_name(raw, relation, names);
		name = own_name(raw, relation, names);
		if (name == NULL)
			continue;

		MemoryContextSwitchTo(state->context);
		initStringInfo(&rename);
		appendStringInfo(&rename, "%s ", kind);
		if (schema != NULL)
			appendStringInfo(&rename, "%s.", quote_identifier(schema));
		if (part != NULL)
			appendStringInfo(&rename, "%s.", quote_identifier(name));
		appendStringInfo(&rename, "%s -> ", quote_identifier(comment->from));
		appendStringInfoString(&rename, quote_identifier(part != NULL ? part : name));
		state->target->renames = lappend(state->target->renames, rename.data);
	}
}

/* Statements that do not pass through the utility hook */

/*
 * Is this a command such as BEGIN or COMMIT?  Such commands are ignored,
 * because all of the SQL runs in one transaction anyway.  Raises an error for
 * transaction commands that cannot be ignored.
 */
static bool
is_frame(const RawStmt *raw)
{
	const char *name;

	if (!IsA(raw->stmt, TransactionStmt))
		return false;
	switch (((TransactionStmt *) raw->stmt)->kind)
	{
		case TRANS_STMT_BEGIN:
		case TRANS_STMT_START:
		case TRANS_STMT_COMMIT:
		case TRANS_STMT_SAVEPOINT:
		case TRANS_STMT_RELEASE:
			return true;
		default:
			break;
	}
	(void) cmig_statement_classify(raw, &name);
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("%s is not allowed in a target", name),
			 errdetail("All of the target's statements run in one transaction."),
			 errhint("Remove the command, and the statements that it rolls back.")));
}

/*
 * Is this a SELECT setval(...), as pg_dump writes it to set a sequence's
 * current value?
 */
static bool
is_setval(const RawStmt *raw)
{
	const SelectStmt *select = (const SelectStmt *) raw->stmt;
	const ResTarget *column;

	if (!IsA(select, SelectStmt) || list_length(select->targetList) != 1 ||
		select->fromClause != NIL)
		return false;
	column = linitial_node(ResTarget, select->targetList);
	return IsA(column->val, FuncCall) &&
		strcmp(strVal(llast(((FuncCall *) column->val)->funcname)), "setval") == 0;
}

/*
 * Does the statement change rows of live tables?  If so, it must not be run.
 */
static bool
changes_live_rows(CmigTargetState *state, const RawStmt *raw)
{
	switch (nodeTag(raw->stmt))
	{
		case T_InsertStmt:
		case T_UpdateStmt:
		case T_DeleteStmt:
		case T_MergeStmt:
			return cmig_target_filter_is_elsewhere(state, raw->stmt);
		default:
			return false;
	}
}

/*
 * Does the database have the functions of Citus?  The extension itself is
 * hidden in the shadow.
 */
static bool
has_citus_functions(void)
{
	return OidIsValid(get_relname_relid("pg_dist_partition", PG_CATALOG_NAMESPACE));
}

void
cmig_target_execute(CmigTargetState *state, const CmigStatement *statement)
{
	RawStmt    *raw = statement->raw;
	const char *reason;

	if ((cmig_citus_is_distribution(raw->stmt) && !has_citus_functions()) || is_frame(raw) || is_setval(raw) || changes_live_rows(state, raw))
		return;
	if (cmig_statement_classify(raw, &reason) == CMIG_STATEMENT_CONCURRENTLY)
		raw = cmig_statement_without_concurrently(raw);
	(void) cmig_shadow_catalogs_filter(true);
	cmig_execute_statement(raw, statement->text, None_Receiver);
	(void) cmig_shadow_catalogs_filter(false);
}

/*
 * Running the target's statements
 */

/* Issue a NOTICE about psql commands and COPY blocks that are left out. */
static void
tell_text(const CmigTargetText *text)
{
	if (text->commands + text->copies > 0)
		ereport(NOTICE,
				(errmsg("psql commands and COPY blocks in the target were ignored"),
				 errdetail("Backslash commands: %d. COPY blocks: %d. The first one is on line %d of the target.",
						   text->commands, text->copies, text->first_line)));
}

/* Run the target's statements one after another. */
static void
run_statements(CmigTargetState *state, CmigScriptRun *run, CmigTargetText *text)
{
	MemoryContext caller = CurrentMemoryContext;
	MemoryContext context = AllocSetContextCreate(caller, "pg_cmig statement",
												  ALLOCSET_DEFAULT_SIZES);
	CmigScriptReader *script = cmig_script_open(text->sql);

	MemoryContextSwitchTo(context);
	for (;;)
	{
		cmig_run_limit_check();
		CHECK_FOR_INTERRUPTS();
		cmig_lock_wait_forget();
		if (!cmig_script_next(script, &run->statement))
			break;
		state->line = run->statement.line;
		if (text->comments == NIL)
			cmig_target_execute(state, &run->statement);
		else
		{
			RawStmt    *raw = copyObject(run->statement.raw);

			cmig_target_execute(state, &run->statement);
			collect_renames(state, text, &run->statement, raw);
		}
		MemoryContextSwitchTo(context);

		run->statement.text = NULL;
		MemoryContextReset(context);
	}
	MemoryContextSwitchTo(caller);
	cmig_script_close(script);
	MemoryContextDelete(context);
}

/* A repeatable revision's script, and the state that is needed to run it. */
typedef struct ScriptWork
{
	CmigTargetState *state;
	const CmigTargetScript *script;
	CmigSession session;
} ScriptWork;

/* Run the script in its own session state. */
static void
run_script(ScriptWork *work)
{
	CmigRunStep step = {.revision = work->script->revision};
	CmigScriptRun run = {.step = &step,.verb = "replay"};
	CmigTargetText text = {.sql = unconstify(char *, work->script->sql)};
	ErrorContextCallback callback;

	callback.callback = cmig_script_run_describe_error;
	callback.arg = &run;
	callback.previous = error_context_stack;
	error_context_stack = &callback;
	cmig_session_enter(&work->session);
	cmig_settings_override("check_function_bodies", "off");
	cmig_target_utility_watch(work->state);
	run_statements(work->state, &run, &text);
	cmig_session_leave(&work->session);
	cmig_target_utility_watch(NULL);
	error_context_stack = callback.previous;
}

/*
 * Subtransaction callback: run the script.  Restores the session state if the
 * script fails.
 */
static void
try_script(void *arg)
{
	ScriptWork *work = arg;

	PG_TRY();
	{
		run_script(work);
	}
	PG_CATCH();
	{
		cmig_target_utility_watch(NULL);
		cmig_session_abandon(&work->session);
		PG_RE_THROW();
	}
	PG_END_TRY();
}

/*
 * Issue a NOTICE about a script that failed, unless its objects already exist.
 * Raises the error again if the script has not caused it.
 */
static void
tell_failed(const CmigTargetScript *script, ErrorData *error)
{
	if (cmig_subtransaction_must_rethrow(error))
		ReThrowError(error);
	switch (error->sqlerrcode)
	{
		case ERRCODE_DUPLICATE_TABLE:
		case ERRCODE_DUPLICATE_OBJECT:
		case ERRCODE_DUPLICATE_FUNCTION:
		case ERRCODE_DUPLICATE_SCHEMA:
			return;
		default:
			ereport(NOTICE,
					(errmsg("repeatable revision \"%s\" cannot run after the target", script->revision),
					 errdetail("Its script failed: %s.", error->message),
					 errhint("The objects that the revision creates are treated as missing from the target. If the target is correct, correct the script.")));
	}
}

/* Run the scripts of repeatable revisions after the target. */
static void
run_scripts(CmigTargetState *state, List *scripts)
{
	ListCell   *lc;

	foreach(lc, scripts)
	{
		ScriptWork	work = {.state = state,.script = lfirst(lc)};
		ErrorData  *error = cmig_subtransaction_try(try_script, &work);

		if (error != NULL)
			tell_failed(work.script, error);
	}
}

/*
 * Run the target's SQL, and then the scripts of repeatable revisions.  The
 * session's state is saved before and restored afterwards.
 */
static void
run_text(CmigTargetState *state, CmigSession *session, const char *sql, List *scripts)
{
	static const CmigRunStep step = {.revision = "the target"};
	CmigScriptRun run = {.step = &step,.verb = "SQL"};
	CmigTargetText *text = cmig_target_text_read(sql);
	ErrorContextCallback callback;

	callback.callback = cmig_script_run_describe_error;
	callback.arg = &run;
	callback.previous = error_context_stack;
	error_context_stack = &callback;

	run.phase = "before its first statement";
	tell_text(text);
	cmig_session_enter(session);

	/*
	 * turn row_security on, so that a materialized view can read a table with
	 * forced row security
	 */
	cmig_settings_override("row_security", "on");
	cmig_target_utility_watch(state);
	run.phase = NULL;
	run_statements(state, &run, text);
	run.phase = "after its last statement";
	cmig_session_leave(session);
	cmig_target_utility_watch(NULL);
	run.phase = NULL;
	error_context_stack = callback.previous;
	run_scripts(state, scripts);
	error_context_stack = &callback;
	run.phase = "after its last statement";
	cmig_target_extension_settle(state);
	cmig_target_tell_left_out(state);

	error_context_stack = callback.previous;
}

/* Set hints for errors that have a special meaning in a target. */
static void
improve_hint(ErrorData *error)
{
	switch (error->sqlerrcode)
	{
		case ERRCODE_OUT_OF_MEMORY:
			if (error->message != NULL && strcmp(error->message, "out of shared memory") == 0)
				error->hint = "The transaction needs a lock for each table of the target. Increase max_locks_per_transaction.";
			break;
		case ERRCODE_UNDEFINED_TABLE:
			if (error->hint == NULL)
				error->hint = "The target's SQL starts with empty schemas, and must create the whole schema. To start from the current schema, use the output of: SELECT cmig.schema_sql()";
			break;
		default:
			break;
	}
}

CmigTarget *
cmig_target_run(CmigShadow *shadow, const char *sql)
{
	return cmig_target_run_with(shadow, sql, NIL);
}

CmigTarget *
cmig_target_run_with(CmigShadow *shadow, const char *sql, List *scripts)
{
	MemoryContext caller = CurrentMemoryContext;
	CmigTargetState state = {.shadow = shadow,.context = caller};
	CmigSession session = {0};

	state.target = palloc0(sizeof(CmigTarget));
	state.subtransaction = GetCurrentSubTransactionId();
	PG_TRY();
	{
		run_text(&state, &session, sql, scripts);
	}
	PG_CATCH();
	{
		ErrorData  *error;

		cmig_target_utility_watch(NULL);
		cmig_session_abandon(&session);
		MemoryContextSwitchTo(caller);
		error = CopyErrorData();
		FlushErrorState();
		improve_hint(error);
		ReThrowError(error);
	}
	PG_END_TRY();
	state.target->elsewhere = state.elsewhere;
	return state.target;
}
