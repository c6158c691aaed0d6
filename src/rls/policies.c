/*
 * policies.c
 *	  The policies that a table should have, and the statements that create
 *	  them.
 *
 * Nothing is executed here.  The statements are ordered so that nobody ever
 * sees more than the old or the new policies allow, even if the statements are
 * run one by one: first the flags, then restrictive policies, then permissive
 * policies; and a policy is dropped before a wider one is created.
 *
 * The policies follow these rules:
 *
 * - The policy on the tenant is RESTRICTIVE, so that no policy added later can
 * permit more.  A permissive policy accompanies it, because a restrictive
 * policy alone shows no rows.  If the tenant is the only key, both have the
 * same expression, and PostgreSQL evaluates it once.
 *
 * - A setting is read in a sub-select, so that it is read once per statement
 * and not once per row.  NULLIF is needed because a setting is '' after SET
 * LOCAL, and ''::uuid is an error.  Citus rejects sub-selects in policies, so
 * the policies of its tables read the setting directly; if the key has an
 * index, the setting is still read only once per shard.
 *
 * - Citus makes restrictive policies permissive on the shards.  The policies of
 * its tables are all permissive, and each contains all conditions.
 *
 * - Membership is tested by = ANY (ARRAY(SELECT ...)), which can use an index
 * on the key.
 *
 * - Bypass roles have a permissive policy of their own; the restrictive policy
 * names only the application's roles.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "parse/parse.h"
#include "rls/internal.h"

#include "commands/defrem.h"
#include "utils/builtins.h"
#include "utils/formatting.h"
#include "utils/lsyscache.h"

/*
 * Keys
 */

/*
 * Returns the columns that could be a key, in a form such as "id (uuid), owner
 * (bigint)", or NULL if there are none.
 */
static char *
candidates(const CmigRlsTable *table)
{
	CmigListing could;

	cmig_listing_init(&could, CMIG_LISTING_PLAIN);
	foreach_ptr(CmigRlsColumn, column, table->columns)
	{
		if (column->cast)
			cmig_listing_add_format(&could, "%s (%s)", quote_identifier(column->name),
									column->type);
	}
	return could.count ? cmig_listing_text(&could) : NULL;
}

/*
 * Returns the column of the given name.  Raises an error if the column does
 * not exist or has a type that cannot be used for a key.
 */
CmigRlsColumn *
cmig_rls_key_column(const CmigRlsTable *table, const char *name, const char *argument)
{
	CmigRlsColumn *column = cmig_rls_find(table->columns, name);
	char	   *could = candidates(table);

	if (column == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("table %s has no column \"%s\"", table->name, name),
				 could ? errdetail("Columns that could be a key: %s.", could) : 0,
				 errhint("Use %s to name one of the table's columns.", argument)));
	if (column->cast == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("column \"%s\" of table %s cannot be used as a key for row-level security",
						name, table->name),
				 errdetail("Its type is %s.", column->type),
				 errhint("The type of a key must be uuid, bigint, integer, smallint, text, varchar, or a domain over one of them%s.",
						 strcmp(argument, "user_column") == 0 ||
						 strcmp(argument, "tenant_column") == 0 ?
						 psprintf(". Use %s => '' to leave out this key", argument) : "")));
	return column;
}

/* Has the table a key column: one that the options name, or one with a usual name? */
bool
cmig_rls_has_key(const CmigRlsSetup *options, const CmigRlsTable *table)
{
	return cmig_rls_find(table->columns,
						 options->tenant_column ? options->tenant_column : "tenant_id") ||
		cmig_rls_find(table->columns, options->user_column ? options->user_column : "user_id");
}

/*
 * Returns the name of a key column, or NULL if there is none.  A column with the
 * usual name need not exist, and none if the table is one of many.
 */
static char *
find_column(const CmigRlsTable *table, const char *given, const char *usual, const char *argument,
			bool many)
{
	const char *name = given ? given : usual;

	if (name[0] == '\0' || ((many || given == NULL) && cmig_rls_find(table->columns, name) == NULL))
		return NULL;
	return cmig_rls_key_column(table, name, argument)->name;
}

/* Resolve the columns that join the table with the membership table. */
static void
resolve_via(CmigRlsSetup *setup, const CmigRlsTable *table)
{
	const CmigRlsTable *via = setup->via_table;
	CmigRlsColumn *key;
	CmigRlsColumn *via_key;

	if (via->relid == table->relid)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("table %s cannot be its own membership table", table->name),
				 errdetail("The policy would query its own table, which would cause infinite recursion."),
				 errhint("To protect a membership table, specify its user column: user_column => %s",
						 quote_literal_cstr(cmig_text_is_given(setup->via_user) ? setup->via_user :
											"user_id"))));
	if (cmig_text_is_given(setup->user_column))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("user_column and via cannot be used together"),
				 errdetail("With via, the user's rows are found through %s.", via->name),
				 errhint("Specify the user column of that table with via_user.")));
	if (!cmig_text_is_given(setup->via_user))
		setup->via_user = "user_id";
	if (!cmig_text_is_given(setup->key_column))
		setup->key_column = cmig_text_is_given(setup->via_key) &&
			cmig_rls_find(table->columns, setup->via_key) ? setup->via_key : "tenant_id";
	if (!cmig_text_is_given(setup->via_key))
		setup->via_key = setup->key_column;
	(void) cmig_rls_key_column(via, setup->via_user, "via_user");
	via_key = cmig_rls_key_column(via, setup->via_key, "via_key");
	key = cmig_rls_key_column(table, setup->key_column, "key_column");
	/* there are operators that compare integers of different sizes */
	if (strcmp(key->cast, via_key->cast) != 0 &&
		(strstr(key->cast, "int") == NULL || strstr(via_key->cast, "int") == NULL))
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("column \"%s\" of table %s cannot be compared with column \"%s\" of table %s",
						key->name, table->name, via_key->name, via->name),
				 errdetail("Their types are %s and %s.", key->type, via_key->type),
				 errhint("Specify the correct columns with key_column and via_key.")));
	setup->via = via->name;
	setup->user_column = NULL;

	/*
	 * with a membership table, use a tenant column only if the caller named
	 * it
	 */
	setup->tenant_column = cmig_text_is_given(setup->tenant_column) ?
		cmig_rls_key_column(table, setup->tenant_column, "tenant_column")->name : NULL;
}

/*
 * Resolve the key columns.  If there are none, raises an error that lists the
 * possible columns.  "many" is as for cmig_rls_plan_enable().
 */
static void
resolve_keys(CmigRlsSetup *setup, const CmigRlsTable *table, bool many)
{
	if (setup->via_table)
	{
		resolve_via(setup, table);
		return;
	}
	if (cmig_text_is_given(setup->key_column) || cmig_text_is_given(setup->via_key) || cmig_text_is_given(setup->via_user))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("key_column, via_key, and via_user require via"),
				 errhint("Name the membership table: via => 'memberships'")));
	setup->key_column = setup->via_key = setup->via_user = NULL;
	setup->user_column = find_column(table, setup->user_column, "user_id", "user_column", many);
	setup->tenant_column = find_column(table, setup->tenant_column, "tenant_id", "tenant_column",
									   many);
	if (setup->user_column == NULL && setup->tenant_column == NULL)
	{
		char	   *could = candidates(table);

		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("table %s has no column user_id or tenant_id", table->name),
				 could ? errdetail("Columns that could be a key: %s.", could)
				 : errdetail("None of its columns has a type that can be used as a key."),
				 errhint("Specify the key with user_column => '<column>' or tenant_column => '<column>'. For a table of users, use user_column => 'id'")));
	}
	if (setup->user_column && setup->tenant_column &&
		strcmp(setup->user_column, setup->tenant_column) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("user_column and tenant_column are the same column"),
				 errhint("Leave one of them out, or use tenant_column => '' for a table without tenants.")));
}

/*
 * The wanted policies
 */

/*
 * Returns an SQL expression that reads a setting and casts it to a type; null
 * if the setting is missing or empty.
 */
static char *
setting_text(const char *setting, const char *cast)
{
	return psprintf("NULLIF(current_setting(%s, true), '')%s%s", quote_literal_cstr(setting),
					strcmp(cast, "text") == 0 ? "" : "::", strcmp(cast, "text") == 0 ? "" : cast);
}

/*
 * Returns the column, with exactly the type to which a setting is cast.  A script may run
 * where others can create operators, and one of theirs could fit another type better.
 */
static char *
column_text(const CmigRlsColumn *column)
{
	Oid			type = atooid(column->type_oid);

	return psprintf(type == VARCHAROID || type != getBaseType(type) ? "%s::%s" : "%s",
					quote_identifier(column->name), column->cast);
}

/*
 * Returns the expression "column = context", in which the context is read once
 * per statement, unless the table's policies must not contain sub-selects.  If
 * a context is required, the expression raises an error without one.
 */
static char *
equals(const CmigRlsSetup *setup, const CmigRlsTable *table, const CmigRlsColumn *column,
	   const char *setting)
{
	bool		plain = strcmp(column->cast, "text") == 0;
	char	   *value = !setup->require_context ? setting_text(setting, column->cast) :
	psprintf("cmig.require_%s()%s%s",
			 strcmp(setting, CMIG_RLS_USER_SETTING) == 0 ? "user_id" : "tenant_id",
			 plain ? "" : "::", plain ? "" : column->cast);

	return psprintf(table->by_citus ? "%s = %s" : "%s = (SELECT %s)", column_text(column), value);
}

/* Add a policy to the list of wanted policies. */
static void
add_policy(List **policies, const CmigRlsTable *table, char *name, bool permissive, int commands,
		   List *roles, char *expression, char *comment)
{
	CmigRlsPolicy *policy = palloc0(sizeof(CmigRlsPolicy));

	policy->table = table->name;
	policy->name = name;
	policy->permissive = permissive;
	policy->commands = commands;
	policy->roles = roles;
	if (commands != CMIG_RLS_INSERT)
		policy->qual_text = expression;
	if (commands & (CMIG_RLS_INSERT | CMIG_RLS_UPDATE))
		policy->check_text = expression;
	policy->comment = comment;
	*policies = lappend(*policies, policy);
}

/*
 * Add one policy for all commands, or one policy for each command in the mask.
 */
static void
add_policies(List **policies, const CmigRlsTable *table, char *name, bool permissive, int mask,
			 List *roles, char *expression, char *comment)
{
	if (mask == CMIG_RLS_ALL)
		add_policy(policies, table, name, permissive, mask, roles, expression, comment);
	else
		for (int bit = CMIG_RLS_SELECT; bit <= CMIG_RLS_DELETE; bit <<= 1)
		{
			char	   *command = cmig_rls_commands_text(bit, "");

			if (mask & bit)
				add_policy(policies, table,
						   psprintf("%s_%s", name, asc_tolower(command, strlen(command))),
						   permissive, bit, roles, expression, comment);
		}
}

/*
 * Add the restrictive policies that limit all other policies to the tenant's
 * rows, except for reading rows that are public or shared.
 */
static void
add_floor(List **policies, const CmigRlsSetup *setup, const CmigRlsTable *table,
		  const CmigRlsColumn *tenant)
{
	char	   *floor = equals(setup, table, tenant, CMIG_RLS_TENANT_SETTING);

	if (setup->shared && !setup->public_read)
		add_policy(policies, table, "tenant_floor_select", false, CMIG_RLS_SELECT, setup->roles,
				   psprintf("%s OR %s IS NULL", floor, quote_identifier(tenant->name)),
				   psprintf("Tenant floor: only rows whose %s is %s or null (shared), whatever other policies allow.",
							tenant->name, CMIG_RLS_TENANT_SETTING));
	add_policies(policies, table, "tenant_floor", false,
				 setup->public_read ||
				 setup->shared ? CMIG_RLS_ALL & ~CMIG_RLS_SELECT : CMIG_RLS_ALL, setup->roles,
				 floor,
				 psprintf("Tenant floor: only rows whose %s is %s, whatever other policies allow.",
						  tenant->name, CMIG_RLS_TENANT_SETTING));
}

/*
 * Add the policies of a table that Citus manages and that has both keys.  On
 * the shards, Citus makes all policies permissive, even those that are
 * restrictive on the coordinator.  Therefore, no policy can limit other
 * policies here, and each policy contains all conditions.
 */
static void
add_for_shards(List **policies, const CmigRlsSetup *setup, const CmigRlsTable *table,
			   const CmigRlsColumn *tenant, const CmigRlsColumn *user)
{
	char	   *of_tenant = equals(setup, table, tenant, CMIG_RLS_TENANT_SETTING);
	char	   *of_user = equals(setup, table, user, CMIG_RLS_USER_SETTING);

	add_policies(policies, table, "user_access", true, setup->commands, setup->roles,
				 psprintf("%s AND %s", of_tenant, of_user),
				 psprintf("Rows whose %s is %s and whose %s is %s.",
						  tenant->name, CMIG_RLS_TENANT_SETTING, user->name,
						  CMIG_RLS_USER_SETTING));
	if (!setup->shared || setup->public_read)
		return;
	of_tenant = psprintf("(%s OR %s IS NULL)", of_tenant, quote_identifier(tenant->name));
	of_user = setup->commands & CMIG_RLS_SELECT ?
		psprintf("(%s OR %s IS NULL)", of_user, quote_identifier(user->name)) :
		psprintf("%s IS NULL", quote_identifier(user->name));
	add_policy(policies, table, "shared_read", true, CMIG_RLS_SELECT, setup->roles,
			   psprintf("%s AND %s", of_tenant, of_user),
			   psprintf("Rows whose %s is %s or null, and whose %s is %s or null (shared).",
						tenant->name, CMIG_RLS_TENANT_SETTING, user->name, CMIG_RLS_USER_SETTING));
}

/* Returns the policies that the table should have.  The keys are resolved. */
static List *
wanted_policies(const CmigRlsSetup *setup, const CmigRlsTable *table)
{
	List	   *policies = NIL;
	CmigRlsColumn *tenant = cmig_rls_find(table->columns, setup->tenant_column);
	CmigRlsColumn *user = cmig_rls_find(table->columns, setup->user_column);
	CmigRlsColumn *key = cmig_rls_find(table->columns, setup->key_column);
	const CmigRlsTable *via = setup->via_table;
	bool		both_on_shards = table->by_citus && tenant && user;

	if (tenant && !table->by_citus)
		add_floor(&policies, setup, table, tenant);
	if (both_on_shards)
		add_for_shards(&policies, setup, table, tenant, user);
	else if (key)
		add_policies(&policies, table, "member_access", true, setup->commands, setup->roles,
					 psprintf("%s = ANY (ARRAY(SELECT m.%s FROM %s m WHERE m.%s))",
							  column_text(key),
							  column_text(cmig_rls_find(via->columns, setup->via_key)), via->name,
							  equals(setup, via, cmig_rls_find(via->columns, setup->via_user),
									 CMIG_RLS_USER_SETTING)),
					 psprintf("Rows whose %s is one that %s gives to %s.", key->name, via->name,
							  CMIG_RLS_USER_SETTING));
	else
	{
		CmigRlsColumn *column = user ? user : tenant;
		const char *setting = user ? CMIG_RLS_USER_SETTING : CMIG_RLS_TENANT_SETTING;

		add_policies(&policies, table, user ? "user_access" : "tenant_access", true,
					 setup->commands, setup->roles,
					 equals(setup, table, column, setting),
					 psprintf("Rows whose %s is %s.", column->name, setting));
	}
	if (setup->public_read)
		add_policy(&policies, table, "public_read", true, CMIG_RLS_SELECT, setup->roles, "true",
				   "Every row may be read.");
	else if (setup->shared && !both_on_shards)
	{
		CmigRlsColumn *column = key ? key : user ? user : tenant;

		add_policy(&policies, table, "shared_read", true, CMIG_RLS_SELECT, setup->roles,
				   psprintf("%s IS NULL", quote_identifier(column->name)),
				   psprintf("Rows without a %s are shared: everybody reads them.", column->name));
	}
	if (setup->bypass_roles != NIL)
		add_policy(&policies, table, "bypass", true, CMIG_RLS_ALL, setup->bypass_roles,
				   "true", "These roles see and write every row.");
	return policies;
}

/*
 * Statements
 */

/* Plan ALTER TABLE to set relrowsecurity and relforcerowsecurity. */
static List *
plan_flags(const CmigRlsTable *table, bool was_enabled, bool was_forced, bool enable, bool force)
{
	StringInfoData text;

	if (was_enabled == enable && was_forced == force)
		return NIL;
	initStringInfo(&text);
	appendStringInfo(&text, "ALTER TABLE %s ", table->name);
	if (was_enabled != enable)
		appendStringInfo(&text, "%s ROW LEVEL SECURITY", enable ? "ENABLE" : "DISABLE");
	if (was_forced != force)
		appendStringInfo(&text, "%s%s ROW LEVEL SECURITY",
						 was_enabled != enable ? ", " : "", force ? "FORCE" : "NO FORCE");
	return list_make1(text.data);
}

/* Returns CREATE POLICY or ALTER POLICY. */
static char *
policy_statement(const char *verb, const CmigRlsPolicy *policy)
{
	StringInfoData text;

	initStringInfo(&text);
	appendStringInfo(&text, "%s POLICY %s ON %s", verb, quote_identifier(policy->name),
					 policy->table);
	if (strcmp(verb, "CREATE") == 0)
	{
		appendStringInfoString(&text, policy->permissive ? "" : " AS RESTRICTIVE");
		if (policy->commands != CMIG_RLS_ALL)
			appendStringInfo(&text, " FOR %s", cmig_rls_commands_text(policy->commands, ","));
	}
	foreach_oid(role, policy->roles)
		appendStringInfo(&text, "%s%s", foreach_current_index(role) ? ", " : " TO ",
						 cmig_rls_role_text(role));
	if (policy->qual_text)
		appendStringInfo(&text, "\n    USING (%s)", policy->qual_text);
	if (policy->check_text)
		appendStringInfo(&text, "\n    WITH CHECK (%s)", policy->check_text);
	return text.data;
}

/*
 * Plan the change from the existing policies to the wanted ones.  Raises an
 * error if enable_rls did not create an existing policy that has the name of a
 * wanted one.
 */
static List *
plan_policies(const CmigRlsTable *table, const List *existing, const List *wanted,
			  const CmigRlsSetup *setup)
{
	List	   *alters = NIL;
	List	   *narrow = NIL;
	List	   *narrow_drops = NIL;
	List	   *widen = NIL;
	List	   *drops = NIL;
	List	   *comments = NIL;

	foreach_ptr(CmigRlsPolicy, want, wanted)
	{
		CmigRlsPolicy *have = cmig_rls_find(existing, want->name);
		List	  **creates = want->permissive ? &widen : &narrow;
		char	   *comment = psprintf("%s %s", want->comment, cmig_rls_setup_write(setup));
		bool		changed = true;

		if (have && have->setup == NULL)
			ereport(ERROR,
					(errcode(ERRCODE_DUPLICATE_OBJECT),
					 errmsg("policy \"%s\" for table %s already exists", have->name, table->name),
					 errdetail("cmig.enable_rls did not create this policy and does not change it."),
					 errhint("DROP POLICY %s ON %s, or rename it: ALTER POLICY %s ON %s RENAME TO %s",
							 quote_identifier(have->name), table->name,
							 quote_identifier(have->name), table->name,
							 quote_identifier(psprintf("%s_old", have->name)))));
		if (have == NULL)
			*creates = lappend(*creates, policy_statement("CREATE", want));
		else if (have->permissive != want->permissive || have->commands != want->commands ||
				 (have->qual_text == NULL) != (want->qual_text == NULL) ||
				 (have->check_text == NULL) != (want->check_text == NULL))
			*creates = lappend(lappend(*creates, cmig_rls_policy_drop(have)),
							   policy_statement("CREATE", want));
		else if (list_difference_oid(want->roles, have->roles) != NIL ||
				 list_length(want->roles) != list_length(have->roles) ||
				 !cmig_rls_same_expression(table->relid, want->qual_text, have->qual_text) ||
				 !cmig_rls_same_expression(table->relid, want->check_text, have->check_text))
			alters = lappend(alters, policy_statement("ALTER", want));
		else
			changed = strcmp(have->comment, comment) != 0;
		if (changed)
			comments = lappend(comments,
							   psprintf("COMMENT ON POLICY %s ON %s IS %s",
										quote_identifier(want->name),
										table->name, quote_literal_cstr(comment)));
	}
	foreach_ptr(CmigRlsPolicy, have, existing)
	{
		List	  **removals = have->permissive ? &drops : &narrow_drops;

		if (have->setup && cmig_rls_find(wanted, have->name) == NULL)
			*removals = lappend(*removals, cmig_rls_policy_drop(have));
	}
	narrow = list_concat(list_concat(narrow, drops), alters);
	return list_concat(list_concat(narrow, widen), list_concat(narrow_drops, comments));
}

#define DEFAULT_PREFIX "ALTER TABLE ONLY "

/*
 * Returns true if the statement sets a default.  Such a statement must be run
 * as the table's owner, because the default is an expression that the owner
 * can change, and even parsing it can execute code (for example, for a
 * constant of a composite type whose domain has a check).
 */
bool
cmig_rls_plan_is_default(const char *statement)
{
	return strncmp(statement, DEFAULT_PREFIX, strlen(DEFAULT_PREFIX)) == 0;
}

/*
 * Returns ALTER TABLE ... SET DEFAULT, or DROP DEFAULT if "expression" is
 * NULL.  The expression may come from a comment, which the table's owner can
 * change, so it must be a single expression without further commands.
 */
static char *
set_default(const CmigRlsTable *table, const char *column, const char *expression)
{
	char	   *statement;
	List	   *parsed;

	if (expression == NULL)
		return psprintf(DEFAULT_PREFIX "%s ALTER COLUMN %s DROP DEFAULT", table->name,
						quote_identifier(column));
	statement = psprintf(DEFAULT_PREFIX "%s ALTER COLUMN %s SET DEFAULT %s",
						 table->name, quote_identifier(column), expression);
	parsed = cmig_raw_parse(statement, RAW_PARSE_DEFAULT);
	if (list_length(parsed) != 1 || !IsA(linitial_node(RawStmt, parsed)->stmt, AlterTableStmt) ||
		list_length(((AlterTableStmt *) linitial_node(RawStmt, parsed)->stmt)->cmds) != 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the saved default of column \"%s\" of table %s is not an expression",
						column, table->name),
				 errdetail("The default was saved in the comments of the table's policies, and these comments have changed."),
				 errhint("Restore the comments from a backup, or drop the policies and set the default yourself.")));
	return statement;
}

/*
 * Returns true if the column's default is an expression that enable_rls set.
 */
static bool
default_is_ours(const CmigRlsColumn *column)
{
	return column && column->fallback &&
		(strstr(column->fallback, CMIG_RLS_USER_SETTING) != NULL ||
		 strstr(column->fallback, CMIG_RLS_TENANT_SETTING) != NULL);
}

/*
 * If a key column was renamed, update its name in the recorded defaults.  The
 * key column is recognized if it is the only column whose default reads the
 * setting.
 */
static void
follow_renames(const CmigRlsTable *table)
{
	foreach_ptr(CmigRlsDefault, was, table->setup ? table->setup->defaults : NIL)
	{
		const char *setting = table->setup->user_column &&
		strcmp(was->column, table->setup->user_column) == 0 ?
		CMIG_RLS_USER_SETTING : CMIG_RLS_TENANT_SETTING;
		CmigRlsColumn *found = NULL;
		int			count = 0;

		if (cmig_rls_find(table->columns, was->column))
			continue;
		foreach_ptr(CmigRlsColumn, column, table->columns)
		{
			if (column->fallback && strstr(column->fallback, setting))
			{
				found = column;
				count++;
			}
		}
		if (count == 1)
			was->column = found->name;
	}
}

/*
 * Plan the change of a key column's default to an expression that reads the
 * setting.
 */
static List *
plan_default(CmigRlsSetup *setup, const CmigRlsTable *table, char *name, const char *setting,
			 bool fresh)
{
	CmigRlsColumn *column = cmig_rls_find(table->columns, name);
	CmigRlsDefault *was;

	if (column == NULL || !setup->column_default)
		return NIL;
	if (column->generated)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("column \"%s\" of table %s cannot have the context as its default",
						name, table->name),
				 errdetail("It is a generated or identity column."),
				 errhint("Leave column_default out.")));
	was = cmig_rls_find(table->setup ? table->setup->defaults : NIL, name);
	if (was && !fresh && default_is_ours(column))
	{
		setup->defaults = lappend(setup->defaults, was);
		return NIL;
	}
	if (was == NULL)
	{
		was = palloc0(sizeof(CmigRlsDefault));
		was->column = name;
		was->expression = column->fallback;
	}
	setup->defaults = lappend(setup->defaults, was);
	return list_make1(set_default(table, name, setting_text(setting, column->cast)));
}

/*
 * Plan to restore the former default of each column that was changed by an
 * earlier call of enable_rls and is not in the new setup, which may be NULL.
 */
static List *
plan_old_defaults(const CmigRlsTable *table, const CmigRlsSetup *setup)
{
	List	   *statements = NIL;

	foreach_ptr(CmigRlsDefault, was, table->setup ? table->setup->defaults : NIL)
	{
		if (cmig_rls_find(setup ? setup->defaults : NIL, was->column) == NULL &&
			default_is_ours(cmig_rls_find(table->columns, was->column)))
			statements = lappend(statements, set_default(table, was->column, was->expression));
	}
	return statements;
}

/*
 * Plan an index whose first column is the key, unless there already is one.
 * Adds an index that enable_rls has created and that is still needed to *kept.
 */
static List *
plan_index(const CmigRlsSetup *setup, const CmigRlsTable *table, const char *name, bool fresh,
		   List **kept)
{
	CmigRlsColumn *column = cmig_rls_find(table->columns, name);
	char	   *index;

	if (column == NULL || !setup->create_index || table->partition || column->indexed)
		return NIL;
	index = column->made_index;
	if (index && !fresh)
	{
		*kept = lappend(*kept, index);
		return NIL;
	}
	if (index == NULL)
		index = ChooseRelationName(table->relname, name, "rls_idx", get_rel_namespace(table->relid),
								   false);
	return list_make2(psprintf("CREATE INDEX %s ON %s (%s)", quote_identifier(index), table->name,
							   quote_identifier(name)),
					  psprintf("COMMENT ON INDEX %s IS %s",
							   quote_qualified_identifier(table->nspname, index),
							   quote_literal_cstr("The key of row-level security. " CMIG_RLS_INDEX_MARK)));
}

/*
 * Plan to drop indexes that enable_rls created and that are no longer wanted.
 */
static List *
plan_old_indexes(const CmigRlsTable *table, const List *kept)
{
	List	   *statements = NIL;

	foreach_ptr(CmigRlsColumn, column, table->columns)
	{
		char	   *index = column->made_index;

		if (index && !cmig_text_list_has(kept, index))
			statements = lappend(statements,
								 psprintf("DROP INDEX %s",
										  quote_qualified_identifier(table->nspname, index)));
	}
	return statements;
}

/*
 * Returns the statements, without semicolons, that enable row-level security
 * on the table, or NIL if nothing has to change.  If "many" is true, the table
 * is one of several, and options that name nonexistent columns are ignored.
 * If "fresh" is true, plans as if enable_rls had never been called for the
 * table.
 */
List *
cmig_rls_plan_enable(const CmigRlsSetup *options, const CmigRlsTable *table, bool many, bool fresh)
{
	CmigRlsSetup setup = *options;
	const CmigRlsSetup *before = table->setup;
	List	   *defaults;
	List	   *indexes;
	List	   *kept = NIL;
	List	   *statements;

	setup.enabled = before ? before->enabled : table->enabled;
	setup.forced = before ? before->forced : table->forced;
	setup.granted = list_copy(options->granted);
	foreach_ptr(char, name, before ? before->granted : NIL)
	{
		if (!cmig_text_list_has(setup.granted, name))
			setup.granted = lappend(setup.granted, name);
	}
	resolve_keys(&setup, table, many);
	follow_renames(table);

	defaults = plan_default(&setup, table, setup.user_column, CMIG_RLS_USER_SETTING, fresh);
	defaults = list_concat(defaults,
						   plan_default(&setup, table, setup.tenant_column, CMIG_RLS_TENANT_SETTING,
										fresh));
	indexes = plan_index(&setup, table, setup.tenant_column, fresh, &kept);
	indexes = list_concat(indexes, plan_index(&setup, table, setup.user_column, fresh, &kept));
	if (setup.key_column &&
		(setup.tenant_column == NULL || strcmp(setup.key_column, setup.tenant_column) != 0))
		indexes = list_concat(indexes, plan_index(&setup, table, setup.key_column, fresh, &kept));
	if (!fresh)
	{
		defaults = list_concat(defaults, plan_old_defaults(table, &setup));
		indexes = list_concat(indexes, plan_old_indexes(table, kept));
	}
	statements = plan_flags(table, fresh ? setup.enabled : table->enabled,
							fresh ? setup.forced : table->forced,
							true, options->force || setup.forced);
	statements = list_concat(statements, plan_policies(table, fresh ? NIL : table->policies,
													   wanted_policies(&setup, table), &setup));
	return list_concat(list_concat(statements, defaults), indexes);
}

/* Returns the statements that revert what enable_rls did, or NIL. */
List *
cmig_rls_plan_disable(const CmigRlsTable *table)
{
	const CmigRlsSetup *setup = table->setup;
	List	   *statements = NIL;
	List	   *last = NIL;

	if (setup == NULL)
		return NIL;
	follow_renames(table);
	foreach_ptr(CmigRlsPolicy, policy, table->policies)
	{
		/*
		 * drop permissive policies before restrictive ones, so that no step
		 * allows more than before
		 */
		if (policy->setup && policy->permissive)
			statements = lappend(statements, cmig_rls_policy_drop(policy));
		else if (policy->setup)
			last = lappend(last, cmig_rls_policy_drop(policy));
	}
	statements = list_concat(statements, last);
	statements = list_concat(statements,
							 plan_flags(table, table->enabled, table->forced, setup->enabled,
										setup->forced));
	statements = list_concat(statements, plan_old_defaults(table, NULL));
	return list_concat(statements, plan_old_indexes(table, NIL));
}
