/*
 * enable.c
 *	  cmig.enable_rls, disable_rls, rls_script, and enable_rls_schema.
 *
 * policies.c builds the statements, and this module runs them.  Everything is done
 * in the caller's transaction with an exclusive lock on the tables, so other
 * sessions see either the old policies or the new ones.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "rls/internal.h"
#include "run/run.h"
#include "store/store.h"

#include "access/xact.h"
#include "catalog/catalog.h"
#include "catalog/namespace.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

PG_FUNCTION_INFO_V1(cmig_enable_rls);
PG_FUNCTION_INFO_V1(cmig_rls_script);
PG_FUNCTION_INFO_V1(cmig_disable_rls);
PG_FUNCTION_INFO_V1(cmig_enable_rls_schema);

/*
 * Options
 */

/*
 * Roles that the application may connect as: those that have a privilege on a
 * table, or on any table of a schema, or else all that can log in.  $1 is the
 * table or the schema.
 */
static CmigQuery candidate_roles = {
	"WITH t AS (SELECT c.relowner, c.relacl FROM pg_class c"
	"  WHERE (c.oid = $1 OR c.relnamespace = $1) AND c.relkind IN ('r', 'p')),"
	" r AS (SELECT r.oid, r.rolname, r.rolcanlogin FROM pg_roles r WHERE NOT r.rolsuper"
	" AND NOT r.rolbypassrls),"
	" granted AS (SELECT DISTINCT r.rolname FROM t CROSS JOIN LATERAL aclexplode(t.relacl) a"
	"  JOIN r ON r.oid = a.grantee WHERE r.oid <> t.relowner ORDER BY r.rolname LIMIT 10),"
	" login AS (SELECT r.rolname FROM r WHERE r.rolcanlogin AND r.rolname !~ '^cmig_engine_'"
	"  AND r.oid NOT IN (SELECT t.relowner FROM t)"
	"  ORDER BY r.rolname LIMIT 10)"
	" SELECT coalesce((SELECT string_agg(quote_ident(rolname), ', ' ORDER BY rolname)"
	" FROM granted),"
	"  (SELECT string_agg(quote_ident(rolname), ', ' ORDER BY rolname) FROM login))",
	{OIDOID}
};

static CmigNames *
names_argument(FunctionCallInfo fcinfo, int n, const char *argument)
{
	return PG_ARGISNULL(n) ? NULL : cmig_argument_names(PG_GETARG_ARRAYTYPE_P(n), argument, NULL);
}

/*
 * Look up the roles in a text[] argument.  Raises an error if one does not
 * exist.
 */
static List *
roles_argument(FunctionCallInfo fcinfo, int n, const char *argument)
{
	List	   *roles = NIL;
	CmigNames  *names = names_argument(fcinfo, n, argument);

	for (int i = 0; names && i < names->count; i++)
	{
		char	   *name = names->names[i];
		bool		public = strcmp(name, "public") == 0;
		Oid			role = public ? ACL_ID_PUBLIC : get_role_oid(name, true);

		if (!public && !OidIsValid(role))
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_OBJECT),
					 errmsg("role \"%s\" does not exist", name),
					 errhint("Names in %s are case-sensitive. If the role is new: CREATE ROLE %s",
							 argument, quote_identifier(name))));
		roles = list_append_unique_oid(roles, role);
	}
	return roles;
}

/* Convert the array of command names in argument n to a mask. */
static int
commands_argument(FunctionCallInfo fcinfo, int n)
{
	int			mask = 0;
	CmigNames  *names = names_argument(fcinfo, n, "commands");

	if (names == NULL)
		return CMIG_RLS_ALL;
	for (int i = 0; i < names->count; i++)
	{
		int			found = pg_strcasecmp(names->names[i], "all") == 0 ? CMIG_RLS_ALL : 0;

		for (int bit = CMIG_RLS_SELECT; bit <= CMIG_RLS_DELETE; bit <<= 1)
			if (pg_strcasecmp(names->names[i], cmig_rls_commands_text(bit, "")) == 0)
				found = bit;
		if (found == 0)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("unrecognized row-level security command \"%s\"", names->names[i]),
					 errhint("Valid commands are ALL, SELECT, INSERT, UPDATE, and DELETE, as in commands => '{SELECT,INSERT}'")));
		mask |= found;
	}

	/*
	 * reject an empty list, which is probably a mistake in the caller's
	 * program
	 */
	if (mask == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("commands must not be empty"),
				 errdetail("The roles could not run any command."),
				 errhint("Omit the argument to allow all commands, or list some, as in commands => '{SELECT,INSERT}'")));
	return mask;
}

/*
 * Why the roles $1 cannot be combined with the bypass roles $2: a role would be
 * subject both to the policies for bypass_roles and to the other policies.  Then
 * the roles to which row-level security does not apply.
 */
static CmigQuery read_conflicts = {
	"(SELECT 'error', c.message, c.detail, c.hint FROM unnest($2) WITH ORDINALITY b(name, n) CROSS"
	" JOIN unnest($1) WITH ORDINALITY a(name, n)"
	" LEFT JOIN pg_roles x ON x.rolname = b.name LEFT JOIN pg_roles r ON r.rolname = a.name CROSS"
	" JOIN LATERAL (VALUES"
	"  (b.name = 'public', 'PUBLIC cannot be a bypass role', 'Everybody would see every row.', 'Specify the roles of users who maintain the data.'),"
	"  (a.name = 'public', format('role \"%s\" would not bypass row-level security', b.name),"
	"   'It is in bypass_roles, but the policies for PUBLIC apply to it too.', 'Name the application''s roles instead of PUBLIC.'),"
	"  (a.name = b.name, format('role \"%s\" is listed in both \"roles\" and \"bypass_roles\"', a.name),"
	"   'The role would both see every row and be limited to its own.', 'Remove the role from one of the two lists.'),"
	"  (NOT r.rolsuper AND NOT x.rolsuper"
	" AND pg_has_role(r.oid, x.oid, 'USAGE'), format('role \"%s\" would bypass row-level security', a.name),"
	"   format('It is in roles, and has the privileges of the bypass role \"%s\".', b.name),"
	"   format('Remove role \"%s\" from roles or role \"%s\" from bypass_roles, or REVOKE %I FROM %I', a.name, b.name, b.name, a.name)),"
	"  (NOT r.rolsuper AND NOT x.rolsuper"
	" AND pg_has_role(x.oid, r.oid, 'USAGE'), format('role \"%s\" would not bypass row-level security', b.name),"
	"   format('It is in bypass_roles, but has the privileges of \"%s\", whose policies apply to it too.', a.name),"
	"   format('REVOKE %I FROM %I, and grant the privileges on the tables directly to role \"%s\".', a.name, b.name, b.name))"
	"  ) c(holds, message, detail, hint) WHERE c.holds ORDER BY b.n, a.n LIMIT 1)"
	" UNION ALL SELECT 'warning', format('row-level security does not apply to role \"%s\"', r.rolname),"
	"  'It is a superuser or has BYPASSRLS.', 'Let the application connect as another role.'"
	" FROM pg_roles r WHERE r.rolname = ANY ($1) AND (r.rolsuper OR r.rolbypassrls)",
	{TEXTARRAYOID, TEXTARRAYOID}
};

/* Report errors and warnings that a query has found. */
static void
complain(const List *rows)
{
	foreach_ptr(CmigValue, row, rows)
	{
		bool		error = strcmp(row[0], "error") == 0;

		ereport(error ? ERROR : WARNING,
				(errcode(error ? ERRCODE_INVALID_PARAMETER_VALUE : ERRCODE_WARNING),
				 errmsg("%s", row[1]),
				 errdetail("%s", row[2]),
				 errhint("%s", row[3])));
	}
}

/*
 * Read the options of enable_rls and similar functions: arguments 1 to 11, and
 * those for a membership table if there are more.  Raises an error if one is
 * invalid, regardless of the table.  "where" is the table or the schema.
 */
static CmigRlsSetup *
read_options(FunctionCallInfo fcinfo, Oid where, bool with_via)
{
	CmigRlsSetup *options = palloc0(sizeof(CmigRlsSetup));

	options->user_column = cmig_argument_text(fcinfo, 1);
	options->tenant_column = cmig_argument_text(fcinfo, 2);
	options->roles = roles_argument(fcinfo, 3, "roles");
	options->bypass_roles = roles_argument(fcinfo, 4, "bypass_roles");
	options->shared = cmig_argument_bool(fcinfo, 5, false);
	options->public_read = cmig_argument_bool(fcinfo, 6, false);
	options->commands = commands_argument(fcinfo, 7);
	options->force = cmig_argument_bool(fcinfo, 8, true);
	options->column_default = cmig_argument_bool(fcinfo, 9, false);
	options->create_index = cmig_argument_bool(fcinfo, 10, true);
	options->require_context = cmig_argument_bool(fcinfo, 11, false);
	if (options->require_context && cmig_settings_engine())
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("require_context requires the extension in the database"),
				 errdetail("The policies call functions of pg_cmig.")));
	if (options->roles == NIL)
	{
		char	   *names = cmig_query_value(&candidate_roles, where);

		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("roles must list the roles that the application connects as"),
				 names ? errdetail("Candidates are: %s.", names) :
				 cmig_settings_engine() ? errdetail("No role other than the owner has privileges there.") :
				 errdetail("There are no roles other than superusers and the owner yet. To create one, use CREATE ROLE."),
				 errhint("Use roles => '{<role>}'")));
	}
	complain(cmig_query_list(&read_conflicts, names_argument(fcinfo, 3, "roles"),
							 names_argument(fcinfo, 4, "bypass_roles")));
	if (!with_via)
		return options;
	options->via_key = cmig_argument_text(fcinfo, 13);
	options->via_user = cmig_argument_text(fcinfo, 14);
	options->key_column = cmig_argument_text(fcinfo, 15);
	if (PG_ARGISNULL(12))
		return options;
	options->via_table = cmig_rls_table_read(PG_GETARG_OID(12));
	if (cmig_citus_manages(where))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("cmig.enable_rls cannot use a membership table for table \"%s\"",
						get_rel_name(where)),
				 errdetail("Citus manages the table, and rejects sub-selects in its policies."),
				 errhint("Use tenant_column or user_column, without via.")));
	return options;
}

/*
 * Access to pg_cmig, which the roles need with require_context, because the
 * policies then call pg_cmig functions
 */

/* Does a role, as SQL, have access level "application"? */
#define HAS_ACCESS(role) \
	"SELECT WHERE pg_catalog.has_schema_privilege(" role ", 'cmig', 'USAGE')" \
	" AND pg_catalog.has_function_privilege(" role ", 'cmig.require_user_id()', 'EXECUTE')" \
	" AND pg_catalog.has_function_privilege(" role ", 'cmig.require_tenant_id()', 'EXECUTE')"
static CmigQuery has_access = {HAS_ACCESS("$1"), {OIDOID}};

static CmigQuery has_more_access =
{"SELECT WHERE has_table_privilege($1, 'cmig.revision', 'SELECT')", {OIDOID}};

/* Returns a row if a policy's comment contains the word of a setup $1. */
static CmigQuery has_word = {
	"SELECT FROM pg_description d WHERE d.classoid = 'pg_policy'::regclass"
	" AND position('[cmig.enable_rls ' IN d.description) > 0"
	" AND position($1 || ' ' IN translate(d.description, ']', ' ')) > 0",
	{TEXTOID},.latest = true
};

/* Do a table's policies record that enable_rls has granted access to the role? */
static bool
is_recorded(const char *role)
{
	StringInfoData word;

	initStringInfo(&word);
	cmig_rls_setup_word(&word, "granted", role);
	return cmig_query_do(&has_word, word.data) > 0;
}

/* Returns the statements that grant access to the policies' roles. */
static List *
grant_access(CmigRlsSetup *options)
{
	List	   *statements = NIL;

	foreach_oid(role, options->require_context ? options->roles : NIL)
	{
		char	   *name;

		if (!OidIsValid(role))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("require_context requires named roles, not PUBLIC"),
					 errdetail("require_context grants access level \"application\" to the roles, which is not possible for PUBLIC.")));
		name = GetUserNameFromId(role, false);
		if (cmig_query_do(&has_access, role) > 0)
		{
			/*
			 * If enable_rls granted the role access to pg_cmig because of
			 * other tables' policies, record the grant for this table, too,
			 * so that it is revoked when row-level security is disabled on
			 * the last of these tables.
			 */
			if (is_recorded(name))
				options->granted = lappend(options->granted, name);
			continue;
		}
		if (!cmig_access_may_grant(GetUserId()))
			ereport(ERROR,
					(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
					 errmsg("role \"%s\" needs access level \"application\"", name),
					 errdetail("With require_context, the policies call pg_cmig functions, and you are not allowed to grant access to them."),
					 errhint("The owner of the extension can grant it: SELECT cmig.grant_access(%s, 'application')",
							 quote_literal_cstr(name))));
		statements = list_concat(statements,
								 cmig_access_statements(true, quote_identifier(name),
														"application"));
		options->granted = lappend(options->granted, name);
	}
	return statements;
}

/*
 * Returns the statements that revoke access from the roles that no longer need
 * it for any table, except for roles that were granted more access in the
 * meantime.  The table's owner could have written their names, so that they are
 * only named if the owner may not revoke access.
 */
static List *
revoke_access(const List *granted, Oid owner)
{
	List	   *statements = NIL;

	foreach_ptr(char, name, granted)
	{
		Oid			role = get_role_oid(name, true);

		if (!OidIsValid(role) || is_recorded(name) || cmig_query_do(&has_access, role) == 0 ||
			cmig_query_do(&has_more_access, role) > 0)
			continue;
		if (!cmig_access_may_grant(owner))
			ereport(NOTICE,
					(errmsg("role \"%s\" keeps access level \"application\"", name),
					 errdetail("The table's owner, who can edit the comments of policies, may not revoke it."),
					 errhint("If no other policy needs it: SELECT cmig.revoke_access(%s)",
							 quote_literal_cstr(name))));
		else
			statements = list_concat(statements,
									 cmig_access_statements(false, quote_identifier(name),
															"application"));
	}
	return statements;
}

/*
 * Warnings
 */

/*
 * Warnings about the options of enable_rls.  If FORCE makes the policies apply to
 * the table's owner $3, the owner's statements may see no rows or fail, unless
 * the owner is a member of a bypass role in $2 and has the privileges of no role
 * in $1.  Queries of roles that cannot read the membership table $5 fail, and
 * roles that can write to it can give themselves access to any row.  They cannot
 * take the keys of others if the table's policies let nobody write, or if the
 * key $7 or $8 is unique and the policies protect existing rows.
 */
static CmigQuery read_warnings = {
	"WITH a AS (SELECT r.oid, r.rolname, n.n FROM unnest($1) WITH ORDINALITY n(name, n)"
	" JOIN pg_roles r ON r.rolname = n.name)"
	" SELECT 'warning', w.message, w.detail, w.hint FROM ("
	"  SELECT 0, format('the owner of table %s is also subject to the policies of the table', $4),"
	"   CASE WHEN b.bypass THEN format('Role \"%s\" is a member of a bypass role, but also has the privileges of role \"%s\".', o.rolname, b.bound)"
	"    ELSE format('Role \"%s\" is not a member of a bypass role.', o.rolname) END"
	"    || ' Its data migrations and pg_dump runs will see no rows or fail.',"
	"   CASE WHEN b.bypass THEN format('REVOKE %I FROM %I', b.bound, o.rolname)"
	"    ELSE 'Add to bypass_roles a role that the owner is a member of. For a backup role, see doc/row-level-security.md.' END"
	"  FROM pg_roles o CROSS JOIN LATERAL (SELECT EXISTS (SELECT FROM pg_roles r"
	" WHERE r.rolname = ANY ($2)"
	"    AND pg_has_role(o.oid, r.oid, 'USAGE')), max(a.rolname::text)"
	" FILTER (WHERE pg_has_role(o.oid, a.oid, 'USAGE')) FROM a) b(bypass, bound)"
	"  WHERE o.oid = $3 AND NOT o.rolsuper AND NOT o.rolbypassrls AND NOT (b.bypass"
	" AND b.bound IS NULL)"
	"  UNION ALL SELECT a.n, v.message, v.detail, v.hint FROM a JOIN pg_class c ON c.oid = $5 CROSS"
	" JOIN LATERAL (VALUES"
	"   (has_any_column_privilege(a.oid, c.oid, 'INSERT, UPDATE') AND (NOT c.relrowsecurity OR"
	"     (EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = c.oid AND p.polpermissive"
	" AND p.polcmd IN ('*', 'a', 'w'))"
	"      AND NOT EXISTS (SELECT FROM pg_index x JOIN pg_attribute k ON k.attrelid = x.indrelid"
	" AND k.attnum = x.indkey[0]"
	"       WHERE x.indrelid = c.oid"
	" AND k.attname = coalesce(nullif($7, ''), nullif($8, ''), 'tenant_id')"
	"       AND x.indisunique AND x.indisvalid AND x.indnkeyatts = 1 AND x.indpred IS NULL))),"
	"    format('role \"%s\" can write to membership table %s', a.rolname, $6),"
	"    'By adding a row to the membership table, the role can get access to rows of the protected table.',"
	"    format('REVOKE INSERT, UPDATE ON %s FROM %I, and let a SECURITY DEFINER function add members.', $6, a.rolname)),"
	"   (NOT has_any_column_privilege(a.oid, c.oid, 'SELECT'), format('role \"%s\" cannot read membership table %s', a.rolname, $6),"
	"    'The policies read it with the privileges of the role that runs the query.', format('GRANT SELECT ON %s TO %I', $6, a.rolname))"
	"   ) v(holds, message, detail, hint) WHERE v.holds) w(n, message, detail, hint) ORDER BY w.n",
	{TEXTARRAYOID, TEXTARRAYOID, OIDOID, TEXTOID, OIDOID, TEXTOID, TEXTOID, TEXTOID}
};

static void
warn(FunctionCallInfo fcinfo, const CmigRlsSetup *options, const CmigRlsTable *table)
{
	const CmigRlsTable *via = options->via_table;

	complain(cmig_query_list(&read_warnings, names_argument(fcinfo, 3, "roles"),
							 names_argument(fcinfo, 4, "bypass_roles"),
							 options->force ? table->owner : InvalidOid, table->name,
							 via ? via->relid : InvalidOid,
							 via ? via->name : NULL, options->via_key, options->key_column));
}

/*
 * If Citus manages the table and the policies call pg_cmig functions, warn
 * about roles that cannot call these functions on the workers.  Returns true
 * if the roles were checked.
 */
static bool
warn_workers(const CmigRlsSetup *options, const CmigRlsTable *table)
{
	StringInfoData grants;

	if (!options->require_context || !table->by_citus)
		return false;
	initStringInfo(&grants);
	foreach_oid(role, options->roles)
	{
		const char *name = quote_literal_cstr(GetUserNameFromId(role, false));

		if (!cmig_citus_workers_agree(psprintf("SELECT EXISTS (" HAS_ACCESS("%s") ")", name, name,
											   name)))
			appendStringInfo(&grants, "%sSELECT * FROM run_command_on_workers(%s)",
							 grants.len > 0 ? "; " : "",
							 quote_literal_cstr(psprintf("SELECT count(*) FROM cmig.grant_access(%s, 'application')", name)));
	}
	if (grants.len > 0)
		ereport(WARNING,
				(errmsg("roles of %s need access level \"application\" on the workers of Citus",
						table->name),
				 errdetail("With require_context, the policies of the shards call pg_cmig functions there."),
				 errhint("%s", grants.data)));
	return true;
}

/*
 * Run the statements, and return them as result rows, after the name of the
 * table in "target" if it is not NULL.  Statements that contain SQL text
 * written by the table's owner are run as the owner.  If "table" is NULL, the
 * statements are about access to pg_cmig.
 */
static void
run(FunctionCallInfo fcinfo, const CmigRlsTable *table, const char *target, List *statements)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;

	if (table == NULL && statements)
		cmig_access_run(statements);
	foreach_ptr(char, statement, statements)
	{
		bool		as_owner = table && cmig_rls_plan_is_default(statement);
		const char *values[2] = {target ? unconstify(char *, target) : statement, statement};
		CmigRole	saved;

		CHECK_FOR_INTERRUPTS();
		cmig_record(statement, table ? table->relid : InvalidOid);
		/* after an error, the end of the (sub)transaction restores the user */
		if (as_owner)
			cmig_role_act_as(&saved, table->owner);
		if (table)
			cmig_query_command(statement, table->relid);
		if (as_owner)
			cmig_role_return(&saved);
		cmig_result_add_strings(result, target ? 2 : 1, values);
	}
	CommandCounterIncrement();
}

/*
 * Returns the table in the first argument.  "call" is an example of a correct
 * call, for the hint.
 */
static Oid
table_argument(FunctionCallInfo fcinfo, const char *call)
{
	cmig_argument_require(fcinfo, 0, "the table", call);
	cmig_rls_table_require(PG_GETARG_OID(0));
	return PG_GETARG_OID(0);
}

/*
 * Lock a table and all tables that inherit from it, and return their OIDs,
 * parents first.  Raises an error unless the current user owns them and all of
 * them can have policies.
 */
static List *
lock_family(Oid relid, LOCKMODE mode)
{
	List	   *family;

	if (mode == AccessExclusiveLock)
	{
		cmig_lock_wait_together(list_make1_oid(relid), mode,
								TransactionIdIsValid(GetTopTransactionIdIfAny()));
		cmig_query_hold(relid, mode);
	}
	else
		LockRelationOid(relid, mode);
	family = cmig_inheritors(relid, mode);
	foreach_oid(oid, family)
		cmig_rls_table_require(oid);
	return family;
}

CMIG_READER(cmig_enable_rls)
{
	Oid			relid = table_argument(fcinfo,
									   "SELECT * FROM cmig.enable_rls('<table>', roles => '{<role>}')");
	CmigRlsSetup *options;
	CmigRecordReads reads = {0};
	List	   *family;

	cmig_require_writable("cmig.enable_rls()");
	reads.table = relid;
	reads.other = PG_ARGISNULL(12) ? InvalidOid : PG_GETARG_OID(12);
	cmig_record_begin(reads);
	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
	if (!PG_ARGISNULL(12))
	{
		/* one that does not exist is no change by another session */
		(void) cmig_rls_table_read(PG_GETARG_OID(12));
		cmig_query_hold(PG_GETARG_OID(12), AccessShareLock);
	}
	options = read_options(fcinfo, relid, true);
	family = lock_family(relid, AccessExclusiveLock);
	if (options->require_context)
		cmig_access_lock();
	run(fcinfo, NULL, NULL, grant_access(options));
	foreach_oid(oid, family)
	{
		CmigRlsTable *table = cmig_rls_table_read(oid);

		run(fcinfo, table, NULL, cmig_rls_plan_enable(options, table, false, false));
	}
	warn(fcinfo, options, cmig_rls_table_read(relid));
	(void) warn_workers(options, cmig_rls_table_read(relid));
	return (Datum) 0;
}

CMIG_READER(cmig_rls_script)
{
	Oid			relid = table_argument(fcinfo,
									   "SELECT cmig.rls_script('<table>', roles => '{<role>}')");
	CmigRlsSetup *options = read_options(fcinfo, relid, true);
	List	   *statements = grant_access(options);
	StringInfoData text;

	initStringInfo(&text);
	if (options->require_context)
		appendStringInfoString(&text, "-- require_context: these policies need pg_cmig\n");
	foreach_oid(relation, lock_family(relid, AccessShareLock))
		statements = list_concat(statements,
								 cmig_rls_plan_enable(options, cmig_rls_table_read(relation), false,
													  true));
	foreach_ptr(char, statement, statements)
		appendStringInfo(&text, "%s;\n", statement);
	warn(fcinfo, options, cmig_rls_table_read(relid));
	PG_RETURN_TEXT_P(cstring_to_text_with_len(text.data, text.len));
}

CMIG_READER(cmig_disable_rls)
{
	Oid			relid = table_argument(fcinfo, "SELECT * FROM cmig.disable_rls('<table>')");
	List	   *granted = NIL;
	bool		any = false;
	CmigRecordReads reads = {.table = relid};

	cmig_require_writable("cmig.disable_rls()");
	cmig_record_begin(reads);
	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
	foreach_oid(relation, lock_family(relid, AccessExclusiveLock))
	{
		CmigRlsTable *table = cmig_rls_table_read(relation);

		if (table->setup == NULL)
			continue;
		any = true;
		if (granted == NIL)
			granted = table->setup->granted;
		run(fcinfo, table, NULL, cmig_rls_plan_disable(table));
		foreach_ptr(CmigRlsPolicy, policy, table->setup->enabled ? NIL : table->policies)
		{
			if (policy->setup == NULL)
				ereport(WARNING,
						(errmsg("policy \"%s\" for table %s no longer has any effect",
								policy->name, table->name),
						 errdetail("The policy was kept because cmig.enable_rls did not create it. Row-level security was off before cmig.enable_rls was called and is off again."),
						 errhint("ALTER TABLE %s ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY", table->name)));
		}
	}
	if (granted != NIL)
		cmig_access_lock();
	run(fcinfo, NULL, NULL, revoke_access(granted, cmig_rls_table_read(relid)->owner));
	if (!any)
		ereport(NOTICE,
				(errmsg("nothing to disable: cmig.enable_rls has not created anything on %s",
						cmig_rls_table_read(relid)->name)));
	return (Datum) 0;
}

/*
 * All tables of a schema
 */

static CmigQuery schema_tables = {
	"SELECT c.oid FROM pg_class c WHERE c.relnamespace = $1"
	" AND c.relkind IN ('r', 'p') AND c.relpersistence <> 't'"
	" ORDER BY c.relispartition, EXISTS (SELECT FROM pg_inherits i"
	" WHERE i.inhrelid = c.oid), c.relname",
	{OIDOID}
};

/* A table whose statements are planned, to find out whether that is possible. */
typedef struct Rehearsal
{
	const CmigRlsSetup *options;
	const CmigRlsTable *table;
} Rehearsal;

static void
rehearse(void *arg)
{
	Rehearsal  *rehearsal = arg;

	cmig_rls_table_require(rehearsal->table->relid);
	(void) cmig_rls_plan_enable(rehearsal->options, rehearsal->table, true, false);
}

/*
 * Returns the tables to leave out: the tables in argument n and all tables
 * that inherit from them.
 */
static List *
excepted_argument(FunctionCallInfo fcinfo, int n, Oid namespace, const char *schema)
{
	List	   *excepted = NIL;
	Datum	   *elements;
	bool	   *nulls;
	int			count;

	if (PG_ARGISNULL(n))
		return NIL;
	deconstruct_array(PG_GETARG_ARRAYTYPE_P(n), REGCLASSOID, sizeof(Oid), true, TYPALIGN_INT,
					  &elements, &nulls, &count);
	for (int i = 0; i < count; i++)
	{
		Oid			relid = nulls[i] ? InvalidOid : DatumGetObjectId(elements[i]);
		char	   *name = get_rel_name(relid);

		if (nulls[i])
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("except_tables must not contain null")));
		if (name == NULL || get_rel_namespace(relid) != namespace)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("table %s in except_tables is not in schema \"%s\"",
							name ? quote_identifier(name) : psprintf("%u", relid), schema),
					 errhint("Name tables of the schema, as in except_tables => '{%s.<table>}'",
							 quote_identifier(schema))));
		excepted = list_concat_unique_oid(excepted,
										  cmig_inheritors(relid, AccessShareLock));
	}
	return excepted;
}

/*
 * Returns the tables of a schema that have a key, except for the tables in
 * "excepted", and locks those that the caller may alter.  If row-level security
 * cannot be enabled on some of the tables, raises an error that lists them.
 */
static List *
tables_with_key(Oid namespace, const char *schema, const CmigRlsSetup *options,
				const List *excepted)
{
	List	   *all = cmig_query_oids(&schema_tables, namespace);
	List	   *left_out = NIL;
	List	   *tables = NIL;
	CmigListing obstacles;
	List	   *names = NIL;
	int			sqlstate = 0;

	/* do not lock other roles' tables */
	foreach_oid(relid, all)
	{
		CmigRlsTable *table;

		if (list_member_oid(excepted, relid) || get_rel_name(relid) == NULL)
			continue;
		table = cmig_rls_table_read(relid);
		if (cmig_rls_has_key(options, table) && has_privs_of_role(GetUserId(), table->owner))
			tables = lappend_oid(tables, relid);
	}
	cmig_lock_wait_together(tables, AccessExclusiveLock,
							TransactionIdIsValid(GetTopTransactionIdIfAny()));

	/*
	 * also those that were committed while a lock was waited for, as
	 * partitions
	 */
	all = cmig_query_oids(&schema_tables, namespace);
	foreach_oid(relid, excepted)
		left_out = list_concat_unique_oid(left_out, cmig_inheritors(relid, AccessShareLock));
	tables = NIL;
	cmig_listing_init(&obstacles, CMIG_LISTING_LINES);
	foreach_oid(relid, all)
	{
		CmigRlsTable *table;
		Rehearsal	rehearsal = {options};
		ErrorData  *error;

		if (list_member_oid(left_out, relid) || get_rel_name(relid) == NULL)
			continue;
		table = cmig_rls_table_read(relid);
		if (!cmig_rls_has_key(options, table))
			continue;
		if (has_privs_of_role(GetUserId(), table->owner))
		{
			cmig_query_hold(relid, AccessExclusiveLock);
			table = cmig_rls_table_read(relid);
		}
		tables = lappend_oid(tables, relid);
		rehearsal.table = table;
		error = cmig_subtransaction_rehearse(rehearse, &rehearsal);
		if (error == NULL)
			continue;
		if (ERRCODE_TO_CATEGORY(error->sqlerrcode) == ERRCODE_OPERATOR_INTERVENTION ||
			ERRCODE_TO_CATEGORY(error->sqlerrcode) == ERRCODE_INSUFFICIENT_RESOURCES)
			ReThrowError(error);
		if (obstacles.count == 0)
			sqlstate = error->sqlerrcode;
		cmig_listing_add_format(&obstacles, "%s: %s.%s%s", table->name, error->message,
								error->detail ? " " : "", error->detail ? error->detail : "");
		names = lappend(names, table->name);
	}
	if (obstacles.count > 0)
		ereport(ERROR,
				(errcode(sqlstate),
				 errmsg_plural("row-level security cannot be enabled on %d table in schema \"%s\"",
							   "row-level security cannot be enabled on %d tables in schema \"%s\"",
							   obstacles.count, obstacles.count, schema),
				 errdetail_internal("%s", cmig_listing_text(&obstacles)),
				 errhint("Nothing was changed. Fix these tables, or leave them out: except_tables => %s",
						 quote_literal_cstr(cmig_rls_array_text(names)))));
	return tables;
}

CMIG_READER(cmig_enable_rls_schema)
{
	char	   *schema = cmig_argument_text(fcinfo, 0);
	Oid			namespace;
	CmigRlsSetup *options;
	CmigRecordReads reads = {0};
	List	   *excepted;
	bool		any = false;
	bool		warned = false;

	cmig_require_writable("cmig.enable_rls_schema()");
	InitMaterializedSRF(fcinfo, 0);
	cmig_argument_require(fcinfo, 0, "the schema",
						  "SELECT * FROM cmig.enable_rls_schema('public', roles => '{app}')");
	namespace = get_namespace_oid(schema, false);
	if (IsCatalogNamespace(namespace) || IsToastNamespace(namespace) ||
		strcmp(schema, "information_schema") == 0 ||
		strcmp(schema, "cmig") == 0 || strcmp(schema, "cmig_audit") == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("row-level security cannot be enabled in schema \"%s\"", schema),
				 errhint("Specify a schema that belongs neither to the system nor to pg_cmig.")));
	options = read_options(fcinfo, namespace, false);
	reads.schema = namespace;
	reads.columns[0] = options->tenant_column ? options->tenant_column : "tenant_id";
	reads.columns[1] = options->user_column ? options->user_column : "user_id";
	cmig_record_begin(reads);
	excepted = excepted_argument(fcinfo, 12, namespace, schema);

	foreach_oid(oid, tables_with_key(namespace, schema, options, excepted))
	{
		CmigRlsTable *table = cmig_rls_table_read(oid);

		if (!any && options->require_context)
			cmig_access_lock();
		if (!any)
			run(fcinfo, NULL, "", grant_access(options));
		any = true;
		run(fcinfo, table, table->name, cmig_rls_plan_enable(options, table, true, false));
		warn(fcinfo, options, table);
		if (!warned)
			warned = warn_workers(options, table);
	}
	if (!any)
		ereport(NOTICE,
				(errmsg("no table in schema \"%s\" has a key column", schema),
				 errhint("cmig.enable_rls_schema looks for columns %s and %s. Specify other columns with user_column and tenant_column.",
						 options->user_column ? options->user_column : "user_id",
						 options->tenant_column ? options->tenant_column : "tenant_id")));
	return (Datum) 0;
}
