/*
 * access.c
 *	  Who may do what.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "nodes/pg_list.h"
#include "parser/parser.h"
#include "storage/lmgr.h"
#include "tcop/utility.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "base/base.h"
#include "parse/parse.h"
#include "store/store.h"

/* ----------------------------------------------------------------
 * Grants and revokes access levels for schema cmig.
 *
 * CREATE EXTENSION grants nothing to PUBLIC.  A level is a list of GRANT
 * statements, which this module runs and returns to the caller.  The level
 * "application" is for the roles that an application uses: it includes the
 * context functions of row-level security, but no migration functions.  A
 * reader can read everything except secrets.  An author can also write
 * revisions, and a migrator can also run them.  A role that is used by an
 * application and also runs migrations needs both levels.
 * ----------------------------------------------------------------
 */

PG_FUNCTION_INFO_V1(cmig_grant_access);
PG_FUNCTION_INFO_V1(cmig_revoke_access);

/*
 * Each string in the following lists is the part of a GRANT or REVOKE
 * statement between the verb and the role.
 */
static const char *const application[] = {
	"USAGE ON SCHEMA cmig",
	"EXECUTE ON FUNCTION cmig.set_context(text, text, boolean)",
	"EXECUTE ON FUNCTION cmig.set_context(\"any\", \"any\", boolean)",
	"EXECUTE ON FUNCTION cmig.clear_context()",
	"EXECUTE ON FUNCTION cmig.context()",
	"EXECUTE ON FUNCTION cmig.current_user_id()",
	"EXECUTE ON FUNCTION cmig.current_tenant_id()",
	"EXECUTE ON FUNCTION cmig.require_user_id()",
	"EXECUTE ON FUNCTION cmig.require_tenant_id()",
	NULL
};

static const char *const usage[] = {
	"USAGE ON SCHEMA cmig",
	NULL
};

/*
 * A reader's privileges include those that pg_dump needs, except for SELECT on
 * cmig.secret, which only the owner is allowed to read.
 */
static const char *const reader[] = {
	"SELECT ON cmig.revision, cmig.version, cmig.scope_version, cmig.journal, cmig.progress,"
	" cmig.backfill_run, cmig.backfill_progress, cmig.ddl_log",
	"SELECT ON SEQUENCE cmig.backfill_run_id_seq",
	NULL
};

/*
 * An author is not allowed to set created_by, so that no one can write a
 * revision in another role's name.  Nor is an author allowed to delete rows,
 * because the DELETE privilege would also allow locking the table in any mode;
 * see revisions.c.
 */
static const char *const author[] = {
	"INSERT (revision, down_revision, depends_on, branch_labels, replaces, message, description,"
	" upgrade_sql, downgrade_sql, verify_sql, precondition_sql, placeholders, previous_sql,"
	" transactional, repeatable, created_at) ON cmig.revision",
	NULL
};

/*
 * In an existing journal row, a migrator is allowed to change only the outcome
 * of the run.  In a new row, session_role and client_address always have their
 * defaults, and cmig.journal_trigger checks "role".
 */
static const char *const migrator[] = {
	"INSERT, UPDATE, DELETE ON cmig.version, cmig.scope_version",
	"INSERT (id, revision, direction, outcome, started_at, elapsed, role, application_name,"
	" transaction_id, checksum, search_path, sqlstate, message, statement, scope),"
	" UPDATE (outcome, elapsed, transaction_id, checksum, sqlstate, message, statement)"
	" ON cmig.journal",
	"INSERT, UPDATE, DELETE ON cmig.progress, cmig.backfill_run",
	NULL
};

/*
 * The level "owner" contains all privileges except those that would allow a
 * role to attach code, such as triggers, to the tables.
 */
static const char *const owner[] = {
	"USAGE ON SCHEMA cmig",
	"SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON ALL TABLES IN SCHEMA cmig",
	"SELECT, UPDATE, USAGE ON ALL SEQUENCES IN SCHEMA cmig",
	"EXECUTE ON ALL ROUTINES IN SCHEMA cmig",
	NULL
};

/*
 * The following lists contain the names of functions.  Each name stands for
 * all functions with that name.  Functions that are in none of the lists are
 * reserved for the owner (grant_access, revoke_access, audit_import,
 * ddl_event, ddl_trigger, journal_trigger).  To read the audit log, a role
 * also needs SELECT on the log, which is not part of any level.
 * sql/access.sql contains the same lists, and fails if a function is in none
 * of them.
 */
static const char *const reader_functions[] = {
	"audit_as_of", "audit_diff", "audit_history", "audit_report", "audit_script", "audit_status",
	"audit_transaction", "autogenerate", "branches", "check", "current", "diff", "diff_schemas", "draft", "export", "graph", "heads", "help",
	"history", "import_files", "lint", "lint_sql", "log", "plan", "report", "require", "require_schema", "resolve", "rls_check", "rls_rules",
	"rls_script", "rls_status",
	"schema_sql", "scope_drift", "scopes", "script", "show", "squash", "status", "wait_for_replicas", NULL
};

static const char *const author_functions[] = {
	"baseline", "create_revision", "load", "load_directory", "merge", "remove_revision", NULL
};

static const char *const migrator_functions[] = {
	"add_check", "add_foreign_key", "add_not_null", "add_unique", "allow_ddl",
	"audit_retain",
	"audit_trigger", "backfill", "capture", "create_scope", "disable_audit", "disable_rls",
	"downgrade", "downgrade_stepwise", "drift", "drop_scope", "dry_run", "enable_audit",
	"enable_audit_schema", "enable_rls", "enable_rls_schema", "import_state", "repair", "reset",
	"reset_stepwise", "rls_test", "round_trip", "set_ddl_policy", "set_option", "set_protect", "stamp", "upgrade", "upgrade_scopes", "upgrade_stepwise", "verify", NULL
};

/* The access levels, and the lists of which each one consists. */
static const struct
{
	const char *name;
	const char *const *lists[4];
	const char *const *functions[3];
	bool		with_grant_option;
}			levels[] = {
	{"application", {application}},
	{"reader", {usage, reader}, {reader_functions}},
	{"author", {usage, reader, author}, {reader_functions, author_functions}},
	{"migrator", {usage, reader, migrator}, {reader_functions, migrator_functions}},
	{"owner", {owner}, {NULL}, true}
};

static CmigQuery find_functions = {
	"SELECT CASE p.prokind WHEN 'p' THEN 'PROCEDURE ' ELSE 'FUNCTION ' END"
	" || p.oid::regprocedure::text"
	" FROM pg_proc p WHERE p.pronamespace = 'cmig'::regnamespace AND p.proname = $1"
	" ORDER BY p.oid::regprocedure::text COLLATE \"C\"",
	1, {NAMEOID}
};

/* Row callback of find_functions: append the function to the list. */
static void
collect_function(TupleDesc desc, HeapTuple row, void *arg)
{
	List	  **functions = arg;

	*functions = lappend(*functions, cmig_query_text(desc, row, 1));
}

/*
 * Returns the statements that grant or revoke an access level: "verb
 * privileges ON objects preposition role".  Raises error 22023 if the level
 * does not exist.
 */
static List *
level_statements(const char *verb, const char *preposition, const char *role, const char *level)
{
	List	   *statements = NIL;
	int			i = 0;

	while (i < lengthof(levels) && (level == NULL || strcmp(levels[i].name, level) != 0))
		i++;
	if (i == lengthof(levels))
	{
		StringInfoData names;

		initStringInfo(&names);
		for (i = 0; i < lengthof(levels); i++)
			appendStringInfo(&names, "%s%s", i > 0 ? ", " : "", levels[i].name);
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 level ? errmsg("access level \"%s\" does not exist",
								strlen(level) > NAMEDATALEN ? "..." : level)
				 : errmsg("the access level must not be null"),
				 errhint("Available levels: %s.", names.data)));
	}

	for (int j = 0; j < lengthof(levels[i].lists) && levels[i].lists[j]; j++)
		for (const char *const *what = levels[i].lists[j]; *what; what++)
			statements = lappend(statements,
								 psprintf("%s %s %s %s%s", verb, *what, preposition, role,
										  levels[i].with_grant_option && strcmp(verb, "GRANT") == 0
										  ? " WITH GRANT OPTION" : ""));
	for (int j = 0; j < lengthof(levels[i].functions) && levels[i].functions[j]; j++)
		for (const char *const *what = levels[i].functions[j]; *what; what++)
		{
			NameData	name;
			Datum		values[1] = {NameGetDatum(&name)};
			List	   *functions = NIL;
			ListCell   *lc;

			namestrcpy(&name, *what);
			cmig_query_each(&find_functions, values, NULL, collect_function, &functions);
			foreach(lc, functions)
			{
				statements = lappend(statements, psprintf("%s EXECUTE ON %s %s %s", verb,
														  (char *) lfirst(lc), preposition, role));
			}
		}
	return statements;
}

List *
cmig_access_levels(void)
{
	List	   *names = NIL;

	for (int i = 0; i < lengthof(levels); i++)
		names = lappend(names, (void *) levels[i].name);
	return names;
}

List *
cmig_access_grants(const char *role, const char *level)
{
	return level_statements("GRANT", "TO", role, level);
}

List *
cmig_access_revokes_level(const char *role, const char *level)
{
	return level_statements("REVOKE", "FROM", role, level);
}

/*
 * Returns the first argument, the name of a role, quoted for use in a statement.
 * Raises an error if the role is PUBLIC or does not exist.
 */
static char *
role_argument(FunctionCallInfo fcinfo)
{
	char	   *name = PG_ARGISNULL(0) ? NULL : NameStr(*PG_GETARG_NAME(0));

	if (name == NULL || name[0] == '\0')
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 name == NULL ? errmsg("the role must not be null") : errmsg("the role must not be empty"),
				 errhint("Specify the role, as in cmig.grant_access('app', 'application')")));
	if (strcmp(name, "public") == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("access to pg_cmig cannot be granted to PUBLIC"),
				 errhint("Specify the roles that need access.")));
	if (!OidIsValid(get_role_oid(name, true)))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("role \"%s\" does not exist", name),
				 errhint("The name is case-sensitive. If the role is new: CREATE ROLE %s",
						 quote_identifier(name))));
	return pstrdup(quote_identifier(name));
}

/* Returns the owner of schema cmig, who owns all of pg_cmig's objects. */
static Oid
schema_owner(void)
{
	Oid			owner_id = cmig_role_owner_of_schema(get_namespace_oid("cmig", false));

	if (!OidIsValid(owner_id))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_SCHEMA),
				 errmsg("schema \"cmig\" was dropped by another session"),
				 errhint("CREATE EXTENSION pg_cmig")));
	return owner_id;
}

bool
cmig_access_may_grant(void)
{
	/*
	 * check for the owner level, because a role that can grant USAGE cannot
	 * necessarily grant everything else
	 */
	static CmigQuery query = {
		"SELECT WHERE has_schema_privilege('cmig', 'USAGE WITH GRANT OPTION')"
		" AND has_table_privilege('cmig.secret', 'SELECT WITH GRANT OPTION')"
	};

	return cmig_query_do(&query) > 0;
}

/*
 * Error context callback: if the error is that an object does not exist, and
 * the extension has not been updated to the version of this library, add a
 * hint that says so.
 */
static void
explain_missing(void *arg)
{
	const char *version = cmig_library_version_hint();
	int			code = geterrcode();

	if (version != NULL && (code == ERRCODE_UNDEFINED_TABLE || code == ERRCODE_UNDEFINED_COLUMN ||
							code == ERRCODE_UNDEFINED_FUNCTION))
		errhint("%s", version);
}

/*
 * Run GRANT or REVOKE statements as the given grantor.  This is usually the
 * owner of schema cmig, because pg_dump writes the owner's grants as plain
 * GRANT statements, which any restoring role can run.
 *
 * The statements must be built from fixed text.  They are not run by
 * ProcessUtility(), because an event trigger would then run with the
 * privileges of the owner, a superuser, on behalf of a caller that does not
 * have them, and names in the trigger could refer to the caller's temporary
 * tables.
 */
static void
run_as(Oid grantor, List *statements)
{
	CmigRole	saved;
	int			guc_level = NewGUCNestLevel();
	ErrorContextCallback callback = {.callback = explain_missing,.previous = error_context_stack};
	ListCell   *lc;

	cmig_library_version_read();
	error_context_stack = &callback;
	cmig_settings_pin_search_path();
	cmig_role_act_as(&saved, grantor);
	foreach(lc, statements)
	{
		RawStmt    *raw = cmig_raw_parse_one(lfirst(lc));

		ExecuteGrantStmt(castNode(GrantStmt, raw->stmt));
		CommandCounterIncrement();
	}
	cmig_role_return(&saved);
	AtEOXact_GUC(false, guc_level);
	error_context_stack = callback.previous;
}

void
cmig_access_run(List *statements)
{
	if (!cmig_access_may_grant())
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied to grant or revoke access to pg_cmig"),
				 errhint("Only superusers and the role that ran CREATE EXTENSION may do this.")));
	run_as(schema_owner(), statements);
}

/*
 * Lock schema cmig.  Without this lock, if two sessions granted or revoked
 * privileges at the same time, one of them could fail with "tuple concurrently
 * updated" or a deadlock.
 */
static void
begin_change(const char *command)
{
	PreventCommandDuringRecovery(command);
	PreventCommandIfReadOnly(command);
	LockDatabaseObject(NamespaceRelationId, get_namespace_oid("cmig", false), 0,
					   ShareUpdateExclusiveLock);
}

Datum
cmig_grant_access(PG_FUNCTION_ARGS)
{
	char	   *role = role_argument(fcinfo);
	List	   *statements = cmig_access_grants(role, cmig_argument_text(fcinfo, 1));

	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
	begin_change("cmig.grant_access()");
	cmig_access_run(statements);
	cmig_result_add_texts(fcinfo, statements);
	return (Datum) 0;
}

/*
 * A query for the roles that have granted the role $1 a privilege on schema
 * cmig or an object in it.
 */
static CmigQuery find_grantors = {
	"SELECT DISTINCT a.grantor FROM ("
	" SELECT nspacl AS acl FROM pg_namespace WHERE nspname = 'cmig'"
	" UNION ALL SELECT relacl FROM pg_class WHERE relnamespace = 'cmig'::regnamespace"
	" UNION ALL SELECT t.attacl FROM pg_attribute t JOIN pg_class c ON c.oid = t.attrelid"
	"  WHERE c.relnamespace = 'cmig'::regnamespace"
	" UNION ALL SELECT proacl FROM pg_proc WHERE pronamespace = 'cmig'::regnamespace) o,"
	" aclexplode(o.acl) a WHERE a.grantee = $1 AND a.grantee <> a.grantor",
	1, {OIDOID}
};

Datum
cmig_revoke_access(PG_FUNCTION_ARGS)
{
	char	   *role = role_argument(fcinfo);
	const char *name = NameStr(*PG_GETARG_NAME(0));
	List	   *statements = list_make4(psprintf("REVOKE ALL ON ALL ROUTINES IN SCHEMA cmig FROM %s", role),
										psprintf("REVOKE ALL ON ALL TABLES IN SCHEMA cmig FROM %s", role),
										psprintf("REVOKE ALL ON ALL SEQUENCES IN SCHEMA cmig FROM %s", role),
										psprintf("REVOKE ALL ON SCHEMA cmig FROM %s", role));
	Oid			types[1] = {OIDOID};
	Datum		values[1] = {ObjectIdGetDatum(get_role_oid(name, false))};
	char	   *owns = NULL;
	List	   *grantors = NIL;
	ListCell   *lc;

	/*
	 * The owner's privileges come from CREATE EXTENSION, and nothing would
	 * work without them.
	 */
	(void) cmig_query_once("SELECT 'yes' FROM pg_extension WHERE extname = 'pg_cmig' AND extowner = $1",
						   1, types, values, NULL, true, cmig_query_keep_text, &owns);
	if (owns || DatumGetObjectId(values[0]) == schema_owner())
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("role \"%s\" owns pg_cmig", name),
				 errhint("The owner's access does not depend on access levels and cannot be revoked.")));

	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
	begin_change("cmig.revoke_access()");
	cmig_access_run(statements);
	cmig_query_each(&find_grantors, values, NULL, cmig_query_keep_oid, &grantors);
	foreach(lc, grantors)
	{
		if (lfirst_oid(lc) != schema_owner())
			run_as(lfirst_oid(lc), statements);
	}
	cmig_result_add_texts(fcinfo, statements);
	return (Datum) 0;
}
