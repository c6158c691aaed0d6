/*
 * make.c
 *	  cmig.create_scope and cmig.drop_scope.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/memutils.h"

#include "audit/audit.h"
#include "base/errors.h"
#include "schema/schema.h"
#include "scope/internal.h"

/* ----------------------------------------------------------------
 * Copies the structure of a scope's schema into a new schema.
 *
 * cmig.diff_schemas returns the statements that make an empty schema equal to
 * the scope's schema.  These statements are run as a script in the new scope,
 * whose schema is empty.  Then the digests of the two schemas are
 * compared (see digest.c).  If they differ,
 * cmig.diff_schemas compares the schemas.
 *
 * The statements are kept for the session, and are used for further copies
 * while the digest of the copied schema stays the same.  The statements may
 * produce a different result than before, for example because they mention
 * objects in other schemas.  In that case, too, cmig.diff_schemas compares the
 * schemas.
 * ----------------------------------------------------------------
 */

/* A query for the statements that make schema $1 equal to schema $2. */
static CmigQuery difference_query = {
	.sql = "SELECT d.upgrade_sql, d.object FROM cmig.diff_schemas($1, $2) d ORDER BY d.step",
	.argtypes = {TEXTOID, TEXTOID}
};

/*
 * A query for an object in schema $1 whose owner is neither the role $2, nor
 * a superuser, nor the owner of the database, unless $2 is a superuser.  This
 * includes functions in any schema that are called by triggers in schema $1: to
 * create a trigger, a role needs only the privilege TRIGGER on the table.
 */
static CmigQuery strangers_query = {
	.sql = "SELECT pg_describe_object(d.classid, d.objid, 0) FROM pg_depend d"
	" JOIN pg_database b ON b.datname = current_database()"
	" JOIN pg_shdepend s ON s.dbid = b.oid AND s.classid = d.classid AND s.objid = d.objid"
	" AND s.objsubid = 0 AND s.deptype = 'o'"
	" JOIN pg_roles r ON r.oid = s.refobjid"
	" WHERE d.refclassid = 'pg_namespace'::regclass AND d.refobjid = $1"
	" AND NOT r.rolsuper AND r.oid <> $2 AND (r.oid <> b.datdba OR (SELECT rolsuper FROM pg_roles"
	" WHERE oid = $2))"
	" UNION ALL SELECT pg_describe_object('pg_proc'::regclass, p.oid, 0) || ', which a trigger calls'"
	" FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_proc p ON p.oid = t.tgfoid"
	" JOIN pg_database b ON b.datname = current_database() JOIN pg_roles r ON r.oid = p.proowner"
	" WHERE c.relnamespace = $1 AND NOT t.tgisinternal"
	" AND NOT r.rolsuper AND r.oid <> $2 AND (r.oid <> b.datdba OR (SELECT rolsuper FROM pg_roles"
	" WHERE oid = $2)) ORDER BY 1 LIMIT 1",
	.argtypes = {OIDOID, OIDOID}
};

/* A query for the roles, other than the owner, that can use schema $1. */
static CmigQuery users_query = {
	.sql = "SELECT string_agg(DISTINCT CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE a.grantee::regrole::text END, ', ')"
	" FROM pg_namespace n, aclexplode(n.nspacl) a WHERE n.oid = $1 AND a.grantee <> n.nspowner",
	.argtypes = {OIDOID}
};

/*
 * A query for the statements that set the security labels of the objects of schema $1
 * on those of schema $2, in one line for the first ones.
 */
static CmigQuery labels_query = {
	.sql = "SELECT string_agg(x.sql, '; ' ORDER BY n) FILTER (WHERE n <= " CppAsString2(CMIG_LISTING_MAX) ")"
	" || CASE WHEN count(*) > " CppAsString2(CMIG_LISTING_MAX) " THEN format('; and %s more:"
	" SELECT objtype, objname, provider, label FROM pg_seclabels WHERE objnamespace ="
	" %L::regnamespace',"
	" count(*) - " CppAsString2(CMIG_LISTING_MAX) ", $1::regnamespace) ELSE '' END"
	" FROM (SELECT row_number() OVER (ORDER BY i.type, i.identity, l.provider) AS n, "
	CMIG_LABEL_STATEMENT("CASE i.type WHEN 'schema' THEN q.new ELSE"
						 " concat(q.new, substr(CASE WHEN i.type IN ('function', 'procedure',"
						 " 'aggregate')"
	/* types of the schema among the arguments */
						 " THEN replace(replace(i.identity, '(' || q.old || '.', '(' || q.new ||"
						 " '.'),"
						 "  ',' || q.old || '.', ',' || q.new || '.')"
						 " ELSE i.identity END, length(q.old) + 1)) END")
	" AS sql FROM pg_seclabel l"
	" CROSS JOIN LATERAL pg_identify_object(l.classoid, l.objoid, l.objsubid) i"
	" CROSS JOIN (SELECT $1::regnamespace::text AS old, quote_ident($2) AS new) q"
	" WHERE coalesce(i.schema, i.name) = q.old) x",
	.argtypes = {OIDOID, TEXTOID}
};

/* Raise an error because a scope cannot be copied. */
static void
refuse(int sqlstate, const char *scope, const char *detail)
{
	ereport(ERROR,
			(errcode(sqlstate),
			 errmsg("schema \"%s\" cannot be copied", scope),
			 errdetail("%s", detail),
			 sqlstate == ERRCODE_FEATURE_NOT_SUPPORTED ? cmig_hint("Leave out `copy_of`.") :
			 sqlstate == ERRCODE_INSUFFICIENT_PRIVILEGE ?
			 cmig_hint("Connect as that role, or leave out `copy_of`.") :
			 cmig_hint("Copy another scope, or leave out `copy_of`.")));
}

/*
 * Lock the current scope, which is to be copied, and return its version rows.
 * No run can change the scope until the end of the transaction.  Raises error
 * 42501 if the role that runs scripts cannot trust the objects in the schema,
 * because their copies would belong to it, and 55000 if the scope cannot be
 * copied.  The schema must exist.
 */
static CmigNames *
scope_copy_begin(const char *scope)
{
	Oid			role = get_role_oid(cmig_session_role(), false);
	char	   *object;
	CmigRole	saved;
	CmigNames  *rows;

	cmig_run_lock_transaction("cmig.create_scope()");
	cmig_version_rows_check_snapshot();
	cmig_role_look_up_as(&saved, role);
	cmig_scope_require_safe(cmig_session_path_setting());
	cmig_role_return(&saved);
	object = cmig_query_value(&strangers_query, get_namespace_oid(scope, false), role);
	if (object != NULL)
		refuse(ERRCODE_INSUFFICIENT_PRIVILEGE, scope, psprintf("Another role owns %s.", object));
	rows = cmig_version_rows_read();
	if (rows->count == 0 || cmig_progress_read() != NIL || cmig_expansion_read() != NULL)
		refuse(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE, scope,
			   rows->count == 0 ? "No revision is applied in it." :
			   cmig_expansion_read() != NULL ? "A revision is expanded in it." :
			   "A revision is partially applied in it.");
	return rows;
}

/* Raise error 0A000: no statement can be generated for an object of "from". */
static void
refuse_object(const char *from, const char *object)
{
	refuse(ERRCODE_FEATURE_NOT_SUPPORTED, from,
		   psprintf("pg_cmig cannot generate a statement that creates %s.", object));
}

/*
 * Statements that create the objects of a schema
 */

/* In kept statements, this name stands for the new schema. */
#define NEW_SCHEMA "cmig_new_scope"

/*
 * The statements that the last copy in this session has run, kept for further
 * copies.  They are valid for the schema "source" and the role "role", which
 * runs scripts, as long as the digest of the schema is "original".  The digest
 * of the copy was "copy".  If text is NULL, no statements are kept.
 */
static struct
{
	Oid			source;
	Oid			role;
	char	   *original;
	char	   *copy;
	char	   *text;
	bool		is_running;		/* are the statements being run, or have they
								 * failed? */
}			kept;

/* Returns the digest of a schema, or NULL if it has none. */
static char *
digest_of(const char *schema)
{
	static const CmigScopeOptions options = {.privileges = true,.comments = true};

	return cmig_scope_digests(&schema, 1, &options)[0];
}

/*
 * Keep the statements in "text", in which NEW_SCHEMA stands for the new
 * schema, for further copies of "from".
 */
static void
keep(const char *from, const char *text, const char *original, const char *copy)
{
	char	  **old[] = {&kept.text, &kept.original, &kept.copy};

	for (int i = 0; i < lengthof(old); i++)
	{
		if (*old[i] != NULL)
			pfree(*old[i]);
		*old[i] = NULL;
	}
	if (original == NULL || copy == NULL)
		return;
	kept.source = get_namespace_oid(from, false);
	kept.role = get_role_oid(cmig_session_role(), false);
	kept.original = MemoryContextStrdup(TopMemoryContext, original);
	kept.copy = MemoryContextStrdup(TopMemoryContext, copy);
	kept.is_running = false;
	kept.text = MemoryContextStrdup(TopMemoryContext, text);
}

/* Returns the text with a name in place of NEW_SCHEMA. */
static char *
with_name(const char *sql, const char *name)
{
	return cmig_text_replace(sql, NEW_SCHEMA, name);
}

/*
 * Returns the statements that create the objects of the schema "from" in an
 * empty schema with the given name.  Raises error 0A000 if a string in a
 * statement, such as a default, names an object of "from".
 */
static char *
generate(const char *from, const char *name)
{
	MemoryContext caller = CurrentMemoryContext;
	MemoryContext context = AllocSetContextCreate(caller, "pg_cmig schema", ALLOCSET_DEFAULT_SIZES);
	StringInfoData text;

	initStringInfo(&text);
	MemoryContextSwitchTo(context);
	foreach_ptr(const CmigDiffLine, line,
				cmig_schema_copy(from, pstrdup(name), "cmig.create_scope()"))
	{
		if (line->upgrade == NULL)
			refuse_object(from, with_name(line->object, quote_identifier(from)));
		/* the copy would use an object of "from" instead of its own */
		if (cmig_own_name_replace(unconstify(char *, line->upgrade), get_namespace_oid(from, false),
								  from, from) != line->upgrade)
			refuse(ERRCODE_FEATURE_NOT_SUPPORTED, from,
				   psprintf("The text of %s %s names the schema, so the copy would still refer to the original.",
							line->kind, with_name(line->object, quote_identifier(from))));
		appendStringInfo(&text, "%s;\n", line->upgrade);
	}
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(context);
	return text.data;
}

/* Run the statements in "text" as a script in the current scope. */
static void
run_statements(const char *from, char *text)
{
	CmigRunStep step = {
		.revision = psprintf("copy of %s", from),.direction = CMIG_UPGRADE,
		.sql = text,.stored_sql = text,.transactional = true
	};

	if (text[0] != '\0')
		cmig_runner_run(&step, CMIG_RUN_ALL);
	CommandCounterIncrement();
}

/*
 * Comparison with cmig.diff_schemas
 */

/*
 * Returns the statements that make the schema of the current scope equal to
 * "from", or "" if the schemas are equal.
 */
static char *
find_differences(const char *from)
{
	StringInfoData text;

	initStringInfo(&text);
	foreach_ptr(CmigValue, row, cmig_query_list(&difference_query, cmig_scope_current(), from))
	{
		if (row[0] == NULL)
			refuse_object(from, row[1]);
		appendStringInfo(&text, "%s;\n", row[0]);
	}
	return text.data;
}

/*
 * Compare the schema of the current scope with "from", and remove the
 * differences.  Returns true if there were no differences.
 */
static bool
remove_differences(const char *from)
{
	char	   *differences = find_differences(from);

	if (differences[0] == '\0')
		return true;
	run_statements(from, differences);
	if (find_differences(from)[0] != '\0')
		refuse(ERRCODE_FEATURE_NOT_SUPPORTED, from, "The copy would differ from the original.");
	return false;
}

/* Subtransaction callback: run the kept statements in the current scope. */
static void
run_kept(void *from)
{
	run_statements(from, with_name(kept.text, cmig_scope_current()));
}

/*
 * Create the objects of the schema "from" in the current scope, if possible
 * with the kept statements.  The name of the current scope must be an
 * identifier that need not be quoted.
 */
static void
copy_objects(const char *from)
{
	char	   *original = digest_of(from);
	bool		again = kept.text != NULL && !kept.is_running &&
	kept.source == get_namespace_oid(from, false) &&
	kept.role == get_role_oid(cmig_session_role(), false) &&
	cmig_text_same(kept.original, original);
	char	   *text;
	char	   *copy;

	/*
	 * if a kept statement fails, for example because an object in another
	 * schema was renamed, all of them are undone
	 */
	if (again)
	{
		ErrorData  *error;

		kept.is_running = true;
		error = cmig_subtransaction_try(run_kept, unconstify(char *, from));
		if (error != NULL && cmig_subtransaction_must_rethrow(error))
			ReThrowError(error);
		again = error == NULL;
	}
	text = again ? pstrdup(kept.text) : generate(from, NEW_SCHEMA);
	if (!again)
		run_statements(from, with_name(text, cmig_scope_current()));
	copy = digest_of(cmig_scope_current());
	if (again && cmig_text_same(copy, kept.copy))
		kept.is_running = false;

	/*
	 * A digest always describes the current state of a schema, but
	 * cmig.diff_schemas may read an earlier state.
	 */
	else if ((copy != NULL && cmig_text_same(copy, original)) ||
			 (remove_differences(from) && !IsolationUsesXactSnapshot() &&
			  cmig_text_same(digest_of(from), original)))
		keep(from, text, original, copy);
	pfree(text);
}

/*
 * Create all objects of the schema "from", but not its table rows, in the
 * current scope, whose schema must be empty.  Records the version rows "rows"
 * in the current scope.
 */
static void
copy_scope(const char *from, const CmigNames *rows)
{
	const char *name = cmig_scope_current();
	char	   *roles = cmig_query_value(&users_query, get_namespace_oid(from, false));
	char	   *labels;

	if (strcmp(quote_identifier(name), name) == 0)
		copy_objects(from);
	else
	{
		run_statements(from, generate(from, name));
		(void) remove_differences(from);
	}
	/* the new scope may belong to another tenant */
	if (roles != NULL)
		ereport(NOTICE,
				(errmsg("the privileges on schema \"%s\" were copied", from),
				 errdetail("These roles can use the new scope: %s.", roles),
				 errhint("If a role must not use the new scope: REVOKE ALL ON SCHEMA %s FROM <role>",
						 quote_identifier(cmig_scope_current()))));
	labels = cmig_query_value(&labels_query, get_namespace_oid(from, false), name);
	if (labels != NULL)
		ereport(NOTICE,
				(errmsg("security labels of scope \"%s\" were not copied", from),
				 errhint("%s", labels)));
	(void) cmig_stamp_targets(rows, false);
	CommandCounterIncrement();
}

/* ----------------------------------------------------------------
 * Implements cmig.create_scope, cmig.drop_scope, and cmig.rename_scope, which
 * create, drop, and rename the schema of a scope.
 * ----------------------------------------------------------------
 */

PG_FUNCTION_INFO_V1(cmig_create_scope);
PG_FUNCTION_INFO_V1(cmig_drop_scope);
PG_FUNCTION_INFO_V1(cmig_rename_scope);

/*
 * Returns argument n, the name of a scope.  Raises error 22023 if it cannot be
 * a scope, and, if "call" is a correct call for the hint, 22004 if it is null.
 */
static char *
scope_argument(FunctionCallInfo fcinfo, int n, const char *call)
{
	char	   *name = cmig_argument_text(fcinfo, n);
	const char *reason = NULL;

	if (call != NULL)
		cmig_argument_require(fcinfo, n, n == 0 ? "scope" : "new_name", call);
	if (name != NULL)
		reason = name[0] == '\0' ? "Its name is empty." : cmig_scope_reserved(name);
	if (reason != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("schema \"%s\" cannot be a scope", name),
				 errdetail("%s", reason)));
	return name;
}

/*
 * Take the run lock of a scope that does not exist yet, so that two sessions cannot
 * give its name to a schema.
 */
static void
lock_name(const char *name, const char *command)
{
	int			guc_level = cmig_scope_list_enter(name);

	cmig_run_lock_transaction(command);
	AtEOXact_GUC(false, guc_level);
	AcceptInvalidationMessages();
}

/* Wait for a session that renames or drops the schema by hand, and raise error 40001 if it has. */
static void
hold_schema(const char *name)
{
	if (!cmig_query_hold_row(NamespaceRelationId, NamespaceOidIndexId, get_namespace_oid(name, true)))
		cmig_query_raise_changed(psprintf("Schema \"%s\" was renamed or dropped.", name));
}

/* Run a CREATE SCHEMA or DROP SCHEMA command. */
static void
run_command(const char *sql)
{
	cmig_query_command(sql, InvalidOid);
	CommandCounterIncrement();
}

/* Drop a schema; cmig.lock_timeout limits how long this waits for locks. */
static void
drop_schema(const char *name)
{
	ErrorContextCallback callback = {error_context_stack, cmig_lock_wait_explain_callback};

	error_context_stack = &callback;
	cmig_lock_wait_reset();
	PG_TRY();
	{
		cmig_lock_wait_watch(GetUserId());
		run_command(psprintf("DROP SCHEMA %s CASCADE", quote_identifier(name)));
	}
	PG_FINALLY();
	{
		cmig_lock_wait_unwatch();
	}
	PG_END_TRY();
	error_context_stack = callback.previous;
}

/*
 * Delete everything that is recorded about the current scope, except for the
 * journal, and record the deletion in the journal.  The scope's schema no
 * longer exists, as "message" says.
 */
static void
forget_scope(char *message)
{
	CmigJournalEntry entry = {.revision = "base",.direction = "downgrade",.message = message};
	const CmigExpansion *expansion = cmig_expansion_read();
	const char *remains = expansion ? cmig_expansion_drop_version(expansion) : NULL;

	if (remains != NULL)
		ereport(NOTICE,
				(errmsg("schema \"%s\" with the new version of the scope remains",
						cmig_version_schema_name(expansion->revision, cmig_scope_current())),
				 errhint("%s", remains)));
	cmig_version_rows_clear();
	cmig_expansion_forget();
	(void) cmig_progress_clear(NULL, CMIG_UPGRADE, 0);
	(void) cmig_backfill_run_settle(NULL, NULL);
	cmig_journal_write(&entry);
}

/* Callback: add a step of the upgrade to the result of the SQL function. */
static void
add_step(CmigDirection direction, const CmigRevision *revision, void *arg)
{
	cmig_result_add_text((FunctionCallInfo) arg, revision->id, revision->message);
}

/*
 * Error context callback: if the error is that a revision needs a stepwise
 * run, add a hint that says how to create the scope that way.  The argument is
 * the target of the upgrade.
 */
static void
explain_stepwise(void *target)
{
	const char *name = cmig_scope_current();

	if (geterrcode() == ERRCODE_CMIG_NEEDS_STEPWISE)
		cmig_hint("To create the scope in steps: CREATE SCHEMA %s; `SET cmig.scope = %s; CALL cmig.upgrade_stepwise(%s)`",
				  quote_identifier(name), quote_literal_cstr(name), quote_literal_cstr(target));
}

Datum
cmig_create_scope(PG_FUNCTION_ARGS)
{
	CmigScopeRun run = {.direction = CMIG_UPGRADE,.report = add_step,.begins = true};
	ErrorContextCallback callback = {.callback = explain_stepwise,.previous = error_context_stack};
	char	   *copy_of;
	CmigNames  *copied = NULL;
	char	   *name;
	int			guc_level;

	InitMaterializedSRF(fcinfo, 0);
	cmig_running_require_idle("cmig.create_scope()");
	cmig_require_writable("cmig.create_scope()");
	name = scope_argument(fcinfo, 0, "`SELECT * FROM cmig.create_scope('<schema>')`");
	cmig_argument_require(fcinfo, 1, "target",
						  "`SELECT * FROM cmig.create_scope('<schema>', 'head')`");
	run.target = cmig_argument_text(fcinfo, 1);
	run.arg = fcinfo;
	cmig_citus_require_coordinator("cmig.create_scope()");

	copy_of = scope_argument(fcinfo, 2, NULL);
	if (copy_of != NULL)
	{
		if (!OidIsValid(get_namespace_oid(copy_of, true)))
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_SCHEMA),
					 errmsg("schema \"%s\" does not exist", copy_of),
					 errdetail("copy_of must name an existing scope."),
					 cmig_hint("To see the scopes: `SELECT scope, current FROM cmig.scopes()`")));
		guc_level = cmig_scope_list_enter(copy_of);
		copied = scope_copy_begin(copy_of);
		AtEOXact_GUC(false, guc_level);
	}
	lock_name(name, "cmig.create_scope()");
	if (OidIsValid(get_namespace_oid(name, true)))
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_SCHEMA),
				 errmsg("schema \"%s\" already exists", name),
				 cmig_hint("To upgrade it: `SET cmig.scope = %s; SELECT * FROM cmig.upgrade(%s)`",
						   quote_literal_cstr(name), quote_literal_cstr(run.target))));
	cmig_session_require_member();
	run_command(psprintf("CREATE SCHEMA %s AUTHORIZATION %s", quote_identifier(name),
						 quote_identifier(cmig_session_role())));
	guc_level = cmig_scope_list_enter(name);
	cmig_change_begin("cmig.create_scope()");
	if (cmig_version_rows_read()->count > 0 || cmig_expansion_read() != NULL)
		forget_scope("the schema was dropped");
	if (copied != NULL)
		copy_scope(copy_of, copied);
	callback.arg = unconstify(char *, run.target);
	error_context_stack = &callback;
	cmig_scope_run(&run);
	error_context_stack = callback.previous;
	AtEOXact_GUC(false, guc_level);
	cmig_audit_retain_after_upgrade();
	return (Datum) 0;
}

/*
 * Does the journal show that the schema is a scope?  It does if it has rows
 * for the current scope, and the last one was not written by forget_scope(),
 * which records a downgrade to base.
 */
static bool
is_recorded(void)
{
	CmigJournalEntry last;

	return cmig_journal_read_last(&last) &&
		(strcmp(last.revision, "base") != 0 || strcmp(last.direction, "downgrade") != 0);
}

Datum
cmig_drop_scope(PG_FUNCTION_ARGS)
{
	char	   *name = scope_argument(fcinfo, 0,
									  "`SELECT cmig.drop_scope('<schema>', confirm => '<schema>')`");
	char	   *confirm = cmig_argument_text(fcinfo, 1);
	const CmigExpansion *expansion;
	int			guc_level;

	if (confirm == NULL || strcmp(confirm, name) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("drop_scope must be confirmed with the name of the scope"),
				 errdetail("It drops the schema with everything in it."),
				 cmig_hint("`SELECT cmig.drop_scope(%s, confirm => %s)`", quote_literal_cstr(name),
						   quote_literal_cstr(name))));
	cmig_running_require_idle("cmig.drop_scope()");
	if (cmig_settings_protect() != CMIG_PROTECT_OFF)
		ereport(ERROR,
				(errcode(ERRCODE_CMIG_PROTECTED),
				 errmsg("dropping scope \"%s\" is not allowed", name),
				 errdetail("cmig.protect is %s; all data in the schema would be lost.",
						   cmig_settings_protect_name(false)),
				 cmig_hint("%s", cmig_settings_unprotect_hint(false))));
	guc_level = cmig_scope_list_enter(name);
	cmig_run_lock_transaction("cmig.drop_scope()");
	cmig_run_limit_start();
	cmig_runner_begin();
	cmig_version_rows_check_snapshot();
	if (OidIsValid(get_namespace_oid(name, true)))
	{
		if (cmig_version_rows_read()->count == 0 && !is_recorded())
			ereport(ERROR,
					(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					 errmsg("schema \"%s\" is not a scope", name),
					 errdetail("No revision has been run in it with cmig.scope."),
					 errhint("To drop the schema if it is empty: DROP SCHEMA %s",
							 quote_identifier(name))));
		expansion = cmig_expansion_read();
		if (expansion != NULL)
			cmig_expansion_refuse(expansion, "the scope cannot be dropped");
		hold_schema(name);
		drop_schema(name);
	}
	else if (!is_recorded())
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_SCHEMA),
				 errmsg("schema \"%s\" does not exist", name)));
	forget_scope("the schema was dropped");
	AtEOXact_GUC(false, guc_level);
	PG_RETURN_VOID();
}

Datum
cmig_rename_scope(PG_FUNCTION_ARGS)
{
	static const char *const example = "`SELECT cmig.rename_scope('<schema>', '<new name>')`";
	char	   *name = scope_argument(fcinfo, 0, example);
	char	   *new_name = scope_argument(fcinfo, 1, example);
	CmigNames  *rows;
	int			guc_level;

	cmig_running_require_idle("cmig.rename_scope()");
	cmig_require_writable("cmig.rename_scope()");
	cmig_citus_require_coordinator("cmig.rename_scope()");
	if (!OidIsValid(get_namespace_oid(name, true)))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_SCHEMA),
				 errmsg("schema \"%s\" does not exist", name),
				 cmig_text_list_has(cmig_scope_list_gone(), name) &&
				 OidIsValid(get_namespace_oid(new_name, true)) ?
				 errhint("If schema %s is this scope, first give it back its name: ALTER SCHEMA %s RENAME TO %s",
						 quote_identifier(new_name), quote_identifier(new_name),
						 quote_identifier(name)) :
				 cmig_hint("To see the scopes: `SELECT * FROM cmig.scopes()`")));
	guc_level = cmig_scope_list_enter(name);
	cmig_change_begin("cmig.rename_scope()");
	rows = cmig_version_rows_read();
	if (cmig_progress_read() != NIL || cmig_expansion_read() != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("scope \"%s\" cannot be renamed", name),
				 errdetail(cmig_expansion_read() ? "A revision is expanded in it." :
						   "A revision is partially applied in it."),
				 cmig_hint("`SET cmig.scope = %s; SELECT * FROM cmig.status()`",
						   quote_literal_cstr(name))));
	lock_name(new_name, "cmig.rename_scope()");
	hold_schema(name);
	run_command(psprintf("ALTER SCHEMA %s RENAME TO %s", quote_identifier(name),
						 quote_identifier(new_name)));
	AtEOXact_GUC(false, guc_level);

	guc_level = cmig_scope_list_enter(new_name);
	cmig_change_begin("cmig.rename_scope()");

	/* the schema may be the one that they describe, renamed by hand */
	if (cmig_version_rows_read()->count > 0 || cmig_expansion_read() != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("scope \"%s\" cannot be renamed to \"%s\"", name, new_name),
				 errdetail("Revisions are recorded for a schema of this name that was dropped or renamed by hand."),
				 rows->count > 0 ?
				 cmig_hint("To delete the record: `SELECT cmig.drop_scope(%s, confirm => %s)`",
						   quote_literal_cstr(new_name), quote_literal_cstr(new_name)) :
				 errhint("If schema %s is that scope: ALTER SCHEMA %s RENAME TO %s",
						 quote_identifier(name),
						 quote_identifier(name), quote_identifier(new_name))));
	for (int i = 0; i < rows->count; i++)
		cmig_version_rows_insert(rows->names[i]);
	cmig_journal_take(name);
	AtEOXact_GUC(false, guc_level);

	guc_level = cmig_scope_list_enter(name);
	forget_scope(psprintf("the schema was renamed to \"%s\"", new_name));
	AtEOXact_GUC(false, guc_level);
	PG_RETURN_VOID();
}
