/*
 * target_run.c
 *	  Running a target in the shadow.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/catalog.h"
#include "catalog/dependency.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_namespace.h"
#include "commands/defrem.h"
#include "commands/extension.h"
#include "commands/user.h"
#include "miscadmin.h"
#include "tcop/cmdtag.h"
#include "tcop/utility.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

#include "schema/internal.h"

/* ----------------------------------------------------------------
 * Processes a target's utility statements before PostgreSQL runs them.
 *
 * Statements are processed in a ProcessUtility hook, which PostgreSQL also
 * calls for statements in DO blocks; these often create roles and extensions.
 * The hook sees a statement's parse tree before analysis.  It never changes
 * the tree itself, only copies of it.
 * ----------------------------------------------------------------
 */

/* One call of the hook. */
typedef struct Call
{
	PlannedStmt *statement;
	const char *query;
	bool		read_only;
	ProcessUtilityContext context;
	ParamListInfo params;
	QueryEnvironment *environment;
	DestReceiver *dest;
	QueryCompletion *completion;
} Call;

static CmigTargetState *watched = NULL;
static CmigOutsideWatch functions;
static const CmigOutsideWatch *former_functions = NULL;
static ProcessUtility_hook_type next_ProcessUtility = NULL;

/* Pass the statement to the next hook or to PostgreSQL. */
static void
run(const Call *call)
{
	bool		former = cmig_shadow_catalogs_filter(watched != NULL && !creating_extension);

	if (next_ProcessUtility)
		next_ProcessUtility(call->statement, call->query, call->read_only, call->context,
							call->params, call->environment, call->dest, call->completion);
	else
		standard_ProcessUtility(call->statement, call->query, call->read_only, call->context,
								call->params, call->environment, call->dest, call->completion);
	(void) cmig_shadow_catalogs_filter(former);
}

static const char *
run_name(void)
{
	return cmig_running.replaying ? "replay" : "target";
}

/* Raise an error for something that a rollback would not undo. */
static void
refuse_outside(const char *reason)
{
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("cannot run the statement in a %s: %s", run_name(), reason),
			 errhint("Leave the statement out of the target if it does not change the schema.")));
}

/* Start to process the statements of a target, or stop if "state" is NULL. */
static void
watch(CmigTargetState *state)
{
	functions = (CmigOutsideWatch)
	{
		.refuse = refuse_outside,.restores_locks = true,.skips_setval = true,
			.distrusts = state ? state->distrusts : 0,.strict = state &&
			state->strict,.mark = state ? state->shadow->xid : InvalidTransactionId
	};
	if (state != NULL && watched == NULL)
		former_functions = cmig_outside_watch(&functions);
	else if (state == NULL && watched != NULL)
		(void) cmig_outside_watch(former_functions);
	watched = state;
	cmig_distribution_record_watch(state != NULL);
	cmig_shadow_catalogs_watch(state ? state->shadow : NULL);
}

/*
 * Could the statement fail because only other roles can create the object?
 *
 * Every role that has CREATE on the schema can create a function in SQL or
 * PL/pgSQL.  Other languages may require more privileges, and LEAKPROOF
 * requires a superuser.
 */
static bool
may_lack_privilege(Node *node)
{
	CmigSubject subject;

	if (IsA(node, CreateExtensionStmt))
		return true;
	if (superuser() || !cmig_target_subject(node, &subject) ||
		!(subject.flags & CMIG_STATEMENT_PRIVILEGED))
		return false;
	if (!IsA(node, CreateFunctionStmt))
		return true;
	foreach_node(DefElem, option, ((CreateFunctionStmt *) node)->options)
	{
		if (strcmp(option->defname, "leakproof") == 0)
			return true;
		if (strcmp(option->defname, "language") == 0 &&
			pg_strcasecmp(defGetString(option), "sql") != 0 &&
			pg_strcasecmp(defGetString(option), "plpgsql") != 0)
			return true;
	}
	return false;
}

/*
 * Does the error mean that a privilege is missing, or that the server does not
 * support something?
 */
static bool
is_impossible(const ErrorData *error, Node *node)
{
	switch (error->sqlerrcode)
	{
		case ERRCODE_INSUFFICIENT_PRIVILEGE:
			return true;
		case ERRCODE_FEATURE_NOT_SUPPORTED:
		case ERRCODE_UNDEFINED_FILE:
		case ERRCODE_UNDEFINED_OBJECT:
		case ERRCODE_INVALID_PARAMETER_VALUE:
			return IsA(node, CreateExtensionStmt);
		default:
			return false;
	}
}

/* Subtransaction callback: run a statement that may fail. */
static void
work(void *arg)
{
	const Call *call = arg;
	Node	   *node = call->statement->utilityStmt;

	if (IsA(node, CreateExtensionStmt))
		cmig_target_extension_begin(watched);
	run(call);
	if (IsA(node, CreateExtensionStmt))
		cmig_target_extension_end(watched, ((CreateExtensionStmt *) node)->extname);
}

/* Row callback: collect a row about an object in the shadow. */
static void
add_owned(const CmigRow *row, void *arg)
{
	List	  **rows = arg;
	Oid		   *oids = palloc(sizeof(Oid) * 4);
	Oid			schema;

	for (int i = 0; i < 4; i++)
		oids[i] = DatumGetObjectId(cmig_query_datum(row, i + 1, OIDOID, NULL));
	schema = oids[0] == NamespaceRelationId ? oids[1] : cmig_shadow_rows_schema(oids[0], oids[1]);
	if (OidIsValid(schema) && !cmig_shadow_is_live_schema(watched->shadow, schema))
		*rows = lappend(*rows, oids);
}

/*
 * Run DROP OWNED for the copies, which are in other schemas than the live objects
 * of these roles.
 */
static void
drop_owned(const DropOwnedStmt *statement)
{
	static CmigQuery query = {
		.sql = "SELECT classid, objid, refobjid, CASE deptype WHEN 'o' THEN 0::oid ELSE classid END FROM pg_shdepend"
		" WHERE refclassid = 'pg_authid'::regclass AND refobjid = ANY ($1)"
		" AND deptype IN ('o', 'a')"
		" AND dbid = (SELECT oid FROM pg_database WHERE datname = current_database())",
		.argtypes = {OIDARRAYOID}
	};
	ObjectAddresses *dropped = new_object_addresses();
	List	   *rows = NIL;
	ArrayBuildState *roles = NULL;
	Datum		array;

	foreach_oid(role, roleSpecsToIds(statement->roles))
	{
		if (!has_privs_of_role(GetUserId(), role))
			ereport(ERROR,
					(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
					 errmsg("permission denied to drop objects")));
		if (IsPinnedObject(AuthIdRelationId, role))
			ereport(ERROR,
					(errcode(ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST),
					 errmsg("the database system needs the objects of role \"%s\"",
							GetUserNameFromId(role, false))));
		roles = accumArrayResult(roles, ObjectIdGetDatum(role), false, OIDOID,
								 CurrentMemoryContext);
	}
	array = makeArrayResult(roles, CurrentMemoryContext);
	cmig_query_each(&query, &array, NULL, add_owned, &rows);
	foreach_ptr(const Oid, row, rows)
	{
		const ObjectAddress object = {row[0], row[1], 0};

		if (OidIsValid(row[3]))
			RemoveRoleFromObjectACL(row[2], row[0], row[1]);
		else
			add_exact_object_address(&object, dropped);
	}
	performMultipleDeletions(dropped, statement->behavior, 0);
	free_object_addresses(dropped);
}

/* Raise the server's error for what code cannot call, because it cannot run in a transaction. */
static void
refuse_in_function(Node *node)
{
	const RawStmt raw = {.type = T_RawStmt,.stmt = node};
	const char *name;

	CmigStatementClass class = cmig_statement_classify(&raw, &name);

	if (class == CMIG_STATEMENT_TOP_LEVEL || class == CMIG_STATEMENT_CONCURRENTLY)
		ereport(ERROR,
				(errcode(ERRCODE_ACTIVE_SQL_TRANSACTION),
				 errmsg("%s cannot be executed from a function", name)));
}

/* The ProcessUtility hook. */
static void
see_utility(PlannedStmt *statement, const char *query, bool read_only,
			ProcessUtilityContext context, ParamListInfo params,
			QueryEnvironment *environment, DestReceiver *dest, QueryCompletion *completion)
{
	Call		call = {statement, query, read_only, context, params, environment, dest,
	completion};
	Node	   *node = statement->utilityStmt;
	bool		former;
	int			guc_level;
	const char *reason;
	ErrorData  *error;

	/* leave the statements in an extension's script unchanged */
	if (watched == NULL || creating_extension)
	{
		run(&call);
		return;
	}

	former = cmig_shadow_catalogs_filter(false);
	if (IsA(node, DropOwnedStmt) && watched->owners)
	{
		drop_owned((DropOwnedStmt *) node);
		(void) cmig_shadow_catalogs_filter(former);
		return;
	}
	if (IsA(node, DropOwnedStmt) || IsA(node, ReassignOwnedStmt))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("%s is not allowed in a %s", GetCommandTagName(CreateCommandTag(node)),
						run_name()),
				 errdetail("It would change existing objects in the database.")));

	/*
	 * Raise an error for a statement that uses a cursor of the caller or an
	 * untrusted language.  Other statements with effects that a rollback does
	 * not undo are left out, or are harmless: LOAD and reading a file.
	 */
	reason = IsA(node, DoStmt) || IsA(node, ClosePortalStmt) || IsA(node, FetchStmt) ?
		cmig_outside_of_statement(node, watched->subtransaction) : NULL;
	if (reason != NULL)
		refuse_outside(reason);
	if (watched->distrusts == 'u' && IsA(node, RefreshMatViewStmt))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("the query is not run, because other roles own what is copied")));
	if (watched->exact && watched->code)
		refuse_in_function(node);
	node = cmig_target_adapt(watched, node);
	if (node == NULL)
	{
		watched->passed_over |= (cmig_statement_flags(statement->utilityStmt) & CMIG_STATEMENT_CODE) != 0;
		(void) cmig_shadow_catalogs_filter(former);
		return;
	}
	if (node != statement->utilityStmt)
	{
		PlannedStmt *copy = makeNode(PlannedStmt);

		/* replace the statement's parse tree */
		*copy = *call.statement;
		copy->utilityStmt = node;
		call.statement = copy;
	}

	/* for a publication, suppress the warning about wal_level */
	guc_level = IsA(node, CreatePublicationStmt) ? cmig_session_read_quietly() : 0;
	if (!may_lack_privilege(node))
		run(&call);
	else if ((error = cmig_subtransaction_try(work, &call)) != NULL)
	{
		CmigSubject subject;

		if (watched->exact || !is_impossible(error, node))
			ReThrowError(error);
		(void) cmig_target_subject(node, &subject);
		cmig_target_note_missing(watched, subject.type, cmig_target_subject_name(&subject),
								 error->message);
		FreeErrorData(error);
	}
	if (guc_level > 0)
		AtEOXact_GUC(false, guc_level);
	if (cmig_target_created_schema(node) != NULL)
		cmig_target_schema_created(watched, node);
	(void) cmig_shadow_catalogs_filter(former);
}

/* ----------------------------------------------------------------
 * Runs the target's SQL, which creates its schema, in the shadow.
 *
 * A target is SQL that creates the schema that the database should have, for
 * example the output of pg_dump --schema-only.
 *
 * The SQL is the caller's code and runs with the caller's privileges, like a
 * revision's script.
 * ----------------------------------------------------------------
 */

void
cmig_target_init(void)
{
	/* register the hook */
	next_ProcessUtility = ProcessUtility_hook;
	ProcessUtility_hook = see_utility;
	cmig_distribution_record_init();
	cmig_shadow_catalogs_init();
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

void
cmig_target_execute(CmigTargetState *state, const CmigStatement *statement)
{
	RawStmt    *raw = statement->raw;
	const char *reason;
	CmigStatementClass class = cmig_statement_classify(raw, &reason);

	state->passed_over = false;
	if (class == CMIG_STATEMENT_STRINGS)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("%s is not allowed in a %s", reason, run_name()),
				 errhint("%s", CMIG_STRINGS_FIX)));

	/*
	 * a table of Citus shows whether the database has its functions, because
	 * the extension itself is hidden in the shadow
	 */
	if (cmig_citus_is_distribution(raw->stmt, false) &&
		!OidIsValid(get_relname_relid("pg_dist_partition", PG_CATALOG_NAMESPACE)))
		return;
	if (is_frame(raw))
		return;
	/* rows of live tables must not change */
	state->passed_over = (cmig_statement_flags(raw->stmt) & CMIG_STATEMENT_QUERY) &&
		cmig_target_is_elsewhere(state, raw->stmt);
	if (state->passed_over)
		return;
	if (class == CMIG_STATEMENT_CONCURRENTLY)
		raw = cmig_statement_without_concurrently(raw);
	(void) cmig_shadow_catalogs_filter(true);
	(void) cmig_execute_copy(statement->raw, raw, statement->text, None_Receiver);
	(void) cmig_shadow_catalogs_filter(false);
}

/* SQL whose statements are run one after another. */
typedef struct Statements
{
	CmigTargetState *state;
	CmigTargetText *text;
	const CmigTargetScript *script; /* or of a repeatable revision */
} Statements;

static void
run_statements(CmigScriptRun *run, void *arg)
{
	CmigTargetState *state = ((Statements *) arg)->state;
	CmigTargetText *text = ((Statements *) arg)->text;
	MemoryContext caller = CurrentMemoryContext;
	MemoryContext context = AllocSetContextCreate(caller, "pg_cmig statement",
												  ALLOCSET_DEFAULT_SIZES);
	CmigScriptReader *script = cmig_script_open(text->sql);

	MemoryContextSwitchTo(context);
	for (;;)
	{
		RawStmt    *raw;

		cmig_run_limit_check();
		CHECK_FOR_INTERRUPTS();
		cmig_lock_wait_forget();
		cmig_session_pin_strings();
		if (!cmig_script_next(script, &run->statement))
			break;
		state->line = run->statement.line;
		raw = text->comments == NIL ? NULL : copyObject(run->statement.raw);
		cmig_target_execute(state, &run->statement);
		cmig_target_text_renames(state, text, &run->statement, raw);
		MemoryContextSwitchTo(context);

		run->statement.text = NULL;
		MemoryContextReset(context);
	}
	MemoryContextSwitchTo(caller);
	cmig_script_close(script);
	MemoryContextDelete(context);
}

void
cmig_target_in_session(CmigTargetState *state, CmigScriptRun *run, const char *path,
					   const char *const *settings,
					   void (*statements) (CmigScriptRun *run, void *arg), void *arg)
{

	PG_TRY();
	{
		ErrorContextCallback callback;

		callback.callback = cmig_script_run_describe_error;
		callback.arg = run;
		callback.previous = error_context_stack;
		error_context_stack = &callback;

		run->phase = "before its first statement";
		cmig_session_enter(false);
		if (path != NULL)
			cmig_session_use_path(path);
		for (int i = 0; settings[i] != NULL; i += 2)
			cmig_settings_override(settings[i], settings[i + 1]);
		watch(state);
		run->phase = NULL;
		statements(run, arg);
		run->phase = "after its last statement";
		cmig_session_leave();
		watch(NULL);
		run->phase = NULL;
		error_context_stack = callback.previous;
	}
	PG_CATCH();
	{
		watch(NULL);
		cmig_session_abandon();
		PG_RE_THROW();
	}
	PG_END_TRY();
}

/* Subtransaction callback: run the script. */
static void
try_script(void *arg)
{
	static const char *const settings[] = {"check_function_bodies", "off", NULL};
	Statements *work = arg;
	CmigRunStep step = {.revision = work->script->revision};
	CmigScriptRun run = {.step = &step,.verb = "replay"};
	CmigTargetText text = {.sql = unconstify(char *, work->script->sql)};

	work->text = &text;
	cmig_target_in_session(work->state, &run, NULL, settings, run_statements, work);
}

/* Run the target's SQL, and then the scripts of repeatable revisions. */
static void
run_text(CmigTargetState *state, const char *sql, List *scripts)
{
	/*
	 * turn row_security on, so that a materialized view can read a table with
	 * forced row security
	 */
	static const char *const settings[] = {"row_security", "on", NULL};
	static const CmigRunStep step = {.revision = "the target"};
	CmigScriptRun run = {.step = &step,.verb = "SQL"};
	CmigTargetText *text = cmig_target_text_read(sql);
	Statements	statements = {state, text};

	if (text->commands + text->copies > 0)
		ereport(NOTICE,
				(errmsg("psql commands and COPY blocks in the target were ignored"),
				 errdetail("Backslash commands: %d. COPY blocks: %d. The first one is on line %d of the target.",
						   text->commands, text->copies, text->first_line)));
	cmig_target_in_session(state, &run, NULL, settings, run_statements, &statements);
	foreach_ptr(CmigTargetScript, each, scripts)
	{
		Statements	work = {.state = state,.script = each};
		ErrorData  *error = cmig_subtransaction_try(try_script, &work);

		if (error == NULL)
			continue;
		/* raise the error again if the script has not caused it */
		if (cmig_subtransaction_must_rethrow(error))
			ReThrowError(error);
		switch (error->sqlerrcode)
		{
				/* the script's objects already exist */
			case ERRCODE_DUPLICATE_TABLE:
			case ERRCODE_DUPLICATE_OBJECT:
			case ERRCODE_DUPLICATE_FUNCTION:
			case ERRCODE_DUPLICATE_SCHEMA:
				continue;
			default:
				ereport(NOTICE,
						(errmsg("repeatable revision \"%s\" cannot run after the target",
								work.script->revision),
						 errdetail("Its script failed: %s.", error->message),
						 errhint("The objects that the revision creates are treated as missing from the target. If the target is correct, correct the script.")));
		}
	}
	cmig_target_extension_settle(state);
	if (state->left_out.count > 0)
		ereport(NOTICE,
				(errmsg("target statements that do not concern the compared schemas were ignored"),
				 errdetail_internal("%s", cmig_listing_text(&state->left_out))));
}

void
cmig_target_begin(CmigTargetState *state, CmigShadow *shadow)
{
	*state = (CmigTargetState)
	{
		.shadow = shadow,.context = CurrentMemoryContext,.target = palloc0(sizeof(CmigTarget)),
			.subtransaction = GetCurrentSubTransactionId()
	};
	cmig_listing_init(&state->left_out, CMIG_LISTING_LINES);
}

CmigTarget *
cmig_target_run(CmigShadow *shadow, const char *sql, List *scripts)
{
	MemoryContext caller = CurrentMemoryContext;
	CmigTargetState state;

	cmig_target_begin(&state, shadow);
	PG_TRY();
	{
		run_text(&state, sql, scripts);
	}
	PG_CATCH();
	{
		ErrorData  *error = cmig_error_take(caller);

		/* set hints for errors that have a special meaning in a target */
		switch (error->sqlerrcode)
		{
			case ERRCODE_OUT_OF_MEMORY:
				if (cmig_error_is_from(error, ERRCODE_OUT_OF_MEMORY, "lock.c"))
					error->hint = "The transaction needs a lock for each table of the target. Increase max_locks_per_transaction.";
				break;
			case ERRCODE_UNDEFINED_TABLE:
				if (error->hint == NULL)
					error->hint = "The target's SQL starts with empty schemas, and must create the whole schema. To start from the current schema, use the output of: SELECT cmig.schema_sql()";
				break;
			default:
				break;
		}
		ReThrowError(error);
	}
	PG_END_TRY();
	return state.target;
}
