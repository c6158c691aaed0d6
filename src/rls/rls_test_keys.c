/*
 * rls_test_keys.c
 *	  Finds out which rows belong to the context that cmig.rls_test uses.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/query.h"
#include "rls/rls_test_keys.h"

#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "nodes/makefuncs.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/varlena.h"

/* The arguments of cmig_rls_test_keys_find(), and its result so far. */
typedef struct Search
{
	const CmigRlsTable *table;
	const CmigRlsAs *as;
	CmigRlsOwn *own;
} Search;

/*
 * Returns the name of a key's base type.  The name is valid with any
 * search_path.
 */
static char *
qualified_type(Oid type)
{
	switch (type)
	{
		case UUIDOID:
			return "pg_catalog.uuid";
		case INT8OID:
			return "pg_catalog.int8";
		case INT4OID:
			return "pg_catalog.int4";
		case INT2OID:
			return "pg_catalog.int2";
		default:
			return "pg_catalog.text";
	}
}

/* Add a key: a column that tells who owns a row. */
static CmigRlsKey *
add_key(Search *search, char *what, const char *name, char *value)
{
	CmigRlsColumn *column = cmig_rls_table_column(search->table, name);
	CmigRlsKey *key = palloc0(sizeof(CmigRlsKey));

	if (column == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("table %s has no column \"%s\"", search->table->name, name),
				 errhint("Specify the table's key column in the argument user_column or tenant_column.")));
	if (column->cast == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("column \"%s\" of table %s cannot be used as a key for row-level security",
						name, search->table->name),
				 errdetail("Its type is %s.", column->type),
				 errhint("Specify another key column in the argument user_column or tenant_column.")));
	key->what = what;
	key->name = column->name;
	key->generated = column->generated;
	key->base_type = getBaseType(get_atttype(search->table->relid,
											 get_attnum(search->table->relid, name)));
	key->type = qualified_type(key->base_type);
	key->value = value;
	key->mine = "false";
	search->own->keys = lappend(search->own->keys, key);
	if (value)
	{
		Oid			types[1] = {TEXTOID};
		Datum		values[1] = {CStringGetTextDatum(value)};

		/* raise an error if the value is not valid for the key's type */
		(void) cmig_query_once(psprintf("SELECT 1 WHERE $1::%s IS NULL", column->cast),
							   1, types, values, NULL, true, NULL, NULL);
		key->members = list_make1(cmig_rls_rows_datum(key, value));
		key->mine = psprintf("t.%s OPERATOR(pg_catalog.=) %s::%s", quote_identifier(name),
							 quote_literal_cstr(value), key->type);
	}
	return key;
}

/*
 * Callback that adds a value from the membership table to the key's members.
 */
static void
take_member(TupleDesc desc, HeapTuple row, void *arg)
{
	CmigRlsKey *key = arg;
	char	   *text = cmig_query_text(desc, row, 1);
	Datum	   *member = text ? cmig_rls_rows_datum(key, text) : NULL;

	if (member)
		key->members = lappend(key->members, member);
}

/*
 * Add the key that is looked up in the membership table.  The name of that
 * table comes from a comment that the owner of the table under test may have
 * written, so the membership table is read as the tested role.
 */
static void
add_membership(Search *search)
{
	CmigRlsState *state = search->table->state;
	CmigRlsKey *key = add_key(search, "key", state->key_column, NULL);
	RangeVar   *name = makeRangeVarFromNameList(textToQualifiedNameList(cstring_to_text(state->via)));
	Oid			via = RangeVarGetRelid(name, NoLock, true);
	CmigRlsAttempt attempt = {.row = take_member,.arg = key};
	char	   *members;

	if (!OidIsValid(via))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("membership table %s of table %s does not exist",
						state->via, search->table->name),
				 errhint("Call cmig.enable_rls again, and specify the current membership table as via.")));
	if (search->as->user == NULL)
		return;
	members = psprintf("FROM %s m WHERE m.%s::pg_catalog.text OPERATOR(pg_catalog.=) %s",
					   quote_qualified_identifier(get_namespace_name(get_rel_namespace(via)),
												  get_rel_name(via)),
					   quote_identifier(state->via_user), quote_literal_cstr(search->as->user));
	key->mine = psprintf("t.%s OPERATOR(pg_catalog.=) ANY (ARRAY(SELECT m.%s %s))",
						 quote_identifier(key->name), quote_identifier(state->via_key), members);
	attempt.sql = psprintf("SELECT DISTINCT m.%s::pg_catalog.text %s",
						   quote_identifier(state->via_key), members);
	(void) cmig_rls_try(search->as, &attempt);
}

/*
 * Find the keys: the columns given as arguments.  For a NULL argument, use the
 * column in the state of enable_rls or, if there is no state, the column with
 * the usual name.
 */
static void
find_keys(Search *search, const char *user_column, const char *tenant_column)
{
	const CmigRlsState *state = search->table->state;

	if (tenant_column == NULL)
		tenant_column = state ? state->tenant_column :
			cmig_rls_table_column(search->table, "tenant_id") ? "tenant_id" : NULL;
	if (user_column == NULL)
		user_column = state ? state->user_column :
			cmig_rls_table_column(search->table, "user_id") ? "user_id" : NULL;

	if (tenant_column && tenant_column[0])
		(void) add_key(search, "tenant", tenant_column, search->as->tenant);
	if (user_column && user_column[0])
		(void) add_key(search, "user", user_column, search->as->user);
	if (state && state->via &&
		(tenant_column == NULL || strcmp(tenant_column, state->key_column) != 0))
		add_membership(search);
	if (search->own->keys == NIL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("could not determine the key column of table %s", search->table->name),
				 errhint("Specify the table's key column in the argument user_column or tenant_column.")));
}

/* Returns the SQL condition that every key matches the context. */
static char *
own_condition(const List *keys)
{
	StringInfoData condition;
	ListCell   *lc;

	initStringInfo(&condition);
	foreach(lc, keys)
	{
		CmigRlsKey *key = lfirst(lc);

		appendStringInfo(&condition, "%s%s", condition.len ? " AND " : "", key->mine);
	}
	return condition.data;
}

/* Returns the SQL condition that each key is null or matches the context. */
static char *
shared_condition(const List *keys)
{
	StringInfoData condition;
	ListCell   *lc;

	initStringInfo(&condition);
	foreach(lc, keys)
	{
		CmigRlsKey *key = lfirst(lc);

		appendStringInfo(&condition, "%s(t.%s IS NULL OR %s)", condition.len ? " AND " : "",
						 quote_identifier(key->name), key->mine);
	}
	return condition.data;
}

/* Returns true if it is possible for a row to match the context. */
static bool
can_match(const List *keys)
{
	ListCell   *lc;

	foreach(lc, keys)
	{
		if (strcmp(((CmigRlsKey *) lfirst(lc))->mine, "false") == 0)
			return false;
	}
	return true;
}

CmigRlsOwn *
cmig_rls_test_keys_find(const CmigRlsTable *table, const CmigRlsAs *as,
						const char *user_column, const char *tenant_column)
{
	CmigRlsOwn *own = palloc0(sizeof(CmigRlsOwn));
	Search		search = {table, as, own};

	find_keys(&search, user_column, tenant_column);
	own->condition = own_condition(own->keys);
	own->shared = table->state && table->state->shared ? shared_condition(own->keys) : "false";
	own->possible = can_match(own->keys);
	return own;
}
