/*
 * runner.c
 *	  Runs scripts: what is checked before, what runs, what errors report.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/namespace.h"
#include "commands/tablecmds.h"
#include "mb/pg_wchar.h"
#include "parser/analyze.h"
#include "tcop/pquery.h"
#include "tcop/tcopprot.h"
#include "tcop/utility.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timeout.h"

#include "base/errors.h"
#include "run/internal.h"

/*
 * Errors in a script: the message, detail, and hint of PostgreSQL's error are
 * kept, except that a hint about using pg_cmig may replace PostgreSQL's hint.
 */

/* Maximum length of a statement in the context of an error, in bytes. */
#define CONTEXT_LENGTH 200

/*
 * The maximum number of bytes of a statement that are shown around an error
 * position.
 */
#define EXCERPT_LENGTH 4000

/* Does the step run verify_sql after its script? */
static bool
is_verified(const CmigRunStep *step)
{
	return step->direction == CMIG_UPGRADE && step->verify_sql != NULL;
}

/*
 * Returns the statement as a single line for messages, without comments and
 * indentation, and truncated to "limit" bytes.  White space in strings and
 * quoted identifiers is kept, except that line breaks and tabs become blanks.
 */
static char *
one_line(const char *text)
{
	CmigLexer	lexer;
	const char *behind = text;
	StringInfoData line;

	initStringInfo(&line);
	cmig_lexer_init(&lexer, text);
	while (line.len <= CONTEXT_LENGTH && cmig_lexer_next_sql(&lexer) != CMIG_TOKEN_END)
	{
		bool		is_code = lexer.type != CMIG_TOKEN_STRING &&
		lexer.type != CMIG_TOKEN_QUOTED;
		bool		gap = lexer.start > behind && line.len > 0;

		for (const char *p = lexer.start; p < lexer.next && line.len <= CONTEXT_LENGTH; p++)
		{
			bool		blank = strchr(" \t\r\n\f\v", *p) != NULL;

			if (blank && is_code)
				gap = true;
			else
			{
				if (gap)
					appendStringInfoChar(&line, ' ');
				appendStringInfoChar(&line, blank ? ' ' : *p);
				gap = false;
			}
		}
		behind = lexer.next;
	}

	if (line.len > CONTEXT_LENGTH)
	{
		line.len = pg_mbcliplen(line.data, line.len, CONTEXT_LENGTH);
		line.data[line.len] = '\0';
		appendStringInfoString(&line, " ...");
	}
	else
	{
		while (line.len > 0 && strchr(" ;", line.data[line.len - 1]) != NULL)
			line.data[--line.len] = '\0';
	}
	return line.data;
}

/*
 * Returns "text" or, if it is long, the part of it around the byte offset
 * "offset".  *position is a character position in "text"; it is changed to the
 * same position in the result.
 */
static const char *
excerpt(const char *text, int offset, int *position)
{
	int			length = strlen(text);
	int			from = 0;
	int			to = length;

	if (length <= EXCERPT_LENGTH)
		return text;

	/*
	 * do not cut a character in half, and start after a line break if
	 * possible
	 */
	if (offset > EXCERPT_LENGTH / 2)
	{
		from = pg_mbcliplen(text, length, offset - EXCERPT_LENGTH / 2);
		for (int i = from; i < offset; i++)
		{
			if (text[i] == '\n')
			{
				from = i + 1;
				break;
			}
		}
	}
	to = from + pg_mbcliplen(text + from, length - from, EXCERPT_LENGTH);
	*position -= pg_mbstrlen_with_len(text, from);
	return pnstrdup(text + from, to - from);
}

int
cmig_run_step_line(const CmigRunStep *step, bool verifying, int line)
{
	int			first = step->file_name == NULL ? 0 : step->file_lines[verifying ? 1 : 0];

	return first > 0 ? line + first - 1 : line;
}

char *
cmig_run_step_place(const CmigRunStep *step, const char *verb, bool in_file, int statement, int line)
{
	char	   *place;

	in_file &= step->file_name != NULL;
	place = psprintf("%s of %s, statement %d, line %d", verb, step->revision, statement,
					 in_file ? cmig_run_step_line(step, strcmp(verb, "verify") == 0, line) : line);
	return in_file ? psprintf("%s of file \"%s\"", place, step->file_name) : place;
}

void
cmig_script_run_describe_error(void *arg)
{
	CmigScriptRun *run = arg;
	const char *text = run->statement.text;
	int			line = run->statement.line;
	int			position;

	cmig_lock_wait_explain();

	if (text == NULL)
	{
		if (run->phase)
			errcontext("pg_cmig: %s of %s, %s", run->verb, run->step->revision,
					   run->phase);
		else
			errcontext("pg_cmig: %s of %s", run->verb, run->step->revision);
		return;
	}

	position = geterrposition();
	if (position > 0)
	{
		const char *at = text;
		bool		parsing_create = run->statement.raw == NULL &&
		pg_strncasecmp(text, "create", 6) == 0;

		for (int i = 1; i < position && *at != '\0'; i++)
		{
			line += *at == '\n';
			at += pg_mblen(at);
		}
		errposition(0);

		/*
		 * do not truncate a function that is being parsed: the reader of the
		 * script finds its end by the position in the whole text
		 */
		if (!parsing_create)
			text = excerpt(text, at - text, &position);
		internalerrposition(position);
		internalerrquery(text);
	}
	else
		errcontext("SQL statement \"%s\"", one_line(text));
	errcontext("pg_cmig: %s", cmig_run_step_place(run->step, run->verb, !run->checking,
												  run->statement.number, line));
}

char *
cmig_script_run_place(const ErrorData *error)
{
	const char *place = error->context;

	while (place != NULL && strncmp(place, "pg_cmig: ", 9) != 0)
	{
		place = strchr(place, '\n');
		place = place == NULL ? NULL : place + 1;
	}
	return place == NULL ? pstrdup("") : pnstrdup(place, strcspn(place, "\n"));
}

const char *
cmig_script_run_call(const CmigRunStep *step, bool in_doubt)
{
	const char *target = step->target;

	/* once steps are committed, a relative target has another meaning */
	if (target == NULL || step->committed || in_doubt)
	{
		if (step->direction == CMIG_UPGRADE)
			target = step->repeatable ? "'heads'" : quote_literal_cstr(step->revision);
		else if (target == NULL || strncmp(target, "'-", 2) == 0)
			target = "'-1'";
	}
	return psprintf("`%sCALL cmig.%s_stepwise(%s%s)`", cmig_scope_setting(), cmig_direction_name(step->direction),
					target, in_doubt ? ", in_doubt => 'done'" : "");
}

/*
 * Returns the hint for the error that an object already exists, or NULL if
 * there is no hint.
 */
static char *
hint_of_duplicate(const CmigScriptRun *run)
{
	char	   *id = quote_literal_cstr(run->step->revision);
	const char *scope = cmig_scope_setting();

	if (run->step->repeatable)
		return pstrdup("The script runs again whenever it changes: write CREATE OR REPLACE, or put DROP ... IF EXISTS before the statement.");

	/*
	 * Suggest a stamp only if the first statement has failed: a later one may
	 * have failed because part of the revision had been applied before, or
	 * because the script creates the same object twice.
	 */
	if (run->step->direction != CMIG_UPGRADE || cmig_running.verifying ||
		run->statement.number != 1)
		return NULL;
	return psprintf("%sCompare the database with what `SELECT * FROM cmig.show(%s)` prints. If the database already has everything in this revision, record the revision as applied without running it: `%sSELECT cmig.stamp(%s)`",
					*scope || !run->step->base ? "" :
					"If the version rows were lost, `SELECT *"
					" FROM cmig.locate()` finds the revision that has the schema. ", id, scope,
					id);
}

/* Returns the character at which the server has found a syntax error. */
static char
character_at(const ErrorData *error)
{
	const char *at = error->internalquery;

	for (int i = 1; at != NULL && *at != '\0' && i < error->internalpos; i++)
		at += pg_mblen(at);
	return at == NULL || error->internalpos <= 0 ? '\0' : *at;
}

void
cmig_script_run_improve_hint(ErrorData *error, const CmigScriptRun *run)
{
	const CmigRunStep *step = run->step;
	char		at;

	switch (error->sqlerrcode)
	{
		case ERRCODE_INSUFFICIENT_PRIVILEGE:
			if (cmig_error_is_from(error, ERRCODE_INSUFFICIENT_PRIVILEGE, "check_enable_rls"))
				error->hint = "Scripts run with row_security = off, so that no row is silently left out. Put ALTER TABLE ... NO FORCE ROW LEVEL SECURITY before the statement and ALTER TABLE ... FORCE ROW LEVEL SECURITY after it, or SET row_security = on in the script to process only the visible rows.";
			break;
		case ERRCODE_INVALID_TRANSACTION_TERMINATION:
			error->hint = psprintf("A procedure or DO block that commits cannot run in a transaction. Set \"transactional: false\" in the revision and %s",
								   cmig_script_run_call(step, false));
			break;
		case ERRCODE_ACTIVE_SQL_TRANSACTION:
			if (cmig_error_is_from(error, ERRCODE_ACTIVE_SQL_TRANSACTION,
								   "PreventInTransactionBlock"))
				error->hint = psprintf("The statement cannot run in a transaction. Set \"transactional: false\" in the revision and %s",
									   cmig_script_run_call(step, false));
			break;
		case ERRCODE_UNSAFE_NEW_ENUM_VALUE_USAGE:
			error->hint = step->committed ?
				pstrdup("New enum values must be committed before they can be used. Use the value in a later revision, or set \"transactional: false\" in this one.") :
				psprintf("New enum values must be committed before they can be used. Use the value in a later revision, and %s, which commits after each revision.",
						 cmig_script_run_call(step, false));
			break;
		case ERRCODE_SYNTAX_ERROR:
			at = error->hint == NULL ? character_at(error) : '\0';
			if (at == '$' && strstr(step->sql, "${") != NULL)
				error->hint = "${name} is replaced only if the header of the file declares it: -- placeholders: name";
			else if (at == ':')
				error->hint = "psql variables such as :name are not replaced in the server. Write ${name}, and declare it in the header of the file: -- placeholders: name";
			break;
		case ERRCODE_DUPLICATE_TABLE:
		case ERRCODE_DUPLICATE_COLUMN:
		case ERRCODE_DUPLICATE_OBJECT:
		case ERRCODE_DUPLICATE_FUNCTION:
		case ERRCODE_DUPLICATE_SCHEMA:
			if (error->hint == NULL)
				error->hint = hint_of_duplicate(run);
			break;
		case ERRCODE_OBJECT_IN_USE:
			if (cmig_error_is_from(error, ERRCODE_OBJECT_IN_USE, "CheckTableNotInUse"))
				error->hint = "If the script changed rows whose deferred constraints have not been checked yet, put SET CONSTRAINTS ALL IMMEDIATE before the statement, or move it to a later revision. If a cursor on the table is open: CLOSE ALL; if a query, a loop, or a trigger that uses the table has made this call, make it outside.";
			break;
		case ERRCODE_OUT_OF_MEMORY:
			if (cmig_error_is_from(error, ERRCODE_OUT_OF_MEMORY, "lock.c"))
				error->hint = step->committed ?
					pstrdup("A transaction holds a lock on each table that it uses, and this revision runs in a single transaction. Raise max_locks_per_transaction, divide the revision into several, or set \"transactional: false\" in it, so that each statement is committed separately.") :
					psprintf("A transaction holds a lock on each table that it uses. Raise max_locks_per_transaction, or %s, which commits after each revision.",
							 cmig_script_run_call(step, false));
			break;
	}
	error->hint = cmig_hint_text(error->hint);
}

static bool concurrent_ddl = true;

/*
 * The variable of the setting cmig.running_revision.  Its contents are not
 * used, because show_running() provides the value.
 */
static char *running_dummy = NULL;

CmigRunning cmig_running = {0};

/* GUC show hook of cmig.running_revision. */
static const char *
show_running(void)
{
	return cmig_running.revision ? cmig_running.revision : "";
}

bool
cmig_running_concurrent_ddl(void)
{
	return !cmig_running.replaying && cmig_settings_bool("cmig.concurrent_ddl", concurrent_ddl);
}

void
cmig_running_require_idle(const char *function)
{
	if (cmig_query_is_writing())
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("%s cannot be called while pg_cmig is writing to its tables", function),
				 errdetail("It is called by a trigger on one of these tables."),
				 errhint("Use a constraint trigger that is DEFERRABLE INITIALLY DEFERRED, which fires when the run has ended.")));
	if (cmig_running.revision == NULL && !cmig_session_is_entered())
		return;
	if (cmig_running.revision == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("%s cannot be called by a target's SQL", function)));
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("%s cannot be called by a revision's script", function),
			 errdetail("Revision \"%s\" is running.", cmig_running.revision),
			 errhint("Use down_revision and depends_on to order revisions.")));
}

char *
cmig_privilege_hint(const ErrorData *error)
{
	char	   *role = GetUserNameFromId(GetUserId(), true);

	if (error->sqlerrcode == ERRCODE_INSUFFICIENT_PRIVILEGE && role != NULL)
		return cmig_hint_text(psprintf("Scripts run as role %s. To run them as a role that is allowed to do this: `SET cmig.role = '<role>'`",
									   quote_identifier(role)));
	if (cmig_error_is_from(error, ERRCODE_UNDEFINED_SCHEMA, "RangeVarGetCreationNamespace") ||
		cmig_error_is_from(error, ERRCODE_UNDEFINED_SCHEMA, "QualifiedNameGetCreationNamespace"))
		return cmig_hint_text(psprintf("The search_path of scripts is %s. To choose another one: `SET cmig.search_path = '<schema>'`",
									   namespace_search_path[0] != '\0' ? namespace_search_path :
									   "empty"));
	return NULL;
}

/* Checks, before a step runs, that its statements can run below the top level. */

#define OFF_MODE_HINT_OWN \
	"In tests and fresh installs, everything can run in the transaction: `SET cmig.concurrent_ddl = off`"
#define OFF_MODE_HINT \
	"In tests and fresh installs, everything can run in the transaction, without CONCURRENTLY: `SET cmig.concurrent_ddl = off`"

/*
 * If this is a REINDEX or CLUSTER of a partitioned relation, which cannot run
 * inside a transaction, returns a description; otherwise NULL.
 */
static const char *
partitioned_command(const Node *node)
{
	const RangeVar *name = IsA(node, ReindexStmt) ? ((const ReindexStmt *) node)->relation :
	IsA(node, ClusterStmt) ? cmig_clustered_compat((const ClusterStmt *) node) : NULL;
	char		kind = name == NULL ? '\0' : get_rel_relkind(RangeVarGetRelid(name, NoLock, true));

	if (kind != RELKIND_PARTITIONED_TABLE && kind != RELKIND_PARTITIONED_INDEX)
		return NULL;
	return IsA(node, ReindexStmt) ? "REINDEX of a partitioned relation" :
		"CLUSTER of a partitioned table";
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
			 cmig_hint("Set \"transactional: false\" in revision \"%s\" and %s%s",
					   step->revision, cmig_script_run_call(step, false), off_mode) :
			 cmig_hint("Use %s%s", cmig_script_run_call(step, false), off_mode)));
}

RawStmt *
cmig_run_check_statement(const CmigRunStep *step, RawStmt *raw)
{
	const char *reason;
	CmigStatementClass class = cmig_statement_classify(raw, &reason);

	cmig_statement_refuse(raw);
	if (step->top_level)
		return raw;
	if (class == CMIG_STATEMENT_TOP_LEVEL)
		refuse_top_level(step, reason, NULL);
	if (class == CMIG_STATEMENT_OWN_PROCEDURE && cmig_running_concurrent_ddl())
		refuse_top_level(step, reason, cmig_settings_engine() ? NULL : OFF_MODE_HINT_OWN);
	if (class == CMIG_STATEMENT_CONCURRENTLY)
	{
		if (cmig_running_concurrent_ddl())
			refuse_top_level(step, reason, OFF_MODE_HINT);
		raw = cmig_statement_without_concurrently(raw);
	}
	reason = partitioned_command(raw->stmt);
	if (reason != NULL)
		refuse_top_level(step, reason, NULL);
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
	List	   *created = NIL;
	bool		fills = run->step->expand && run->step->direction == CMIG_UPGRADE;

	/* always check a script whose statements are committed one by one */
	if (!run->step->top_level && !fills && !cmig_statement_may_need_top_level(sql))
		return;

	context = AllocSetContextCreate(CurrentMemoryContext,
									"pg_cmig statement", ALLOCSET_DEFAULT_SIZES);
	script = cmig_script_open(sql);
	MemoryContextSwitchTo(context);
	while (cmig_script_next(script, &run->statement))
	{
		(void) cmig_run_check_statement(run->step, run->statement.raw);
		if (fills)
		{
			MemoryContextSwitchTo(caller);
			cmig_expand_require_up(run->statement.raw, &created);
			MemoryContextSwitchTo(context);
		}
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
	ErrorContextCallback callback = {error_context_stack, cmig_script_run_describe_error, &run};
	char	   *path = cmig_session_search_path();
	int			guc_level;

	if (!step->transactional && cmig_running_concurrent_ddl() && !step->top_level)
		ereport(ERROR,
				(errcode(ERRCODE_CMIG_NEEDS_STEPWISE),
				 errmsg("revision \"%s\" is not transactional", step->revision),
				 errdetail("Its statements cannot run in the transaction of this call. No revision has been run."),
				 cmig_hint("Use %s instead. %s", cmig_script_run_call(step, false),
						   OFF_MODE_HINT)));

	error_context_stack = &callback;

	/*
	 * use the search_path of the script, because the check looks up relation
	 * names
	 */
	guc_level = cmig_session_read_quietly();
	if (strcmp(path, namespace_search_path) != 0)
		cmig_settings_override("search_path", path);
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

/* The lock_timeout that the workers of a Citus cluster have. */
static struct
{
	LocalTransactionId transaction;
	SubTransactionId subtransaction;
	int			limit;
}			workers = {InvalidLocalTransactionId, InvalidSubTransactionId, 0};

/*
 * Set lock_timeout on the workers until the end of the transaction.  Citus does
 * not send it by itself.
 */
static void
limit_workers(int limit)
{
	int			guc_level;

	if (workers.transaction != cmig_lxid_compat())
		workers.limit = 0;
	if (limit == workers.limit &&
		(limit == 0 || workers.subtransaction == GetCurrentSubTransactionId()))
		return;
	guc_level = NewGUCNestLevel();
	cmig_citus_propagate_setting("lock_timeout", psprintf("%d", limit));
	AtEOXact_GUC(false, guc_level);
	workers.transaction = cmig_lxid_compat();
	workers.subtransaction = GetCurrentSubTransactionId();
	workers.limit = limit;
}

int64
cmig_execute_statement(const RawStmt *statement, const char *text, DestReceiver *dest)
{
	/*
	 * As in a portal, what a statement has allocated ends with it, also for
	 * hooks: pgaudit takes a statement for one that runs as long as its
	 * memory is there.
	 */
	MemoryContext context = AllocSetContextCreate(CurTransactionContext, "pg_cmig statement",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(context);
	RawStmt    *raw = copyObject(unconstify(RawStmt *, statement));
	List	   *plans;
	bool		snapshot_set = analyze_requires_snapshot(raw);
	int64		rows = CMIG_NO_ROWS;
	int			limit;
	bool		fills = cmig_running.fills && cmig_running.revision != NULL;

	cmig_running.fills = false;
	if (snapshot_set)
		PushActiveSnapshot(GetTransactionSnapshot());
	plans = pg_analyze_and_rewrite_fixedparams(raw, text, NULL, 0, NULL);
	if (fills)
		cmig_filled_require_queries((const UpdateStmt *) statement->stmt, plans);
	plans = pg_plan_queries(plans, text, CURSOR_OPT_PARALLEL_OK, NULL);
	if (snapshot_set)
		PopActiveSnapshot();

	/*
	 * rules can turn a statement into several queries, which all run with the
	 * snapshot that the first of them pushes
	 */
	snapshot_set = false;
	foreach_node(PlannedStmt, plan, plans)
	{
		DestReceiver *receiver = plan->canSetTag ? dest : None_Receiver;
		int64		of_plan = CMIG_NO_ROWS;

		/*
		 * on a Citus cluster, commit on all nodes or on none, and wait for
		 * locks on the workers no longer than on the coordinator
		 */
		(void) cmig_citus_use_two_phases();
		limit = cmig_settings_int("cmig.lock_timeout", cmig_lock_timeout);
		limit_workers(LockTimeout > 0 && (limit == 0 || LockTimeout < limit) ? LockTimeout : limit);
		if (plan->utilityStmt != NULL)
		{
			QueryCompletion completion;
			bool		own_snapshot = !snapshot_set && PlannedStmtRequiresSnapshot(plan);

			if (own_snapshot)
				PushActiveSnapshot(GetTransactionSnapshot());
			InitializeQueryCompletion(&completion);
			ProcessUtility(plan, text, false,
						   cmig_citus_wants_toplevel(plan->utilityStmt) ? PROCESS_UTILITY_TOPLEVEL :
						   PROCESS_UTILITY_QUERY, NULL, NULL, receiver, &completion);
			if (command_tag_display_rowcount(completion.commandTag))
				of_plan = completion.nprocessed;
			if (own_snapshot)
				PopActiveSnapshot();
		}
		else
		{
			QueryDesc  *query;

			if (snapshot_set)
				UpdateActiveSnapshotCommandId();
			else
				PushCopiedSnapshot(GetTransactionSnapshot());
			snapshot_set = true;
			query = CreateQueryDesc(plan, text, GetActiveSnapshot(), InvalidSnapshot,
									receiver, NULL, NULL, fills ? INSTRUMENT_ROWS : 0);
			ExecutorStart(query, 0);
			cmig_executor_run_compat(query);
			ExecutorFinish(query);
			if (fills)
				cmig_filled_require_rows(query);
			of_plan = query->estate->es_processed;
			ExecutorEnd(query);
			FreeQueryDesc(query);
		}
		CommandCounterIncrement();
		if (plan->canSetTag)
			rows = of_plan;
	}
	if (snapshot_set)
		PopActiveSnapshot();
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(context);
	return rows;
}

/* The argument of read_value(): the script whose placeholders are replaced. */
typedef struct Script
{
	const char *revision;
	const char *what;
	const char **missing;		/* see cmig_placeholder_values_insert() */
} Script;

/*
 * CmigSubstituteValue callback.  The value is the setting cmig_var.NAME, which
 * any role can set in its session.  Therefore, it is inserted as a single
 * identifier or string constant, and only for declared placeholders.  Returns
 * NULL for an empty setting, because a custom setting that was set with SET
 * LOCAL becomes empty, not unset, when the transaction ends.
 */
static const char *
read_value(const char *name, bool literal, void *arg)
{
	Script	   *script = arg;
	const char *value = cmig_settings_custom(psprintf("cmig_var.%s", name));

	if (cmig_text_is_given(value))
		return value;
	if (script->missing == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("placeholder \"%s\" of revision \"%s\" has no value", name,
						script->revision),
				 errdetail("Its %s script contains ${%s}, which stands for %s.", script->what, name,
						   literal ? "a string" : "an identifier"),
				 cmig_settings_in_definer_function() ?
				 errhint("In a SECURITY DEFINER function, only a value that the function's owner sets there is used: PERFORM set_config('cmig_var.%s', '<value>', true)", name) :
				 cmig_hint("`SET cmig_var.%s = '<value>'`", name)));
	if (*script->missing == NULL)
		*script->missing = pstrdup(name);
	return NULL;
}

const char *
cmig_placeholder_values_insert(const char *script, const CmigNames *declarations,
							   const char *revision, const char *what, const char **missing)
{
	Script		arg = {.revision = revision,.what = what,.missing = missing};

	script = cmig_substitute_script(script, declarations, revision, what, read_value, &arg);
	return script != NULL &&
		strcmp(what, "upgrade") == 0 ? cmig_expand_fill(script, revision, false) : script;
}

void
cmig_runner_init(void)
{
	*find_rendezvous_variable(CMIG_RUNNING_REVISION) = &cmig_running.revision;
	DefineCustomIntVariable(cmig_settings_name("cmig.lock_timeout"),
							"Sets the maximum total time that one run may wait for locks.",
							"0 means no limit.",
							&cmig_lock_timeout, 0, 0, INT_MAX, PGC_USERSET,
							GUC_UNIT_MS, NULL, NULL, NULL);
	DefineCustomBoolVariable(cmig_settings_name("cmig.concurrent_ddl"),
							 "Runs statements with CONCURRENTLY unchanged.",
							 "If off, CONCURRENTLY is removed from index statements, so that they can run in a transaction.",
							 &concurrent_ddl, true, PGC_USERSET,
							 0, NULL, NULL, NULL);
	DefineCustomStringVariable(cmig_settings_name("cmig.running_revision"),
							   "Shows the revision whose script is running in this session.",
							   NULL,
							   &running_dummy, "", PGC_INTERNAL,
							   GUC_NOT_IN_SAMPLE | GUC_DISALLOW_IN_FILE,
							   NULL, NULL, show_running);
	cmig_run_limit_init();
	cmig_session_init();
}

void
cmig_runner_begin(void)
{
	cmig_running.statement = 0;
	cmig_running.verifying = false;
	cmig_extension_forget();
	cmig_lock_wait_reset();
}

/* Did the statement that ran last, by the end of its run, exceed the timeout? */
static bool timed_out = false;

bool		cmig_runner_is_silent = false;

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

bool
cmig_runner_statement_timed_out(void)
{
	return timed_out ||
		(StatementTimeout > 0 &&
		 GetCurrentTimestamp() >= get_timeout_finish_time(STATEMENT_TIMEOUT));
}

bool
cmig_runner_next(CmigScriptRun *run, CmigScriptReader *script)
{
	char		activity[1024];

	cmig_run_limit_check();
	CHECK_FOR_INTERRUPTS();
	timed_out = false;
	start_statement_timeout(StatementTimeout);
	cmig_lock_wait_next_statement();

	/*
	 * count the statement before it is read, because reading it may raise an
	 * error
	 */
	cmig_running.fills = false;
	cmig_running.statement++;
	cmig_session_pin_strings();
	if (!cmig_script_next(script, &run->statement))
	{
		cmig_running.statement = 0;
		return false;
	}
	cmig_running.statement = run->statement.number;
	cmig_running.fills = run->step->expand && !run->step->replayed && !run->checking &&
		!cmig_running.verifying && run->step->stored_sql != NULL &&
		cmig_expand_is_filling(run->step->stored_sql, &run->statement);
	if (pgstat_track_activities && !cmig_runner_is_silent)
	{
		snprintf(activity, sizeof(activity), "pg_cmig: %s%s of %s, statement %d: %.800s",
				 run->step->tried ? "dry run, " : "", run->verb, run->step->revision,
				 run->statement.number, run->statement.text);
		pgstat_report_activity(STATE_RUNNING, activity);
	}
	return true;
}

/* Take the lock that the statement needs, as cmig_lock_wait_raise() does. */
static void
raise_lock(const Node *stmt)
{
	const RangeVar *range = NULL;
	LOCKMODE	mode = AccessExclusiveLock;

	if (IsA(stmt, AlterTableStmt))
	{
		range = ((const AlterTableStmt *) stmt)->relation;
		mode = AlterTableGetLockLevel(((const AlterTableStmt *) stmt)->cmds);
	}
	else if (IsA(stmt, RenameStmt))
		range = ((const RenameStmt *) stmt)->relation;
	else if (IsA(stmt, CreatePolicyStmt))
		range = ((const CreatePolicyStmt *) stmt)->table;
	if (range != NULL)
		cmig_lock_wait_raise(range, mode);
}

/*
 * Run all statements of a script.  This includes setting up the session for
 * the script and restoring it afterward.
 */
static void
run_script(CmigScriptRun *run, const char *sql, DestReceiver *dest)
{
	MemoryContext caller = CurrentMemoryContext;
	MemoryContext context;
	CmigScriptReader *script;
	bool		entered = cmig_session_is_entered();
	ErrorContextCallback callback = {error_context_stack, cmig_script_run_describe_error, run};

	error_context_stack = &callback;

	run->phase = "before its first statement";
	cmig_running.statement = 0;
	/* an expansion is verified in its own session */
	if (!entered)
		cmig_session_enter(false);

	context = AllocSetContextCreate(caller, "pg_cmig statement",
									ALLOCSET_DEFAULT_SIZES);
	script = cmig_script_open(sql);
	run->phase = NULL;
	MemoryContextSwitchTo(context);
	while (cmig_runner_next(run, script))
	{
		if (run->checking)
			cmig_precondition_require_select(&run->statement, run->step);
		if (run->step->statement != NULL)
			run->step->statement(run, dest, run->step->statement_arg);
		else
		{
			RawStmt    *raw = cmig_run_check_statement(run->step, run->statement.raw);

			if (cmig_record_is_on())
				cmig_record_check(run->step->revision, &run->statement);
			raise_lock(raw->stmt);
			(void) cmig_execute_copy(run->statement.raw, raw, run->statement.text, dest);
			if (cmig_extension_suspected)
				cmig_extension_require(run->step->revision);
		}
		run->statement.text = NULL;
		MemoryContextReset(context);
	}
	MemoryContextSwitchTo(caller);
	run->statement.text = NULL;
	cmig_script_close(script);
	MemoryContextDelete(context);

	run->phase = "after its last statement";
	if (!entered)
		cmig_session_leave();
	cmig_extension_require(run->step->revision);

	error_context_stack = callback.previous;
}

void
cmig_runner_start(CmigScriptRun *run, const CmigRunStep *step)
{
	Assert(cmig_running.revision == NULL);
	memset(run, 0, sizeof(*run));
	run->step = step;
	run->verb = cmig_direction_name(step->direction);
	run->statement_timeout = StatementTimeout;
	run->timeout_was_active = get_timeout_active(STATEMENT_TIMEOUT);
	cmig_running.revision = step->revision;
	cmig_running.direction = step->direction;
	cmig_running.replaying = step->replayed;
	cmig_running.statement = 0;
	cmig_running.verifying = false;
	cmig_extension_note();
	cmig_lock_wait_watch(GetUserId());
}

void
cmig_runner_stop(CmigScriptRun *run)
{
	if (cmig_running.revision != run->step->revision)
		return;
	cmig_running.revision = NULL;
	cmig_running.replaying = false;
	cmig_lock_wait_unwatch();
	timed_out = cmig_runner_statement_timed_out();
	start_statement_timeout(run->timeout_was_active ? run->statement_timeout : 0);
	if (!cmig_runner_is_silent)
		pgstat_report_activity(STATE_RUNNING, debug_query_string ? debug_query_string : "");
}

void
cmig_runner_run(const CmigRunStep *step, int parts)
{
	MemoryContext caller = CurrentMemoryContext;
	CmigScriptRun run = {.step = step};

	PG_TRY();
	{
		cmig_runner_start(&run, step);
		if (parts & CMIG_RUN_PRECONDITION && step->direction == CMIG_UPGRADE &&
			step->precondition_sql != NULL)
		{
			DestReceiver *receiver = cmig_precondition_receiver();

			run.verb = "precondition";
			run.checking = true;
			run_script(&run, step->precondition_sql, receiver);
			cmig_precondition_require(receiver, step);
			run.checking = false;
			run.verb = cmig_direction_name(step->direction);
		}
		if (parts & CMIG_RUN_SCRIPT)
			run_script(&run, step->sql, None_Receiver);
		if (parts & CMIG_RUN_VERIFY && is_verified(step))
		{
			run.verb = "verify";
			cmig_running.verifying = true;
			run_script(&run, step->verify_sql, cmig_verify_receiver(&run));
		}
	}
	PG_CATCH();
	{
		ErrorData  *error;

		cmig_session_abandon();
		cmig_runner_stop(&run);

		error = cmig_error_take(caller);
		cmig_script_run_improve_hint(error, &run);
		if (error->hint == NULL)
			error->hint = cmig_privilege_hint(error);
		ReThrowError(error);
	}
	PG_END_TRY();

	cmig_runner_stop(&run);
	/* limits that applied to the statements end */
	limit_workers(LockTimeout);
	cmig_run_limit_check();
	cmig_running.statement = 0;
	cmig_running.verifying = false;
}

void
cmig_runner_restart_timeout(void)
{
	start_statement_timeout(StatementTimeout);
}
