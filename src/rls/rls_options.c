/*
 * rls_options.c
 *	  The arguments of enable_rls and similar functions.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/argument.h"
#include "base/compat.h"
#include "base/errors.h"
#include "base/query.h"
#include "rls/rls_options.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"

/*
 * Roles that have a privilege on a table, or on any table of a schema.  $1 is
 * the table or the schema.
 */
static CmigQuery candidate_roles = {
	"SELECT string_agg(quote_ident(s.rolname), ', ') FROM"
	" (SELECT DISTINCT r.rolname FROM pg_class c CROSS JOIN LATERAL aclexplode(c.relacl) a"
	"  JOIN pg_roles r ON r.oid = a.grantee WHERE (c.oid = $1 OR c.relnamespace = $1)"
	"  AND c.relkind IN ('r', 'p') AND r.oid <> c.relowner AND NOT r.rolsuper AND NOT r.rolbypassrls"
	"  ORDER BY r.rolname LIMIT 10) s",
	1, {OIDOID}
};

static CmigQuery login_roles = {
	"SELECT string_agg(quote_ident(s.rolname), ', ' ORDER BY s.rolname) FROM"
	" (SELECT r.rolname FROM pg_roles r WHERE NOT r.rolsuper AND NOT r.rolbypassrls AND r.rolcanlogin"
	"  AND NOT EXISTS (SELECT FROM pg_class c WHERE (c.oid = $1 OR c.relnamespace = $1)"
	"   AND c.relkind IN ('r', 'p') AND c.relowner = r.oid) ORDER BY r.rolname LIMIT 10) s",
	1, {OIDOID}
};

/*
 * Returns a boolean argument, or its default, "otherwise", if the argument is
 * null.
 */
static bool
flag_argument(FunctionCallInfo fcinfo, int n, bool otherwise)
{
	return PG_ARGISNULL(n) ? otherwise : PG_GETARG_BOOL(n);
}

/* Returns a text[] argument as a List of char *. */
static List *
texts_argument(FunctionCallInfo fcinfo, int n, const char *argument)
{
	List	   *texts = NIL;
	CmigNames  *names;

	if (PG_ARGISNULL(n))
		return NIL;
	names = cmig_argument_names(PG_GETARG_ARRAYTYPE_P(n), argument, NULL);
	for (int i = 0; i < names->count; i++)
		texts = lappend(texts, names->names[i]);
	return texts;
}

/* Look up roles by name.  Raises an error if one does not exist. */
static List *
roles_argument(FunctionCallInfo fcinfo, int n, const char *argument)
{
	List	   *roles = NIL;
	ListCell   *lc;

	foreach(lc, texts_argument(fcinfo, n, argument))
	{
		CmigRlsRole *role = palloc0(sizeof(CmigRlsRole));
		ListCell   *other;
		bool		twice = false;

		role->name = lfirst(lc);
		if (strcmp(role->name, "public") != 0)
			role->oid = get_role_oid(role->name, true);
		if (strcmp(role->name, "public") != 0 && !OidIsValid(role->oid))
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_OBJECT),
					 errmsg("role \"%s\" does not exist", role->name),
					 errhint("Names in %s are case-sensitive. If the role is new: CREATE ROLE %s",
							 argument, quote_identifier(role->name))));
		foreach(other, roles)
		{
			twice |= ((CmigRlsRole *) lfirst(other))->oid == role->oid;
		}
		if (!twice)
			roles = lappend(roles, role);
	}
	return roles;
}

/* Convert the array of command names in argument n to a mask. */
static int
commands_argument(FunctionCallInfo fcinfo, int n)
{
	int			commands = 0;
	ListCell   *lc;

	if (PG_ARGISNULL(n))
		return CMIG_RLS_ALL;
	foreach(lc, texts_argument(fcinfo, n, "commands"))
	{
		char	   *name = lfirst(lc);

		if (pg_strcasecmp(name, "all") == 0)
			commands |= CMIG_RLS_ALL;
		else if (pg_strcasecmp(name, "select") == 0)
			commands |= CMIG_RLS_SELECT;
		else if (pg_strcasecmp(name, "insert") == 0)
			commands |= CMIG_RLS_INSERT;
		else if (pg_strcasecmp(name, "update") == 0)
			commands |= CMIG_RLS_UPDATE;
		else if (pg_strcasecmp(name, "delete") == 0)
			commands |= CMIG_RLS_DELETE;
		else
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("unrecognized row-level security command \"%s\"", name),
					 errhint("Valid commands are ALL, SELECT, INSERT, UPDATE, and DELETE, as in commands => '{SELECT,INSERT}'")));
	}

	/*
	 * reject an empty list, which is probably a mistake in the caller's
	 * program
	 */
	if (commands == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("commands must not be empty"),
				 errdetail("The roles could not run any command."),
				 errhint("Omit the argument to allow all commands, or list some, as in commands => '{SELECT,INSERT}'")));
	return commands;
}

CmigRlsOptions *
cmig_rls_options_read(FunctionCallInfo fcinfo, bool with_via)
{
	CmigRlsOptions *options = palloc0(sizeof(CmigRlsOptions));

	options->user_column = cmig_argument_text(fcinfo, 1);
	options->tenant_column = cmig_argument_text(fcinfo, 2);
	options->roles = roles_argument(fcinfo, 3, "roles");
	options->bypass_roles = roles_argument(fcinfo, 4, "bypass_roles");
	options->shared = flag_argument(fcinfo, 5, false);
	options->public_read = flag_argument(fcinfo, 6, false);
	options->commands = commands_argument(fcinfo, 7);
	options->force = flag_argument(fcinfo, 8, true);
	options->column_default = flag_argument(fcinfo, 9, false);
	options->create_index = flag_argument(fcinfo, 10, true);
	options->require_context = flag_argument(fcinfo, 11, false);
	if (with_via)
	{
		options->via = PG_ARGISNULL(12) ? InvalidOid : PG_GETARG_OID(12);
		options->via_key = cmig_argument_text(fcinfo, 13);
		options->via_user = cmig_argument_text(fcinfo, 14);
		options->key_column = cmig_argument_text(fcinfo, 15);
	}
	return options;
}

void
cmig_rls_options_require_roles(const CmigRlsOptions *options, Oid where)
{
	char	   *names = NULL;
	Datum		values[1] = {ObjectIdGetDatum(where)};

	if (options->roles != NIL)
		return;
	cmig_query_each(&candidate_roles, values, NULL, cmig_query_keep_text, &names);
	if (names == NULL)
		cmig_query_each(&login_roles, values, NULL, cmig_query_keep_text, &names);
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("roles must list the roles that the application connects as"),
			 names ? errdetail("Candidates are: %s.", names)
			 : errdetail("There are no roles other than superusers and the owner yet. To create one, use CREATE ROLE."),
			 errhint("Use roles => '{<role>}'")));
}

void
cmig_rls_options_check_roles(const CmigRlsOptions *options)
{
	ListCell   *lc;

	foreach(lc, options->bypass_roles)
	{
		CmigRlsRole *bypass = lfirst(lc);
		ListCell   *other;

		if (!OidIsValid(bypass->oid))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("PUBLIC cannot be a bypass role"),
					 errdetail("Everybody would see every row."),
					 errhint("Specify the roles of users who maintain the data.")));
		foreach(other, options->roles)
		{
			CmigRlsRole *role = lfirst(other);

			if (role->oid == bypass->oid)
				ereport(ERROR,
						(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						 errmsg("role \"%s\" is listed in both \"roles\" and \"bypass_roles\"", role->name),
						 errhint("Remove the role from one of the two lists.")));
			if (!OidIsValid(role->oid))
				ereport(ERROR,
						(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						 errmsg("role \"%s\" would not bypass row-level security", bypass->name),
						 errdetail("It is in bypass_roles, but the policies for PUBLIC apply to it too."),
						 errhint("Name the application's roles instead of PUBLIC.")));
			if (superuser_arg(role->oid) || superuser_arg(bypass->oid))
				continue;
			if (has_privs_of_role(role->oid, bypass->oid))
				ereport(ERROR,
						(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						 errmsg("role \"%s\" would bypass row-level security", role->name),
						 errdetail("It is in roles, and has the privileges of the bypass role \"%s\".", bypass->name),
						 errhint("Remove role \"%s\" from roles or role \"%s\" from bypass_roles, or REVOKE %s FROM %s",
								 role->name, bypass->name,
								 quote_identifier(bypass->name), quote_identifier(role->name))));
			if (has_privs_of_role(bypass->oid, role->oid))
				ereport(ERROR,
						(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						 errmsg("role \"%s\" would not bypass row-level security", bypass->name),
						 errdetail("It is in bypass_roles, but has the privileges of \"%s\", whose policies apply to it too.",
								   role->name),
						 errhint("REVOKE %s FROM %s, and grant the privileges on the tables directly to role \"%s\".",
								 quote_identifier(role->name), quote_identifier(bypass->name), bypass->name)));
		}
	}
	foreach(lc, options->roles)
	{
		CmigRlsRole *role = lfirst(lc);

		if (OidIsValid(role->oid) && (superuser_arg(role->oid) || has_bypassrls_privilege(role->oid)))
			ereport(WARNING,
					(errmsg("row-level security does not apply to role \"%s\"", role->name),
					 errdetail("It is a superuser or has BYPASSRLS."),
					 errhint("Let the application connect as another role.")));
	}
}
