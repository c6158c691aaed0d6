/*
 * access.c
 *	  Who may do what.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "commands/event_trigger.h"
#include "commands/extension.h"
#include "funcapi.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "store/store.h"

/* ----------------------------------------------------------------
 * Grants and revokes access levels for schema cmig.
 *
 * CREATE EXTENSION grants nothing to PUBLIC.  A level is a list of GRANT
 * statements, which this module runs and returns to the caller.  The level
 * "application" is for the roles that an application uses: it includes the
 * context functions of row-level security, but no migration functions.  The
 * level "monitor" is for programs that read the view cmig.metrics.  A
 * reader can read everything except secrets.  An author can also write
 * revisions, and a migrator can also run them.  A role that is used by an
 * application and also runs migrations needs both levels.
 * ----------------------------------------------------------------
 */

PG_FUNCTION_INFO_V1(cmig_grant_access);
PG_FUNCTION_INFO_V1(cmig_revoke_access);

/* The access levels, as bits and by name. */
enum
{
	APPLICATION = 1,
	MONITOR = 2,
	READER = 4,
	AUTHOR = 8,
	MIGRATOR = 16,
	OWNER = 32
};

/*
 * Each level's name and the privileges of an earlier version that tell which
 * roles have the level.
 */
static const struct
{
	const char *name;
	const char *function;		/* EXECUTE on it; NULL: a new level */
	bool		with_option;
	const char *table;			/* and this privilege on a table, or NULL */
	const char *privilege;
}			levels[] = {
	{"application", "cmig.current_user_id()"},
	{"monitor", NULL},
	{"reader", "cmig.heads()", false, "cmig.journal", "SELECT"},
	{"author", "cmig.remove_revision(text)", false, "cmig.revision", "INSERT"},
	{"migrator", "cmig.repair(text)", false, "cmig.version", "UPDATE"},
	{"owner", "cmig.repair(text)", true, "cmig.secret", "SELECT WITH GRANT OPTION"}
};

/*
 * The privileges of each level, as the part of a GRANT or REVOKE statement
 * between the verb and the role.
 */
static const struct
{
	int			levels;
	const char *privileges;
	const char *needs;			/* a table that must exist, or NULL */
}			grants[] = {
	{APPLICATION | MONITOR | READER | AUTHOR | MIGRATOR | OWNER, "USAGE ON SCHEMA cmig"},
	{APPLICATION, "EXECUTE ON FUNCTION cmig.set_context(text, text, boolean)"},
	{APPLICATION, "EXECUTE ON FUNCTION cmig.set_context(\"any\", \"any\", boolean)"},
	{APPLICATION, "EXECUTE ON FUNCTION cmig.clear_context()"},
	{APPLICATION, "EXECUTE ON FUNCTION cmig.context()"},
	{APPLICATION, "EXECUTE ON FUNCTION cmig.current_user_id()"},
	{APPLICATION, "EXECUTE ON FUNCTION cmig.current_tenant_id()"},
	{APPLICATION, "EXECUTE ON FUNCTION cmig.require_user_id()"},
	{APPLICATION, "EXECUTE ON FUNCTION cmig.require_tenant_id()"},

	/*
	 * A reader's privileges include those that pg_dump needs, except for
	 * SELECT on cmig.secret, which only the owner is allowed to read.
	 */
	{READER | AUTHOR | MIGRATOR,
		"SELECT ON cmig.revision, cmig.version, cmig.scope_version, cmig.journal, cmig.progress,"
	" cmig.backfill_run, cmig.backfill_progress, cmig.ddl_log"},
	{READER | AUTHOR | MIGRATOR, "SELECT ON SEQUENCE cmig.backfill_run_id_seq"},

	/*
	 * An author is not allowed to set created_by, so that no one can write a
	 * revision in another role's name.  Nor is an author allowed to delete
	 * rows, because the DELETE privilege would also allow locking the table
	 * in any mode; see revisions.c.
	 */
	{AUTHOR, "INSERT (revision, down_revision, depends_on, branch_labels, replaces, message, description,"
		" upgrade_sql, downgrade_sql, verify_sql, precondition_sql, placeholders, previous_sql,"
	" transactional, repeatable, created_at) ON cmig.revision"},

	/*
	 * In an existing journal row, a migrator is allowed to change only the
	 * outcome of the run.  In a new row, session_role and client_address
	 * always have their defaults, and cmig.journal_trigger checks "role".
	 */
	{MIGRATOR, "INSERT, UPDATE, DELETE ON cmig.version, cmig.scope_version"},
	{MIGRATOR, "INSERT (id, revision, direction, outcome, started_at, elapsed, role, application_name,"
		" transaction_id, checksum, search_path, sqlstate, message, statement, scope),"
		" UPDATE (outcome, elapsed, transaction_id, checksum, sqlstate, message, statement)"
	" ON cmig.journal"},
	{MIGRATOR, "INSERT, UPDATE, DELETE ON cmig.progress, cmig.backfill_run"},

	/* databases of earlier versions do not have these tables */
	{MONITOR | READER | AUTHOR | MIGRATOR, "SELECT ON cmig.metrics", "metrics"},
	{READER | AUTHOR | MIGRATOR,
	"SELECT ON cmig.run_control, cmig.expansion_run, cmig.expansion_step, cmig.measured, cmig.workload", "metrics"},
	{MIGRATOR, "INSERT, UPDATE, DELETE ON cmig.run_control, cmig.measured", "metrics"},

	/*
	 * The role that has stored a statement always has its default.  Without
	 * the right checksum, which cmig.expand stores as the owner, a statement
	 * that somebody has written by hand does not run.
	 */
	{MIGRATOR, "INSERT (scope, revision, revisions, schemas, columns), UPDATE (state, changed_at, counted), DELETE ON cmig.expansion_run", "metrics"},
	{MIGRATOR, "INSERT (scope, position, phase, relation, statement), UPDATE (done), DELETE ON cmig.expansion_step", "metrics"},

	/*
	 * The level "owner" contains all privileges except those that would allow
	 * a role to attach code, such as triggers, to the tables.
	 */
	{OWNER, "SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON ALL TABLES IN SCHEMA cmig"},
	{OWNER, "SELECT, UPDATE, USAGE ON ALL SEQUENCES IN SCHEMA cmig"},
	{OWNER, "EXECUTE ON ALL ROUTINES IN SCHEMA cmig"}
};

/*
 * The names of the functions that each level may execute.  Functions that are
 * in none of the lists are reserved for the owner (grant_access,
 * revoke_access, audit_import, ddl_event, ddl_trigger, journal_trigger,
 * metric_counts).  To
 * read the audit log, a role also needs SELECT on the log, which is not part of
 * any level.  sql/access.sql contains the same lists, and fails if a function
 * is in none of them.
 */
static const struct
{
	int			levels;
	const char *names;
}			functions[] = {

	{MONITOR | READER | AUTHOR | MIGRATOR, "metrics_read"},
	{MONITOR | AUTHOR | MIGRATOR, "workload_save"},
	{READER | AUTHOR | MIGRATOR,
		"audit_as_of audit_diff audit_history audit_report audit_script "
		"audit_status audit_transaction autogenerate branches check "
		"current diff diff_schemas draft expansion export graph heads help "
		"history import_files import_tools lint lint_sql log plan plan_scopes preflight preflight_rows report require "
		"require_schema resolve rls_check rls_rules rls_script "
		"rls_status schema_sql scope_drift scopes screen script show squash "
	"stats_export status version_schema wait_for_replicas workload_check"},
	{AUTHOR,
		"baseline create_revision load load_directory merge "
	"remove_revision"},
	{MIGRATOR,
		"abandon abandon_partial add_check add_foreign_key add_not_null add_unique allow_ddl "
		"audit_retain audit_trigger backfill capture contract create_scope "
		"disable_audit disable_rls downgrade downgrade_scopes downgrade_stepwise drift "
		"drop_scope dry_run enable_audit enable_audit_schema enable_rls "
		"enable_rls_schema expand expansion_begin expansion_key expansion_mark "
		"expansion_unset expansion_view expansion_write import_state locate pause rename_scope repair reset "
		"reset_stepwise resume_run rls_test round_trip set_ddl_policy "
		"set_option set_protect stamp throttle upgrade upgrade_scopes "
	"upgrade_stepwise verify"}
};

/*
 * Returns the statements that grant the level to a role, or revoke it.  If
 * "names" is not NULL, leave out what existed before: all functions that it does
 * not contain, and the tables that were created before the table "since".
 */
static List *
statements_of(bool grant, const char *role, const char *level, const char *since, const char *names)
{
	static CmigQuery query = {
		"SELECT format('%s EXECUTE ON %s %s %s', $2, CASE p.prokind WHEN 'p' THEN 'PROCEDURE'"
		" ELSE 'FUNCTION' END,"
		"  p.oid::regprocedure, $3)"
		" FROM unnest(string_to_array($1, ' ')) WITH ORDINALITY n (name, number), pg_proc p"
		" WHERE p.pronamespace = 'cmig'::regnamespace AND p.proname::text = n.name"
		" AND ($4 IS NULL OR n.name = ANY (string_to_array($4, ' ')))"
		" ORDER BY n.number, p.oid::regprocedure::text COLLATE \"C\"",
		{TEXTOID, TEXTOID, TEXTOID, TEXTOID}
	};
	const char *verb = grant ? "GRANT" : "REVOKE";
	char	   *to = psprintf("%s %s", grant ? "TO" : "FROM", role);
	List	   *statements = NIL;
	int			n = 0;

	while (n < lengthof(levels) && (level == NULL || strcmp(levels[n].name, level) != 0))
		n++;
	if (n == lengthof(levels))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 level ? errmsg("access level \"%s\" does not exist",
								strlen(level) > NAMEDATALEN ? "..." : level)
				 : errmsg("the access level must not be null"),
				 errhint("Available levels: application, monitor, reader, author, migrator, owner.")));

	for (int i = 0; i < lengthof(grants); i++)
		if ((grants[i].levels & (1 << n)) != 0 &&
			(since == NULL || (1 << n) == OWNER ||
			 (grants[i].needs != NULL && strcmp(grants[i].needs, since) == 0)) &&
			(grants[i].needs == NULL ||
			 OidIsValid(get_relname_relid(grants[i].needs, get_namespace_oid("cmig", false)))))
			statements = lappend(statements, psprintf("%s %s %s%s", verb, grants[i].privileges, to,
													  grant && (1 << n) == OWNER ?
													  " WITH GRANT OPTION" : ""));
	for (int i = 0; i < lengthof(functions); i++)
		if (functions[i].levels & (1 << n))
			foreach_ptr(CmigValue, row,
						cmig_query_list(&query, functions[i].names, verb, to, names))
				statements = lappend(statements, *row);
	return statements;
}

List *
cmig_access_statements(bool grant, const char *role, const char *level)
{
	return statements_of(grant, role, level, NULL, NULL);
}

List *
cmig_access_levels(void)
{
	List	   *names = NIL;

	for (int i = 0; i < lengthof(levels); i++)
		names = lappend(names, (void *) levels[i].name);
	return names;
}

/*
 * Returns the first argument, the name of a role, quoted for use in a statement.
 * Raises an error if the role is PUBLIC or does not exist.
 */
static char *
role_argument(FunctionCallInfo fcinfo)
{
	char	   *name = PG_ARGISNULL(0) ? NULL : NameStr(*PG_GETARG_NAME(0));

	if (!cmig_text_is_given(name))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 name == NULL ? errmsg("the role must not be null") :
				 errmsg("the role must not be empty"),
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
	Oid			owner_id =
	cmig_role_owner_in(NamespaceRelationId, get_namespace_oid("cmig", false));

	if (!OidIsValid(owner_id))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_SCHEMA),
				 errmsg("schema \"cmig\" was dropped by another session"),
				 errhint("CREATE EXTENSION pg_cmig")));
	return owner_id;
}

bool
cmig_access_may_grant(Oid role)
{
	/*
	 * check for the owner level, because a role that can grant USAGE cannot
	 * necessarily grant everything else
	 */
	static CmigQuery query = {
		"SELECT WHERE has_schema_privilege($1, 'cmig', 'USAGE WITH GRANT OPTION')"
		" AND has_table_privilege($1, 'cmig.secret', 'SELECT WITH GRANT OPTION')",
		{OIDOID}
	};

	return cmig_query_do(&query, role) > 0;
}

/*
 * Error context callback: if the error is that an object does not exist, and
 * the extension has not been updated to the version of this library, add a
 * hint that says so.
 */
static void
explain_missing(void *arg)
{
	int			code = geterrcode();

	if (code == ERRCODE_UNDEFINED_TABLE || code == ERRCODE_UNDEFINED_COLUMN ||
		code == ERRCODE_UNDEFINED_FUNCTION)
		(void) cmig_library_version_explain();
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
 * tables.  Nor are they collected for the triggers of a command that contains the
 * call, as ALTER EXTENSION UPDATE does: these must not take them for commands of
 * the caller, and what was granted may no longer exist when they run.
 */
static void
run_as(Oid grantor, List *statements)
{
	MemoryContext caller = CurrentMemoryContext;
	CmigRole	saved;
	int			guc_level = NewGUCNestLevel();
	ErrorContextCallback callback = {.callback = explain_missing,.previous = error_context_stack};

	cmig_library_version_read();
	error_context_stack = &callback;
	cmig_settings_pin_search_path();
	cmig_role_act_as(&saved, grantor);
	EventTriggerInhibitCommandCollection();
	PG_TRY();
	{
		foreach_ptr(char, statement, statements)
		{
			RawStmt    *raw = cmig_raw_parse_one(statement);

			ExecuteGrantStmt(castNode(GrantStmt, raw->stmt));
			CommandCounterIncrement();
		}
	}
	PG_CATCH();
	{
		EventTriggerUndoInhibitCommandCollection();
		ReThrowError(cmig_error_take(caller));
	}
	PG_END_TRY();
	EventTriggerUndoInhibitCommandCollection();
	cmig_role_return(&saved);
	AtEOXact_GUC(false, guc_level);
	error_context_stack = callback.previous;
}

void
cmig_access_run(List *statements)
{
	if (!cmig_access_may_grant(GetUserId()))
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
void
cmig_access_lock(void)
{
	LockDatabaseObject(NamespaceRelationId, get_namespace_oid("cmig", false), 0,
					   ShareUpdateExclusiveLock);
}

static void
begin_change(const char *command)
{
	cmig_require_writable(command);
	cmig_access_lock();
}

/*
 * Returns a summary of GRANT statements: several functions are counted, and
 * long lists of tables and columns are shortened.
 */
static List *
summary(List *statements, const char *role)
{
	static CmigQuery shorten = {
		"SELECT regexp_replace($1, '(([a-z_.]+, ){2})([a-z_.]+, )+[a-z_.]+', '\\1...', 'g')",
		{TEXTOID}
	};
	List	   *lines = NIL;
	int			count = 0;

	foreach_ptr(const char, statement, statements)
	{
		if (strncmp(statement, "GRANT EXECUTE ON FUNCTION ", 26) == 0 ||
			strncmp(statement, "GRANT EXECUTE ON PROCEDURE ", 27) == 0)
			count++;
		else
			lines = lappend(lines, cmig_query_value(&shorten, statement));
	}
	if (count == 1)
		return statements;
	return count == 0 ? lines :
		lappend(lines, psprintf("GRANT EXECUTE ON %d FUNCTIONS IN SCHEMA cmig TO %s", count, role));
}

Datum
cmig_grant_access(PG_FUNCTION_ARGS)
{
	char	   *role = role_argument(fcinfo);
	List	   *statements = cmig_access_statements(true, role, cmig_argument_text(fcinfo, 1));

	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
	begin_change("cmig.grant_access()");
	cmig_access_run(statements);
	cmig_result_add_texts(fcinfo, summary(statements, role));
	return (Datum) 0;
}

/*
 * For the script of an update: grant to the roles with each level what the level
 * contains of the new version: the tables since the one in the first argument,
 * and the functions whose names are in the second one.  What they had before
 * stays as it is, because an administrator may have changed it.  The privileges
 * do not become part of the initial ones, which pg_dump leaves out.
 */
PG_FUNCTION_INFO_V1(cmig_access_update);

Datum
cmig_access_update(PG_FUNCTION_ARGS)
{
	static CmigQuery grantees = {
		"SELECT DISTINCT quote_ident(pg_get_userbyid(a.grantee))"
		" FROM pg_proc p, aclexplode(p.proacl) a"
		" WHERE p.oid = to_regprocedure($1) AND a.grantee NOT IN (0, p.proowner)"
		" AND a.is_grantable = $2"
		" AND coalesce(has_any_column_privilege(a.grantee, $3, $4), true) ORDER BY 1",
		{TEXTOID, BOOLOID, TEXTOID, TEXTOID}
	};
	const bool	creating = creating_extension;

	creating_extension = false;
	for (int i = 0; i < lengthof(levels); i++)
		foreach_ptr(CmigValue, row, levels[i].function ?
					cmig_query_list(&grantees, levels[i].function, levels[i].with_option,
									levels[i].table, levels[i].privilege) : NIL)
			run_as(schema_owner(),
				   statements_of(true, *row, levels[i].name, cmig_argument_text(fcinfo, 0),
								 cmig_argument_text(fcinfo, 1)));
	creating_extension = creating;
	PG_RETURN_VOID();
}

/* The SQL text: the privileges on schema cmig and on each object in it. */
#define HELD \
	"(SELECT 'SCHEMA cmig' AS object, '' AS columns, nspacl AS acl FROM pg_namespace" \
	"  WHERE nspname = 'cmig'" \
	" UNION ALL SELECT CASE relkind WHEN 'S' THEN 'SEQUENCE ' ELSE 'TABLE ' END || oid::regclass," \
	"  '', relacl FROM pg_class WHERE relnamespace = 'cmig'::regnamespace" \
	" UNION ALL SELECT 'TABLE ' || c.oid::regclass, format(' (%I)', t.attname), t.attacl" \
	"  FROM pg_attribute t JOIN pg_class c ON c.oid = t.attrelid" \
	"  WHERE c.relnamespace = 'cmig'::regnamespace AND NOT t.attisdropped" \
	" UNION ALL SELECT 'ROUTINE ' || oid::regprocedure, '', proacl FROM pg_proc" \
	"  WHERE pronamespace = 'cmig'::regnamespace) o, aclexplode(o.acl) a"

#define ROLE_NAME \
	"CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END"

/*
 * Revoke what the role has granted on columns, which the server keeps if the role
 * loses the privilege on the table, or else what other roles than the owner of the
 * schema have granted to it.  Each of these may have privileges on some of the objects
 * only.  With what a role loses, others can lose what it has granted, so the next
 * privilege is searched for after each REVOKE.
 */
static void
revoke_of_grantors(Oid role, const char *cascade, bool columns)
{
	static CmigQuery next = {
		"SELECT a.grantor, format('REVOKE %s ON %s FROM %s%s',"
		"  string_agg(DISTINCT a.privilege_type || o.columns, ', '), o.object, " ROLE_NAME ", $3), " ROLE_NAME ", o.object FROM " HELD
		" WHERE CASE WHEN $4 THEN a.grantor = $1 AND o.columns <> ''"
		"  ELSE a.grantee = $1 AND a.grantor <> $2 END AND a.grantee <> a.grantor"
		" GROUP BY a.grantor, a.grantee, o.object ORDER BY a.grantor, 2 LIMIT 1",
		{OIDOID, OIDOID, TEXTOID, BOOLOID}
	};
	Oid			last = InvalidOid;
	const char *statement = "";
	char	  **row;

	while ((row = cmig_query_row(&next, role, schema_owner(), cascade, columns)) != NULL)
	{
		Oid			grantor = atooid(row[0]);

		/* as the server sees it, superusers revoke what the owner has granted */
		if (superuser_arg(grantor) || (grantor == last && strcmp(statement, row[1]) == 0))
		{
			const char *other = quote_identifier(GetUserNameFromId(grantor, false));

			ereport(ERROR,
					(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					 errmsg("what role %s has granted to %s cannot be revoked", other, row[2]),
					 errdetail("Role %s has become a superuser. What a superuser revokes is"
							   " what the owner has granted, and not this privilege on %s.",
							   other, row[3]),
					 errhint("As a superuser: ALTER ROLE %s NOSUPERUSER; then repeat the call.", other)));
		}
		last = grantor;
		statement = row[1];
		run_as(grantor, list_make1(row[1]));
	}
}

Datum
cmig_revoke_access(PG_FUNCTION_ARGS)
{
	char	   *role = role_argument(fcinfo);
	const char *name = NameStr(*PG_GETARG_NAME(0));
	static CmigQuery owns = {
		"SELECT FROM pg_extension WHERE extname = 'pg_cmig' AND extowner = $1", {OIDOID}
	};
	static CmigQuery depends = {
		"SELECT string_agg(DISTINCT " ROLE_NAME ", ', ')"
		" FROM " HELD " WHERE a.grantor = $1 AND a.grantee <> $1", {OIDOID}
	};
	Oid			role_id = get_role_oid(name, false);
	List	   *statements;
	char	   *others;
	const char *cascade;

	/*
	 * The owner's privileges come from CREATE EXTENSION, and nothing would
	 * work without them.
	 */
	if (cmig_query_do(&owns, role_id) > 0 || role_id == schema_owner())
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("role \"%s\" owns pg_cmig", name),
				 errhint("The owner's access does not depend on access levels and cannot be revoked.")));

	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
	begin_change("cmig.revoke_access()");
	others = cmig_query_value(&depends, role_id);
	cascade = others ? " CASCADE" : "";
	statements =
		list_make4(psprintf("REVOKE ALL ON ALL ROUTINES IN SCHEMA cmig FROM %s%s", role, cascade),
				   psprintf("REVOKE ALL ON ALL TABLES IN SCHEMA cmig FROM %s%s", role, cascade),
				   psprintf("REVOKE ALL ON ALL SEQUENCES IN SCHEMA cmig FROM %s%s", role, cascade),
				   psprintf("REVOKE ALL ON SCHEMA cmig FROM %s%s", role, cascade));
	if (others != NULL && cmig_access_may_grant(GetUserId()))
		revoke_of_grantors(role_id, cascade, true);
	cmig_access_run(statements);
	revoke_of_grantors(role_id, cascade, false);
	if (others != NULL)
		ereport(NOTICE,
				(errmsg("what role %s had granted was revoked, too, from: %s", role, others)));
	cmig_result_add_texts(fcinfo, statements);
	return (Datum) 0;
}
