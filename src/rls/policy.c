/*
 * policy.c
 *	  The policies that a table should have, and the state in their comments.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/compat.h"
#include "rls/internal.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "lib/stringinfo.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/formatting.h"

/*
 * The state is a string such as "[cmig.enable_rls rls=off force=off ...]" at
 * the end of a comment.  It consists of words of the form name=value, in which
 * %XX stands for a character that would end a word.  Unknown words are
 * ignored, so that a later version can add words.
 */

#define STATE_MARK "[cmig.enable_rls"

static const struct
{
	int			bit;
	const char *name;
}			commands[] = {
	{CMIG_RLS_SELECT, "SELECT"},
	{CMIG_RLS_INSERT, "INSERT"},
	{CMIG_RLS_UPDATE, "UPDATE"},
	{CMIG_RLS_DELETE, "DELETE"}
};

/* Returns the names of the commands in a mask, such as "SELECT+INSERT". */
static char *
state_commands(int mask, const char *separator)
{
	StringInfoData text;

	initStringInfo(&text);
	for (int i = 0; i < lengthof(commands); i++)
		if (mask & commands[i].bit)
			appendStringInfo(&text, "%s%s", text.len ? separator : "", commands[i].name);
	return text.data;
}

/*
 * Append the word "name=value", with special characters in the value escaped.
 */
static void
append_word(StringInfo text, const char *name, const char *value)
{
	appendStringInfo(text, " %s=", name);
	for (const char *p = value; *p; p++)
	{
		unsigned char c = (unsigned char) *p;

		if (c <= ' ' || c == '%' || c == '=' || c == ']' || c == ',' || c == 0x7f)
			appendStringInfo(text, "%%%02X", c);
		else
			appendStringInfoChar(text, *p);
	}
}

char *
cmig_rls_state_write(const CmigRlsState *state)
{
	StringInfoData text;
	ListCell   *lc;

	initStringInfo(&text);
	appendStringInfoString(&text, STATE_MARK);
	append_word(&text, "rls", state->enabled ? "on" : "off");
	append_word(&text, "force", state->forced ? "on" : "off");
	if (state->tenant_column)
		append_word(&text, "tenant_column", state->tenant_column);
	if (state->user_column)
		append_word(&text, "user_column", state->user_column);
	if (state->via)
	{
		append_word(&text, "key_column", state->key_column);
		append_word(&text, "via", state->via);
		append_word(&text, "via_key", state->via_key);
		append_word(&text, "via_user", state->via_user);
	}
	if (state->shared)
		append_word(&text, "shared", "on");
	if (state->public_read)
		append_word(&text, "public_read", "on");
	if (state->commands != 0 && state->commands != CMIG_RLS_ALL)
		append_word(&text, "commands", state_commands(state->commands, "+"));
	if (state->require_context)
		append_word(&text, "require_context", "on");
	if (state->no_index)
		append_word(&text, "index", "off");
	foreach(lc, state->defaults)
	{
		CmigRlsDefault *was = lfirst(lc);

		append_word(&text, "default_of", was->column);
		if (was->expression)
			append_word(&text, "was", was->expression);
	}
	foreach(lc, state->granted)
	{
		append_word(&text, "granted", lfirst(lc));
	}
	appendStringInfoChar(&text, ']');
	return text.data;
}

/* Returns the value of a hexadecimal digit, or -1 for any other character. */
static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/*
 * Returns the unescaped value that starts at *p and ends at a space or at the
 * closing bracket.
 */
static char *
read_word(const char **p)
{
	StringInfoData value;

	initStringInfo(&value);
	for (; **p && **p != ' ' && **p != ']'; (*p)++)
	{
		if (**p == '%' && hex_digit((*p)[1]) >= 0 && hex_digit((*p)[2]) >= 0)
		{
			appendStringInfoChar(&value, (char) (hex_digit((*p)[1]) * 16 + hex_digit((*p)[2])));
			*p += 2;
		}
		else
			appendStringInfoChar(&value, **p);
	}
	return value.data;
}

static int
read_commands(const char *value)
{
	int			mask = 0;

	for (int i = 0; i < lengthof(commands); i++)
		if (strstr(value, commands[i].name))
			mask |= commands[i].bit;
	return mask;
}

/*
 * Returns the address of the state's string member in which a word with this
 * name is stored, or NULL if there is none.
 */
static char **
text_member(CmigRlsState *state, const char *name)
{
	if (strcmp(name, "tenant_column") == 0)
		return &state->tenant_column;
	if (strcmp(name, "user_column") == 0)
		return &state->user_column;
	if (strcmp(name, "key_column") == 0)
		return &state->key_column;
	if (strcmp(name, "via") == 0)
		return &state->via;
	if (strcmp(name, "via_key") == 0)
		return &state->via_key;
	if (strcmp(name, "via_user") == 0)
		return &state->via_user;
	return NULL;
}

/* Store the value of a word.  Unknown names are ignored. */
static void
read_member(CmigRlsState *state, const char *name, char *value)
{
	char	  **member = text_member(state, name);

	if (member)
		*member = value;
	else if (strcmp(name, "rls") == 0)
		state->enabled = strcmp(value, "on") == 0;
	else if (strcmp(name, "force") == 0)
		state->forced = strcmp(value, "on") == 0;
	else if (strcmp(name, "shared") == 0)
		state->shared = true;
	else if (strcmp(name, "public_read") == 0)
		state->public_read = true;
	else if (strcmp(name, "commands") == 0)
		state->commands |= read_commands(value);
	else if (strcmp(name, "require_context") == 0)
		state->require_context = true;
	else if (strcmp(name, "index") == 0)
		state->no_index = strcmp(value, "off") == 0;
	else if (strcmp(name, "default_of") == 0)
	{
		CmigRlsDefault *was = palloc0(sizeof(CmigRlsDefault));

		was->column = value;
		state->defaults = lappend(state->defaults, was);
	}
	else if (strcmp(name, "was") == 0 && state->defaults != NIL)
		((CmigRlsDefault *) llast(state->defaults))->expression = value;
	else if (strcmp(name, "granted") == 0)
		state->granted = lappend(state->granted, value);
}

CmigRlsState *
cmig_rls_state_read(const char *comment)
{
	CmigRlsState *state;
	const char *p = comment ? strstr(comment, STATE_MARK) : NULL;

	if (p == NULL || p[strlen(STATE_MARK)] != ' ')
		return NULL;

	state = palloc0(sizeof(CmigRlsState));
	p += strlen(STATE_MARK);
	while (*p == ' ')
	{
		const char *equal = strchr(++p, '=');
		char	   *name;

		if (equal == NULL)
			break;
		name = pnstrdup(p, equal - p);
		p = equal + 1;
		read_member(state, name, read_word(&p));
	}
	return state;
}

/*
 * Nothing here reads the database.  The rules:
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
 */

/*
 * Expressions
 */

/*
 * Returns an SQL expression that reads a setting and casts it to a type.  The
 * expression is a sub-select, so that it is evaluated once per statement,
 * unless the table's policies must not contain sub-selects.  If "required" is
 * true, the expression raises an error if the setting is missing or empty.
 */
static char *
policy_context(const CmigRlsTable *table, const char *setting, const char *cast,
			   bool required)
{
	bool		plain = strcmp(cast, "text") == 0;
	char	   *value = required ?
	psprintf("cmig.require_%s()%s%s",
			 strcmp(setting, CMIG_RLS_USER_SETTING) == 0 ? "user_id" : "tenant_id",
			 plain ? "" : "::", plain ? "" : cast) :
	cmig_rls_policy_default(setting, cast);

	return table->by_citus ? value : psprintf("(SELECT %s)", value);
}

char *
cmig_rls_policy_default(const char *setting, const char *cast)
{
	bool		plain = strcmp(cast, "text") == 0;

	return psprintf("NULLIF(current_setting(%s, true), '')%s%s",
					quote_literal_cstr(setting), plain ? "" : "::", plain ? "" : cast);
}

/* Returns the expression "column = context". */
static char *
equals(const CmigRlsTable *table, const CmigRlsColumn *column, const char *setting,
	   bool required)
{
	return psprintf("%s = %s", quote_identifier(column->name),
					policy_context(table, setting, column->cast, required));
}

/*
 * Returns the expression "column = ANY (the keys from the membership table)".
 */
static char *
is_member(const CmigRlsOptions *options, const CmigRlsTable *via,
		  const CmigRlsColumn *key)
{
	const CmigRlsColumn *user = cmig_rls_table_column(via, options->via_user);

	return psprintf("%s = ANY (ARRAY(SELECT m.%s FROM %s m WHERE m.%s = %s))",
					quote_identifier(key->name), quote_identifier(options->via_key),
					via->name, quote_identifier(user->name),
					policy_context(via, CMIG_RLS_USER_SETTING, user->cast,
								   options->require_context));
}

/*
 * Policies
 */

/* Add a policy to the list of wanted policies. */
static void
add_policy(List **policies, const char *name, bool permissive, int command,
		   List *roles, const char *expression, const char *about)
{
	CmigRlsPolicy *policy = palloc0(sizeof(CmigRlsPolicy));

	policy->name = pstrdup(name);
	policy->permissive = permissive;
	policy->commands = command;
	policy->roles = roles;
	if (command != CMIG_RLS_INSERT)
		policy->qual = pstrdup(expression);
	if (command & (CMIG_RLS_INSERT | CMIG_RLS_UPDATE))
		policy->check = pstrdup(expression);
	policy->about = pstrdup(about);
	policy->made = true;
	*policies = lappend(*policies, policy);
}

/*
 * Add one policy for all commands, or one policy for each command in the mask.
 */
static void
add_policies(List **policies, const char *name, bool permissive, int mask,
			 List *roles, const char *expression, const char *about)
{
	if (mask == CMIG_RLS_ALL)
	{
		add_policy(policies, name, permissive, CMIG_RLS_ALL, roles, expression, about);
		return;
	}
	for (int bit = CMIG_RLS_SELECT; bit <= CMIG_RLS_DELETE; bit <<= 1)
	{
		char	   *command = state_commands(bit, "");

		if (mask & bit)
			add_policy(policies, psprintf("%s_%s", name, asc_tolower(command, strlen(command))),
					   permissive, bit, roles, expression, about);
	}
}

/*
 * Add the restrictive policies that limit all other policies to the tenant's
 * rows, except for reading rows that are public or shared.
 */
static void
add_floor(List **policies, const CmigRlsOptions *options, const CmigRlsTable *table,
		  CmigRlsColumn *tenant)
{
	char	   *floor = equals(table, tenant, CMIG_RLS_TENANT_SETTING, options->require_context);
	int			mask = CMIG_RLS_ALL;

	if (options->public_read || options->shared)
		mask &= ~CMIG_RLS_SELECT;
	if (options->shared && !options->public_read)
		add_policy(policies, "tenant_floor_select", false, CMIG_RLS_SELECT, options->roles,
				   psprintf("%s OR %s IS NULL", floor, quote_identifier(tenant->name)),
				   psprintf("Tenant floor: only rows whose %s is %s or null (shared), whatever other policies allow.",
							tenant->name, CMIG_RLS_TENANT_SETTING));
	add_policies(policies, "tenant_floor", false, mask, options->roles, floor,
				 psprintf("Tenant floor: only rows whose %s is %s, whatever other policies allow.",
						  tenant->name, CMIG_RLS_TENANT_SETTING));
}

/*
 * Add the policies that let a user or tenant access the rows in which a column
 * has the value of a setting.
 */
static void
add_own_access(List **policies, const CmigRlsOptions *options, const CmigRlsTable *table, const char *name,
			   CmigRlsColumn *column, const char *setting)
{
	add_policies(policies, name, true, options->commands, options->roles,
				 equals(table, column, setting, options->require_context),
				 psprintf("Rows whose %s is %s.", column->name, setting));
}

static void
add_member_access(List **policies, const CmigRlsOptions *options, const CmigRlsTable *via,
				  CmigRlsColumn *key)
{
	add_policies(policies, "member_access", true, options->commands, options->roles,
				 is_member(options, via, key),
				 psprintf("Rows whose %s is one that %s gives to %s.", key->name, via->name, CMIG_RLS_USER_SETTING));
}

/*
 * Add the policies of a table that Citus manages.  On the shards, Citus makes
 * all policies permissive, even those that are restrictive on the coordinator.
 * Therefore, no policy can limit other policies here, and each policy contains
 * all conditions.
 */
static void
add_for_shards(List **policies, const CmigRlsOptions *options, const CmigRlsTable *table,
			   CmigRlsColumn *tenant, CmigRlsColumn *user)
{
	char	   *of_tenant = tenant ? equals(table, tenant, CMIG_RLS_TENANT_SETTING, options->require_context) : NULL;
	char	   *of_user;

	if (user == NULL)
	{
		add_own_access(policies, options, table, "tenant_access", tenant, CMIG_RLS_TENANT_SETTING);
		return;
	}
	if (tenant == NULL)
	{
		add_own_access(policies, options, table, "user_access", user, CMIG_RLS_USER_SETTING);
		return;
	}
	of_user = equals(table, user, CMIG_RLS_USER_SETTING, options->require_context);
	add_policies(policies, "user_access", true, options->commands, options->roles,
				 psprintf("%s AND %s", of_tenant, of_user),
				 psprintf("Rows whose %s is %s and whose %s is %s.",
						  tenant->name, CMIG_RLS_TENANT_SETTING, user->name, CMIG_RLS_USER_SETTING));
	if (!options->shared || options->public_read)
		return;
	of_tenant = psprintf("(%s OR %s IS NULL)", of_tenant, quote_identifier(tenant->name));
	of_user = options->commands & CMIG_RLS_SELECT ?
		psprintf("(%s OR %s IS NULL)", of_user, quote_identifier(user->name)) :
		psprintf("%s IS NULL", quote_identifier(user->name));
	add_policy(policies, "shared_read", true, CMIG_RLS_SELECT, options->roles,
			   psprintf("%s AND %s", of_tenant, of_user),
			   psprintf("Rows whose %s is %s or null, and whose %s is %s or null (shared).",
						tenant->name, CMIG_RLS_TENANT_SETTING, user->name, CMIG_RLS_USER_SETTING));
}

List *
cmig_rls_policy_plan(const CmigRlsOptions *options, const CmigRlsTable *table,
					 const CmigRlsTable *via, CmigRlsState *state)
{
	List	   *policies = NIL;
	CmigRlsColumn *tenant = NULL;
	CmigRlsColumn *user = NULL;
	CmigRlsColumn *key = NULL;
	CmigRlsColumn *access_column;

	if (state->tenant_column)
		tenant = cmig_rls_table_column(table, state->tenant_column);
	if (state->user_column)
		user = cmig_rls_table_column(table, state->user_column);
	if (state->key_column)
		key = cmig_rls_table_column(table, state->key_column);
	access_column = key ? key : user ? user : tenant;

	if (tenant && !table->by_citus)
		add_floor(&policies, options, table, tenant);
	if (table->by_citus)
		add_for_shards(&policies, options, table, tenant, user);
	else if (key)
		add_member_access(&policies, options, via, key);
	else if (user)
		add_own_access(&policies, options, table, "user_access", user, CMIG_RLS_USER_SETTING);
	else
		add_own_access(&policies, options, table, "tenant_access", tenant, CMIG_RLS_TENANT_SETTING);

	if (options->public_read)
		add_policy(&policies, "public_read", true, CMIG_RLS_SELECT, options->roles,
				   "true", "Every row may be read.");
	else if (options->shared && !(table->by_citus && tenant && user))
		add_policy(&policies, "shared_read", true, CMIG_RLS_SELECT, options->roles,
				   psprintf("%s IS NULL", quote_identifier(access_column->name)),
				   psprintf("Rows without a %s are shared: everybody reads them.",
							access_column->name));

	if (options->bypass_roles != NIL)
		add_policy(&policies, "bypass", true, CMIG_RLS_ALL, options->bypass_roles,
				   "true", "These roles see and write every row.");
	return policies;
}

/*
 * Statements
 */

/* Append "TO role, ...". */
static void
append_roles(StringInfo text, const List *roles)
{
	ListCell   *lc;

	foreach(lc, roles)
	{
		CmigRlsRole *role = lfirst(lc);

		appendStringInfo(text, "%s%s", lc == list_head(roles) ? " TO " : ", ",
						 OidIsValid(role->oid) ? quote_identifier(role->name) : "PUBLIC");
	}
}

/* Append "USING (...) WITH CHECK (...)". */
static void
append_expressions(StringInfo text, const CmigRlsPolicy *policy)
{
	if (policy->qual)
		appendStringInfo(text, "\n    USING (%s)", policy->qual);
	if (policy->check)
		appendStringInfo(text, "\n    WITH CHECK (%s)", policy->check);
}

char *
cmig_rls_policy_create(const CmigRlsTable *table, const CmigRlsPolicy *policy)
{
	StringInfoData text;

	initStringInfo(&text);
	appendStringInfo(&text, "CREATE POLICY %s ON %s", quote_identifier(policy->name), table->name);
	if (!policy->permissive)
		appendStringInfoString(&text, " AS RESTRICTIVE");
	if (policy->commands != CMIG_RLS_ALL)
		appendStringInfo(&text, " FOR %s", state_commands(policy->commands, ","));
	append_roles(&text, policy->roles);
	append_expressions(&text, policy);
	return text.data;
}

char *
cmig_rls_policy_alter(const CmigRlsTable *table, const CmigRlsPolicy *policy)
{
	StringInfoData text;

	initStringInfo(&text);
	appendStringInfo(&text, "ALTER POLICY %s ON %s", quote_identifier(policy->name), table->name);
	append_roles(&text, policy->roles);
	append_expressions(&text, policy);
	return text.data;
}

char *
cmig_rls_policy_comment(const CmigRlsTable *table, const CmigRlsPolicy *policy,
						const CmigRlsState *state)
{
	return psprintf("COMMENT ON POLICY %s ON %s IS %s", quote_identifier(policy->name),
					table->name,
					quote_literal_cstr(psprintf("%s %s", policy->about,
												cmig_rls_state_write(state))));
}

char *
cmig_rls_policy_drop(const CmigRlsTable *table, const CmigRlsPolicy *policy)
{
	return psprintf("DROP POLICY %s ON %s", quote_identifier(policy->name), table->name);
}

/*
 * Returns the roles of the policies that enable_rls created, as an array
 * literal.  If "bypass" is true, only the bypass policy is considered;
 * otherwise, only the other policies are.
 */
static char *
role_names(const CmigRlsTable *table, bool bypass)
{
	List	   *seen = NIL;
	Datum	   *names;
	int			count = 0;
	ListCell   *lc;

	foreach(lc, table->policies)
	{
		CmigRlsPolicy *policy = lfirst(lc);

		if (policy->made && (strcmp(policy->name, "bypass") == 0) == bypass)
			seen = list_concat(seen, policy->roles);
	}
	names = palloc(sizeof(Datum) * (list_length(seen) + 1));
	foreach(lc, seen)
	{
		CmigRlsRole *role = lfirst(lc);
		bool		twice = false;

		for (int i = 0; i < foreach_current_index(lc); i++)
			twice |= ((CmigRlsRole *) list_nth(seen, i))->oid == role->oid;
		if (!twice)
			names[count++] = CStringGetTextDatum(role->name);
	}
	if (count == 0)
		return NULL;
	return OidOutputFunctionCall(F_ARRAY_OUT,
								 PointerGetDatum(construct_array(names, count, TEXTOID, -1, false, TYPALIGN_INT)));
}

/* Append ", name => value", unless the value is NULL. */
static void
append_argument(StringInfo text, const char *name, const char *value)
{
	if (value)
		appendStringInfo(text, ", %s => %s", name, quote_literal_cstr(value));
}

char *
cmig_rls_policy_call(const CmigRlsTable *table)
{
	const CmigRlsState *state = table->state;
	const char *none = state->via ? NULL : "";
	char	   *roles = role_names(table, false);
	StringInfoData text;

	initStringInfo(&text);
	appendStringInfo(&text, "SELECT cmig.enable_rls(%s", quote_literal_cstr(table->name));

	/*
	 * If a column was left out, pass '' for it; otherwise, enable_rls would
	 * find the column by its usual name.
	 */
	append_argument(&text, "tenant_column", state->tenant_column ? state->tenant_column :
					cmig_rls_table_column(table, "tenant_id") ? none : NULL);
	append_argument(&text, "user_column", state->user_column ? state->user_column :
					cmig_rls_table_column(table, "user_id") ? none : NULL);
	if (state->via)
	{
		append_argument(&text, "via", state->via);
		append_argument(&text, "via_key", state->via_key);
		append_argument(&text, "via_user", state->via_user);
		append_argument(&text, "key_column", state->key_column);
	}
	if (state->shared)
		appendStringInfoString(&text, ", shared => true");
	if (state->public_read)
		appendStringInfoString(&text, ", public_read => true");
	if (state->commands != 0 && state->commands != CMIG_RLS_ALL)
		appendStringInfo(&text, ", commands => '{%s}'", state_commands(state->commands, ","));
	if (!table->forced)
		appendStringInfoString(&text, ", force => false");
	if (state->defaults != NIL)
		appendStringInfoString(&text, ", column_default => true");
	if (state->no_index)
		appendStringInfoString(&text, ", create_index => false");
	if (state->require_context)
		appendStringInfoString(&text, ", require_context => true");
	append_argument(&text, "roles", roles ? roles : "{<role>}");
	append_argument(&text, "bypass_roles", role_names(table, true));
	appendStringInfoChar(&text, ')');
	return text.data;
}
