/*
 * rls_keys.c
 *	  Finds the table columns that tell who owns a row.
 *
 * These columns are named in the options or have the usual names.  If a column
 * cannot be a key, the error message lists the columns that can.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "rls/rls_keys.h"

#include "lib/stringinfo.h"
#include "utils/builtins.h"

/*
 * Returns true if the option names a column, that is, is neither NULL nor ''.
 */
static bool
is_given(const char *column)
{
	return column != NULL && column[0] != '\0';
}

/*
 * Returns the columns that could be a key, in a form such as "id (uuid), owner
 * (bigint)".
 */
static char *
candidates(const CmigRlsTable *table)
{
	StringInfoData text;
	int			count = 0;
	ListCell   *lc;

	initStringInfo(&text);
	foreach(lc, table->columns)
	{
		CmigRlsColumn *column = lfirst(lc);

		if (column->cast == NULL)
			continue;
		if (count++ == 10)
		{
			appendStringInfoString(&text, ", ...");
			break;
		}
		appendStringInfo(&text, "%s%s (%s)", count > 1 ? ", " : "",
						 quote_identifier(column->name), column->type);
	}
	return count ? text.data : NULL;
}

/*
 * Returns the column of the given name.  Raises an error if the column does
 * not exist or has a type that cannot be used for a key.
 */
static CmigRlsColumn *
require_column(const CmigRlsTable *table, const char *name, const char *argument)
{
	CmigRlsColumn *column = cmig_rls_table_column(table, name);
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
						 strcmp(argument, "user_column") == 0 || strcmp(argument, "tenant_column") == 0 ?
						 psprintf(". Use %s => '' to leave out this key", argument) : "")));
	return column;
}

bool
cmig_rls_keys_exist(const CmigRlsOptions *options, const CmigRlsTable *table)
{
	const char *user = options->user_column ? options->user_column : "user_id";
	const char *tenant = options->tenant_column ? options->tenant_column : "tenant_id";

	return cmig_rls_table_column(table, user) != NULL ||
		cmig_rls_table_column(table, tenant) != NULL;
}

/*
 * Returns the name of the column given in the option ("wanted") or, if the
 * option is not given, of the column with the usual name.  Returns NULL if
 * there is no such column.
 */
static char *
find_column(const CmigRlsTable *table, char *wanted, const char *usual,
			const char *argument, bool optional)
{
	if (wanted == NULL || (optional && is_given(wanted)))
	{
		const char *name = wanted ? wanted : usual;

		if (cmig_rls_table_column(table, name) == NULL)
			return NULL;
		return require_column(table, name, argument)->name;
	}
	if (!is_given(wanted))
		return NULL;
	return require_column(table, wanted, argument)->name;
}

/*
 * Returns true if there is an operator that compares the two columns' types.
 */
static bool
comparable(const CmigRlsColumn *a, const CmigRlsColumn *b)
{
	bool		a_number = strstr(a->cast, "int") != NULL;
	bool		b_number = strstr(b->cast, "int") != NULL;

	return (a_number && b_number) || strcmp(a->cast, b->cast) == 0;
}

/* Set and check the columns that join the table with the membership table. */
static void
resolve_via(CmigRlsOptions *options, const CmigRlsTable *table,
			const CmigRlsTable *via, CmigRlsState *state)
{
	CmigRlsColumn *key;
	CmigRlsColumn *via_key;

	if (via->relid == table->relid)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("table %s cannot be its own membership table", table->name),
				 errdetail("The policy would query its own table, which would cause infinite recursion."),
				 errhint("To protect a membership table, specify its user column: user_column => %s",
						 quote_literal_cstr(is_given(options->via_user) ? options->via_user : "user_id"))));
	if (is_given(options->user_column))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("user_column and via cannot be used together"),
				 errdetail("With via, the user's rows are found through %s.", via->name),
				 errhint("Specify the user column of that table with via_user.")));
	if (!is_given(options->via_user))
		options->via_user = "user_id";
	if (!is_given(options->key_column))
		options->key_column = is_given(options->via_key) &&
			cmig_rls_table_column(table, options->via_key) ? options->via_key : "tenant_id";
	if (!is_given(options->via_key))
		options->via_key = options->key_column;
	(void) require_column(via, options->via_user, "via_user");
	via_key = require_column(via, options->via_key, "via_key");
	key = require_column(table, options->key_column, "key_column");
	if (!comparable(key, via_key))
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("column \"%s\" of table %s cannot be compared with column \"%s\" of table %s",
						key->name, table->name, via_key->name, via->name),
				 errdetail("Their types are %s and %s.", key->type, via_key->type),
				 errhint("Specify the correct columns with key_column and via_key.")));
	state->key_column = key->name;
	state->via = via->name;
	state->via_key = options->via_key;
	state->via_user = options->via_user;

	/*
	 * with a membership table, use a tenant column only if the caller named
	 * it
	 */
	if (is_given(options->tenant_column))
		state->tenant_column = require_column(table, options->tenant_column, "tenant_column")->name;
}

void
cmig_rls_keys_resolve(CmigRlsOptions *options, const CmigRlsTable *table,
					  const CmigRlsTable *via, bool many, CmigRlsState *state)
{
	if (via)
	{
		resolve_via(options, table, via, state);
		return;
	}
	if (is_given(options->key_column) || is_given(options->via_key) || is_given(options->via_user))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("key_column, via_key, and via_user require via"),
				 errhint("Name the membership table: via => 'memberships'")));

	state->user_column = find_column(table, options->user_column, "user_id", "user_column", many);
	state->tenant_column = find_column(table, options->tenant_column, "tenant_id", "tenant_column", many);
	if (state->user_column == NULL && state->tenant_column == NULL)
	{
		char	   *could = candidates(table);

		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("table %s has no column user_id or tenant_id", table->name),
				 could ? errdetail("Columns that could be a key: %s.", could)
				 : errdetail("None of its columns has a type that can be used as a key."),
				 errhint("Specify the key with user_column => '<column>' or tenant_column => '<column>'. For a table of users, use user_column => 'id'")));
	}
	if (state->user_column && state->tenant_column &&
		strcmp(state->user_column, state->tenant_column) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("user_column and tenant_column are the same column"),
				 errhint("Leave one of them out, or use tenant_column => '' for a table without tenants.")));
}
