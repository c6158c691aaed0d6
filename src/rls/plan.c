/*
 * plan.c
 *	  The options of enable_rls, and the statements that they require.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/base.h"
#include "base/compat.h"
#include "parse/parse.h"
#include "rls/internal.h"

#include "catalog/pg_type.h"
#include "commands/defrem.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "parser/parser.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

/*
 * rls_options
 */

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

/*
 * The plan is based on a table's properties as read by rls_table.c, and
 * nothing is executed here.  The statements are ordered so that nobody ever
 * sees more than the old or the new policies allow, even if the statements are
 * run one by one: first the flags, then restrictive policies, then permissive
 * policies; and a policy is dropped before a wider one is created.
 */

/*
 * Parts of the plan
 */

/* Append a statement. */
static void
add(List **statements, char *statement)
{
	*statements = lappend(*statements, statement);
}

/* Plan ALTER TABLE to set relrowsecurity and relforcerowsecurity. */
static void
plan_flags(const CmigRlsTable *table, bool enable, bool force, List **statements)
{
	StringInfoData text;

	if (table->enabled == enable && table->forced == force)
		return;
	initStringInfo(&text);
	appendStringInfo(&text, "ALTER TABLE %s ", table->name);
	if (table->enabled != enable)
		appendStringInfo(&text, "%s ROW LEVEL SECURITY", enable ? "ENABLE" : "DISABLE");
	if (table->forced != force)
		appendStringInfo(&text, "%s%s ROW LEVEL SECURITY",
						 table->enabled != enable ? ", " : "", force ? "FORCE" : "NO FORCE");
	add(statements, text.data);
}

/* Returns the policy with this name, or NULL if there is none. */
static CmigRlsPolicy *
find_policy(const List *policies, const char *name)
{
	ListCell   *lc;

	foreach(lc, policies)
	{
		CmigRlsPolicy *policy = lfirst(lc);

		if (strcmp(policy->name, name) == 0)
			return policy;
	}
	return NULL;
}

/* Returns true if both lists contain the same roles, in any order. */
static bool
same_roles(const List *a, const List *b)
{
	ListCell   *lc;

	if (list_length(a) != list_length(b))
		return false;
	foreach(lc, a)
	{
		bool		found = false;
		ListCell   *other;

		foreach(other, b)
		{
			found |= ((CmigRlsRole *) lfirst(lc))->oid == ((CmigRlsRole *) lfirst(other))->oid;
		}
		if (!found)
			return false;
	}
	return true;
}

/* The change that turns the existing policy into the wanted one. */
typedef enum Change
{
	KEEP,
	ALTER,
	REPLACE,
	CREATE
} Change;

/*
 * Compare a wanted policy with the existing policy of the same name, which may
 * be NULL.  Raises an error if enable_rls did not create the existing policy.
 */
static Change
compare_policy(const CmigRlsTable *table, const CmigRlsPolicy *want, const CmigRlsPolicy *have)
{
	if (have == NULL)
		return CREATE;
	if (!have->made)
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_OBJECT),
				 errmsg("policy \"%s\" for table %s already exists", have->name, table->name),
				 errdetail("cmig.enable_rls did not create this policy and does not change it."),
				 errhint("DROP POLICY %s ON %s, or rename it: ALTER POLICY %s ON %s RENAME TO %s",
						 quote_identifier(have->name), table->name,
						 quote_identifier(have->name), table->name,
						 quote_identifier(psprintf("%s_old", have->name)))));
	if (have->permissive != want->permissive || have->commands != want->commands)
		return REPLACE;
	if ((have->qual == NULL) != (want->qual == NULL) ||
		(have->check == NULL) != (want->check == NULL))
		return REPLACE;
	if (same_roles(want->roles, have->roles) &&
		cmig_rls_table_same(table->relid, want->qual, have->qual) &&
		cmig_rls_table_same(table->relid, want->check, have->check))
		return KEEP;
	return ALTER;
}

/* Plan the change from the existing policies to the wanted ones. */
static void
plan_policies(const CmigRlsTable *table, const List *wanted, const CmigRlsState *state,
			  bool fresh, List **statements)
{
	List	   *alters = NIL;
	List	   *narrow = NIL;
	List	   *narrow_drops = NIL;
	List	   *widen = NIL;
	List	   *drops = NIL;
	List	   *comments = NIL;
	const List *present = fresh ? NIL : table->policies;
	ListCell   *lc;

	foreach(lc, wanted)
	{
		CmigRlsPolicy *want = lfirst(lc);
		CmigRlsPolicy *have = find_policy(present, want->name);
		Change		change = compare_policy(table, want, have);
		char	   *comment = cmig_rls_policy_comment(table, want, state);

		if (change == ALTER)
			add(&alters, cmig_rls_policy_alter(table, want));
		else if (change == REPLACE)
		{
			add(want->permissive ? &widen : &narrow, cmig_rls_policy_drop(table, have));
			add(want->permissive ? &widen : &narrow, cmig_rls_policy_create(table, want));
		}
		else if (change == CREATE)
			add(want->permissive ? &widen : &narrow, cmig_rls_policy_create(table, want));
		if (change != KEEP ||
			strcmp(have->about, psprintf("%s %s", want->about, cmig_rls_state_write(state))) != 0)
			add(&comments, comment);
	}
	foreach(lc, present)
	{
		CmigRlsPolicy *have = lfirst(lc);

		if (have->made && find_policy(wanted, have->name) == NULL)
			add(have->permissive ? &drops : &narrow_drops, cmig_rls_policy_drop(table, have));
	}

	*statements = list_concat(*statements, narrow);
	*statements = list_concat(*statements, drops);
	*statements = list_concat(*statements, alters);
	*statements = list_concat(*statements, widen);
	*statements = list_concat(*statements, narrow_drops);
	*statements = list_concat(*statements, comments);
}

/*
 * Returns the default that a column had before enable_rls changed it, or NULL
 * if the state does not contain it.
 */
static CmigRlsDefault *
find_default(const CmigRlsState *state, const char *column)
{
	ListCell   *lc;

	if (state == NULL)
		return NULL;
	foreach(lc, state->defaults)
	{
		CmigRlsDefault *was = lfirst(lc);

		if (strcmp(was->column, column) == 0)
			return was;
	}
	return NULL;
}

#define DEFAULT_PREFIX "ALTER TABLE ONLY "

bool
cmig_rls_plan_is_default(const char *statement)
{
	return strncmp(statement, DEFAULT_PREFIX, strlen(DEFAULT_PREFIX)) == 0;
}

/*
 * Check that a default is a single expression without further commands.  The
 * default may come from a comment, which the table's owner can change.
 */
static void
require_one_default(const CmigRlsTable *table, const char *column, const char *statement)
{
	List	   *parsed = cmig_raw_parse(statement, RAW_PARSE_DEFAULT);
	AlterTableStmt *alter = list_length(parsed) == 1 ?
	(AlterTableStmt *) linitial_node(RawStmt, parsed)->stmt : NULL;

	if (alter == NULL || !IsA(alter, AlterTableStmt) || list_length(alter->cmds) != 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the saved default of column \"%s\" of table %s is not an expression",
						column, table->name),
				 errdetail("The default was saved in the comments of the table's policies, and these comments have changed."),
				 errhint("Restore the comments from a backup, or drop the policies and set the default yourself.")));
}

/*
 * Returns ALTER TABLE ... SET DEFAULT, or DROP DEFAULT if "expression" is
 * NULL.
 */
static char *
set_default(const CmigRlsTable *table, const char *column, const char *expression)
{
	char	   *statement;

	if (expression == NULL)
		return psprintf(DEFAULT_PREFIX "%s ALTER COLUMN %s DROP DEFAULT",
						table->name, quote_identifier(column));
	statement = psprintf(DEFAULT_PREFIX "%s ALTER COLUMN %s SET DEFAULT %s",
						 table->name, quote_identifier(column), expression);
	require_one_default(table, column, statement);
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
 * If a key column was renamed, update its name in the state.  The key column
 * is recognized if it is the only column whose default reads the setting.
 */
static void
follow_renames(const CmigRlsTable *table)
{
	ListCell   *lc;

	foreach(lc, table->state ? table->state->defaults : NIL)
	{
		CmigRlsDefault *was = lfirst(lc);
		const char *setting = table->state->user_column &&
		strcmp(was->column, table->state->user_column) == 0 ?
		CMIG_RLS_USER_SETTING : CMIG_RLS_TENANT_SETTING;
		CmigRlsColumn *found = NULL;
		int			count = 0;
		ListCell   *c;

		if (cmig_rls_table_column(table, was->column))
			continue;
		foreach(c, table->columns)
		{
			CmigRlsColumn *column = lfirst(c);

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
static void
plan_default(const CmigRlsOptions *options, const CmigRlsTable *table, char *name,
			 const char *setting, bool fresh, CmigRlsState *state, List **statements)
{
	CmigRlsColumn *column;
	CmigRlsDefault *was;

	if (name == NULL || !options->column_default)
		return;
	column = cmig_rls_table_column(table, name);
	if (column->generated)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("column \"%s\" of table %s cannot have the context as its default",
						name, table->name),
				 errdetail("It is a generated or identity column."),
				 errhint("Leave column_default out.")));
	was = find_default(table->state, name);
	if (was == NULL)
	{
		was = palloc0(sizeof(CmigRlsDefault));
		was->column = name;
		was->expression = column->fallback;
	}
	state->defaults = lappend(state->defaults, was);
	if (fresh || !default_is_ours(column) || find_default(table->state, name) == NULL)
		add(statements, set_default(table, name, cmig_rls_policy_default(setting, column->cast)));
}

/*
 * Plan to restore the former default of each column that was changed by an
 * earlier call of enable_rls and is not in the new state.
 */
static void
plan_old_defaults(const CmigRlsTable *table, const CmigRlsState *state, List **statements)
{
	ListCell   *lc;

	if (table->state == NULL)
		return;
	foreach(lc, table->state->defaults)
	{
		CmigRlsDefault *was = lfirst(lc);

		if (find_default(state, was->column) == NULL &&
			default_is_ours(cmig_rls_table_column(table, was->column)))
			add(statements, set_default(table, was->column, was->expression));
	}
}

/* Plan an index whose first column is the key, unless there already is one. */
static void
plan_index(const CmigRlsOptions *options, const CmigRlsTable *table, const char *name,
		   bool fresh, List **kept, List **statements)
{
	CmigRlsColumn *column;
	char	   *index;

	if (name == NULL || !options->create_index || table->partition)
		return;
	column = cmig_rls_table_column(table, name);
	if (column->indexed)
		return;
	if (column->made_index && !fresh)
	{
		*kept = lappend(*kept, column->made_index);
		return;
	}
	index = column->made_index;
	if (index == NULL)
		index = ChooseRelationName(table->relname, name, "rls_idx",
								   get_rel_namespace(table->relid), false);
	add(statements, psprintf("CREATE INDEX %s ON %s (%s)", quote_identifier(index),
							 table->name, quote_identifier(name)));
	add(statements, psprintf("COMMENT ON INDEX %s IS %s",
							 quote_qualified_identifier(table->nspname, index),
							 quote_literal_cstr(psprintf("The key of row-level security. %s",
														 CMIG_RLS_INDEX_MARK))));
}

/*
 * Plan to drop indexes that enable_rls created and that are no longer wanted.
 */
static void
plan_old_indexes(const CmigRlsTable *table, const List *kept, List **statements)
{
	ListCell   *lc;

	foreach(lc, table->made_indexes)
	{
		if (!cmig_text_list_has(kept, lfirst(lc)))
			add(statements, psprintf("DROP INDEX %s",
									 quote_qualified_identifier(table->nspname, lfirst(lc))));
	}
}

/* Returns the union of both lists. */
static List *
merge_names(const List *a, const List *b)
{
	List	   *merged = list_copy(a);
	ListCell   *lc;

	foreach(lc, b)
	{
		if (!cmig_text_list_has(merged, lfirst(lc)))
			merged = lappend(merged, lfirst(lc));
	}
	return merged;
}

/*
 * Exported functions
 */

char *
cmig_rls_plan_obstacle(const CmigRlsOptions *options, const CmigRlsTable *table, int *sqlstate)
{
	const char *names[] = {options->tenant_column ? options->tenant_column : "tenant_id",
	options->user_column ? options->user_column : "user_id"};
	CmigRlsState state = {0};
	ListCell   *lc;

	if (!has_privs_of_role(GetUserId(), table->owner))
	{
		*sqlstate = ERRCODE_INSUFFICIENT_PRIVILEGE;
		return psprintf("it belongs to role %s",
						quote_identifier(GetUserNameFromId(table->owner, false)));
	}
	for (int i = 0; i < lengthof(names); i++)
	{
		CmigRlsColumn *column = cmig_rls_table_column(table, names[i]);

		if (column && column->cast == NULL)
		{
			*sqlstate = ERRCODE_DATATYPE_MISMATCH;
			return psprintf("column %s has type %s, which cannot be a key", quote_identifier(column->name), column->type);
		}
		if (column && column->generated && options->column_default)
		{
			*sqlstate = ERRCODE_INVALID_PARAMETER_VALUE;
			return psprintf("column %s is a generated or identity column and cannot have a column_default",
							quote_identifier(column->name));
		}
	}
	if (cmig_rls_table_column(table, names[0]))
		state.tenant_column = pstrdup(names[0]);
	if (cmig_rls_table_column(table, names[1]))
		state.user_column = pstrdup(names[1]);
	foreach(lc, cmig_rls_policy_plan(options, table, NULL, &state))
	{
		CmigRlsPolicy *have = find_policy(table->policies, ((CmigRlsPolicy *) lfirst(lc))->name);

		if (have && !have->made)
		{
			*sqlstate = ERRCODE_DUPLICATE_OBJECT;
			return psprintf("policy %s already exists and was not created by cmig.enable_rls",
							quote_identifier(have->name));
		}
	}
	return NULL;
}

List *
cmig_rls_plan_enable(CmigRlsOptions *options, const CmigRlsTable *table,
					 const CmigRlsTable *via, bool many, bool fresh)
{
	CmigRlsOptions mine = *options;
	CmigRlsState *state = palloc0(sizeof(CmigRlsState));
	CmigRlsTable before = *table;
	List	   *statements = NIL;
	List	   *defaults = NIL;
	List	   *indexes = NIL;
	List	   *kept = NIL;
	List	   *wanted;

	state->enabled = table->state ? table->state->enabled : table->enabled;
	state->forced = table->state ? table->state->forced : table->forced;
	state->granted = merge_names(options->granted, table->state ? table->state->granted : NIL);
	state->shared = options->shared;
	state->public_read = options->public_read;
	state->commands = options->commands;
	state->require_context = options->require_context;
	state->no_index = !options->create_index;
	cmig_rls_keys_resolve(&mine, table, via, many, state);
	follow_renames(table);
	if (fresh)
	{
		before.enabled = state->enabled;
		before.forced = state->forced;
	}

	plan_default(&mine, table, state->user_column, CMIG_RLS_USER_SETTING, fresh, state, &defaults);
	plan_default(&mine, table, state->tenant_column, CMIG_RLS_TENANT_SETTING, fresh, state, &defaults);
	if (!fresh)
		plan_old_defaults(table, state, &defaults);

	plan_index(&mine, table, state->tenant_column, fresh, &kept, &indexes);
	plan_index(&mine, table, state->user_column, fresh, &kept, &indexes);
	if (state->key_column &&
		(state->tenant_column == NULL || strcmp(state->key_column, state->tenant_column) != 0))
		plan_index(&mine, table, state->key_column, fresh, &kept, &indexes);
	if (!fresh)
		plan_old_indexes(table, kept, &indexes);

	wanted = cmig_rls_policy_plan(&mine, table, via, state);
	plan_flags(&before, true, options->force || state->forced, &statements);
	plan_policies(table, wanted, state, fresh, &statements);
	statements = list_concat(statements, defaults);
	return list_concat(statements, indexes);
}

List *
cmig_rls_plan_disable(const CmigRlsTable *table)
{
	List	   *statements = NIL;
	ListCell   *lc;

	if (table->state == NULL)
		return NIL;
	follow_renames(table);
	foreach(lc, table->policies)
	{
		CmigRlsPolicy *policy = lfirst(lc);

		/*
		 * drop permissive policies before restrictive ones, so that no step
		 * allows more than before
		 */
		if (policy->made && policy->permissive)
			add(&statements, cmig_rls_policy_drop(table, policy));
	}
	foreach(lc, table->policies)
	{
		CmigRlsPolicy *policy = lfirst(lc);

		if (policy->made && !policy->permissive)
			add(&statements, cmig_rls_policy_drop(table, policy));
	}
	plan_flags(table, table->state->enabled, table->state->forced, &statements);
	plan_old_defaults(table, NULL, &statements);
	plan_old_indexes(table, NIL, &statements);
	return statements;
}
