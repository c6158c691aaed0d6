/*
 * test.c
 *	  cmig.rls_test: what a role can do with the rows of others.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/base.h"
#include "base/compat.h"
#include "rls/internal.h"

#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/varlena.h"

/*
 * rls_test_keys
 */

/* The arguments of test_keys_find(), and its result so far. */
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
	CmigRlsColumn *column = cmig_rls_column(search->table, name);
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
	CmigRlsSetup *setup = search->table->setup;
	CmigRlsKey *key = add_key(search, "key", setup->key_column, NULL);
	RangeVar   *name = makeRangeVarFromNameList(textToQualifiedNameList(cstring_to_text(setup->via)));
	Oid			via = RangeVarGetRelid(name, NoLock, true);
	CmigRlsAttempt attempt = {.row = take_member,.arg = key};
	char	   *members;

	if (!OidIsValid(via))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("membership table %s of table %s does not exist",
						setup->via, search->table->name),
				 errhint("Call cmig.enable_rls again, and specify the current membership table as via.")));
	if (search->as->user == NULL)
		return;
	members = psprintf("FROM %s m WHERE m.%s::pg_catalog.text OPERATOR(pg_catalog.=) %s",
					   cmig_query_relation_name(via),
					   quote_identifier(setup->via_user), quote_literal_cstr(search->as->user));
	key->mine = psprintf("t.%s OPERATOR(pg_catalog.=) ANY (ARRAY(SELECT m.%s %s))",
						 quote_identifier(key->name), quote_identifier(setup->via_key), members);
	attempt.sql = psprintf("SELECT DISTINCT m.%s::pg_catalog.text %s",
						   quote_identifier(setup->via_key), members);
	(void) cmig_rls_try(search->as, &attempt);
}

/*
 * Find the keys: the columns given as arguments.  For a NULL argument, use the
 * column in the setup of enable_rls or, if there is no setup, the column with
 * the usual name.
 */
static void
find_keys(Search *search, const char *user_column, const char *tenant_column)
{
	const		CmigRlsSetup *setup = search->table->setup;

	if (tenant_column == NULL)
		tenant_column = setup ? setup->tenant_column :
			cmig_rls_column(search->table, "tenant_id") ? "tenant_id" : NULL;
	if (user_column == NULL)
		user_column = setup ? setup->user_column :
			cmig_rls_column(search->table, "user_id") ? "user_id" : NULL;

	if (tenant_column && tenant_column[0])
		(void) add_key(search, "tenant", tenant_column, search->as->tenant);
	if (user_column && user_column[0])
		(void) add_key(search, "user", user_column, search->as->user);
	if (setup && setup->via &&
		(tenant_column == NULL || strcmp(tenant_column, setup->key_column) != 0))
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

/*
 * Find the table's keys and their values in the context.  The key columns are
 * given as arguments.  For a NULL argument, the column given to
 * cmig.enable_rls or the column with the usual name is used; '' means none.
 * Raises an error if there is no key.
 */
static CmigRlsOwn *
test_keys_find(const CmigRlsTable *table, const CmigRlsAs *as,
			   const char *user_column, const char *tenant_column)
{
	CmigRlsOwn *own = palloc0(sizeof(CmigRlsOwn));
	Search		search = {table, as, own};

	find_keys(&search, user_column, tenant_column);
	own->condition = own_condition(own->keys);
	own->shared = table->setup && table->setup->shared ? shared_condition(own->keys) : "false";
	own->possible = can_match(own->keys);
	return own;
}

/*
 * UPDATE and DELETE are tried first without WHERE, because WHERE requires the
 * privilege SELECT.  With WHERE, the policies for SELECT apply as well, and
 * may hide rows that the policies for UPDATE and DELETE would let through.
 *
 * The table may belong to another role, and the caller may be a superuser.
 * For this reason, attempts run as the tested role (rls_try.c), and what the
 * caller may know about the table is read without SQL (rls_rows.c).  No
 * statement on the table runs with the caller's privileges.
 */

PG_FUNCTION_INFO_V1(cmig_rls_test);
PG_FUNCTION_INFO_V1(cmig_rls_test_matrix);

/* A test of what a role can do to a table. */
typedef struct Test
{
	FunctionCallInfo fcinfo;
	CmigRlsTable *table;
	CmigRlsSetup *setup;
	CmigRlsAs	as;				/* the tested role and the context */
	CmigRlsOwn *own;			/* how to recognize the rows that belong to
								 * the context */
	int64		own_rows;
} Test;

/*
 * Reporting
 */

/* Add a row to the result.  Negative counts become null. */
static void
report(Test *test, const char *what, int64 visible, int64 own, int64 foreign_rows,
	   const char *verdict, const char *detail)
{
	ReturnSetInfo *result = (ReturnSetInfo *) test->fcinfo->resultinfo;
	Datum		values[8];
	bool		nulls[8] = {0};

	nulls[0] = (test->as.user == NULL);
	nulls[1] = (test->as.tenant == NULL);
	values[0] = test->as.user ? CStringGetTextDatum(test->as.user) : (Datum) 0;
	values[1] = test->as.tenant ? CStringGetTextDatum(test->as.tenant) : (Datum) 0;
	values[2] = CStringGetTextDatum(what);
	nulls[3] = (visible < 0);
	nulls[4] = (own < 0);
	nulls[5] = (foreign_rows < 0);
	values[3] = Int64GetDatum(visible);
	values[4] = Int64GetDatum(own);
	values[5] = Int64GetDatum(foreign_rows);
	values[6] = CStringGetTextDatum(verdict);
	nulls[7] = (detail == NULL);
	values[7] = detail ? CStringGetTextDatum(detail) : (Datum) 0;
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

/*
 * The tests
 */

/* Run a statement as the tested role and roll it back. */
static CmigRlsOutcome
try(Test *test, const char *sql)
{
	CmigRlsAttempt attempt = {.sql = sql};

	return cmig_rls_try(&test->as, &attempt);
}

/* Does the role have the privilege on the table or on any of its columns? */
static bool
has_privilege(Test *test, AclMode mode)
{
	return pg_class_aclcheck(test->table->relid, test->as.role, mode) == ACLCHECK_OK ||
		(mode != ACL_DELETE &&
		 pg_attribute_aclcheck_all(test->table->relid, test->as.role, mode, ACLMASK_ANY) == ACLCHECK_OK);
}

/* Test what the role sees. */
static void
test_select(Test *test)
{
	CmigRlsOutcome seen;
	char	   *detail = NULL;
	char	   *verdict = "ok";

	if (!has_privilege(test, ACL_SELECT))
	{
		report(test, "SELECT", 0, 0, 0, "ok", "The role does not have the SELECT privilege.");
		return;
	}
	seen = try(test,
			   psprintf("SELECT pg_catalog.count(*), pg_catalog.count(*) FILTER (WHERE %s),"
						" pg_catalog.count(*) FILTER (WHERE (%s) IS NOT TRUE AND (%s) IS NOT TRUE) FROM %s t",
						test->own->condition, test->own->condition, test->own->shared, test->table->name));
	if (seen.kind != CMIG_RLS_DONE)
	{
		report(test, "SELECT", -1, -1, -1, "not tested", seen.message);
		return;
	}
	test->own_rows = seen.counts[1];

	if (seen.counts[2] > 0 && test->setup && test->setup->public_read)
		detail = "Every row may be read because of public_read.";
	else if (seen.counts[2] > 0)
	{
		verdict = "LEAK";
		detail = psprintf("The role sees %lld foreign %s.", (long long) seen.counts[2], seen.counts[2] == 1 ? "row" : "rows");
	}
	else if (cmig_rls_rows_count(&test->as.rows, NULL, NULL) <= seen.counts[0])
	{
		verdict = "not tested";
		detail = "The caller sees no foreign rows in the table, so there is nothing to test.";
	}
	report(test, "SELECT", seen.counts[0], seen.counts[1], seen.counts[2], verdict, detail);
}

/*
 * Try to insert or update rows so that they belong to another user or tenant.
 * A trigger may change the rows' keys back to the keys in the context, so the
 * table is searched afterward for rows with the other user's or tenant's key.
 */
static CmigRlsOutcome
intrude(Test *test, const CmigRlsAttempt *attempt)
{
	int64		before = cmig_rls_rows_count(&test->as.rows, attempt->key, attempt->value);
	CmigRlsOutcome outcome = cmig_rls_try(&test->as, attempt);

	if (outcome.kind == CMIG_RLS_DONE && outcome.rows > 0 &&
		before >= 0 && outcome.strange >= 0 && outcome.strange <= before)
	{
		outcome.kind = CMIG_RLS_REFUSED;
		outcome.detail = "A trigger changed the keys of the rows to those of the context.";
	}
	return outcome;
}

/*
 * Returns a key value that does not match the context: the value in an
 * existing row if there is one, otherwise an invented value.
 */
static char *
other_value(Test *test, const CmigRlsKey *key)
{
	char	   *found = cmig_rls_rows_strange(&test->as.rows, key);

	if (found)
		return found;
	switch (key->base_type)
	{
		case UUIDOID:
			return "00000000-dead-beef-0000-000000000000";
		case TEXTOID:
		case VARCHAROID:
			return "somebody-else";
		default:
			return key->value && strcmp(key->value, "32001") == 0 ? "32002" : "32001";
	}
}

/* Report whether a row that belongs to another tenant could be written. */
static void
report_intrusion(Test *test, const char *what, CmigRlsOutcome outcome, bool none_possible)
{
	switch (outcome.kind)
	{
		case CMIG_RLS_DONE:
			if (outcome.rows > 0)
				report(test, what, -1, -1, outcome.rows, "LEAK", "The command was not rejected.");
			else
				report(test, what, -1, -1, 0, none_possible ? "not tested" : "ok",
					   none_possible ? "The role has no row of its own to move." : "No row can be changed.");
			break;
		case CMIG_RLS_REFUSED:
			report(test, what, -1, -1, 0, "ok", outcome.detail);
			break;
		case CMIG_RLS_CONSTRAINT:
			report(test, what, -1, -1, -1, "LEAK",
				   psprintf("Only a constraint prevented the command: %s.", outcome.message));
			break;
		case CMIG_RLS_FAILED:
			report(test, what, -1, -1, -1, "not tested", outcome.message);
			break;
	}
}

/* Test INSERT of rows that belong to the context and of rows that do not. */
static void
test_insert(Test *test)
{
	CmigRlsCopy *copy;
	CmigRlsAttempt attempt;
	CmigRlsOutcome outcome;
	ListCell   *lc;

	if (!has_privilege(test, ACL_INSERT))
	{
		report(test, "INSERT", -1, 0, 0, "ok", "The role does not have the INSERT privilege.");
		return;
	}
	copy = cmig_rls_copy_read(&test->as, test->table->name, test->own->keys,
							  test->own_rows > 0 ? test->own->condition : NULL);
	if (copy == NULL)
	{
		report(test, "INSERT", -1, -1, -1, "not tested", "There is no row to copy.");
		return;
	}
	attempt = cmig_rls_copy_insert(copy, test->table->name, test->own->keys, NULL, NULL);
	outcome = cmig_rls_try(&test->as, &attempt);
	if (!test->own->possible)
	{
		report_intrusion(test, "INSERT", outcome, false);
		return;
	}
	if (outcome.kind == CMIG_RLS_DONE)
		report(test, "INSERT", -1, outcome.rows, 0, "ok", NULL);
	else if (outcome.kind == CMIG_RLS_REFUSED)
		report(test, "INSERT", -1, 0, 0, "refused", "A policy rejects the role's own row.");
	else
		report(test, "INSERT", -1, -1, -1, "not tested", outcome.message);

	foreach(lc, test->own->keys)
	{
		CmigRlsKey *key = lfirst(lc);

		attempt = cmig_rls_copy_insert(copy, test->table->name, test->own->keys, key,
									   other_value(test, key));
		report_intrusion(test, psprintf("INSERT for another %s", key->what),
						 intrude(test, &attempt), false);
	}
}

/* Returns a column that UPDATE can set, or NULL if there is none. */
static CmigRlsColumn *
any_column(Test *test)
{
	ListCell   *lc;

	foreach(lc, test->table->columns)
	{
		if (!((CmigRlsColumn *) lfirst(lc))->generated)
			return lfirst(lc);
	}
	return NULL;
}

/*
 * Report how many rows a command reaches, and whether this is more than
 * "allowed".
 */
static void
report_reach(Test *test, const char *what, CmigRlsOutcome outcome, int64 allowed)
{
	int64		foreign_rows = outcome.rows > allowed ? outcome.rows - allowed : 0;

	if (outcome.kind == CMIG_RLS_DONE)
		report(test, what, outcome.rows, outcome.rows - foreign_rows, foreign_rows,
			   foreign_rows ? "LEAK" : "ok",
			   foreign_rows ? psprintf("The command reaches %lld foreign %s.", (long long) foreign_rows, foreign_rows == 1 ? "row" : "rows") : NULL);
	else if (outcome.kind == CMIG_RLS_REFUSED)
		report(test, what, 0, 0, 0, "ok", "A policy rejects the new row.");
	else
		report(test, what, -1, -1, -1, "not tested", outcome.message);
}

/*
 * Try to give rows to another user or tenant.  An UPDATE of all rows does not
 * need the privilege SELECT, so the policies for SELECT do not apply to it.
 * However, the UPDATE fails if a policy refuses a single row, so an UPDATE of
 * only the role's own rows is tried as well.
 */
static CmigRlsOutcome
move(Test *test, const CmigRlsKey *key, const char *other)
{
	CmigRlsAttempt all = {.key = key,.value = other};
	CmigRlsOutcome outcome;

	all.sql = psprintf("UPDATE %s AS t SET %s = %s::%s", test->table->name,
					   quote_identifier(key->name), quote_literal_cstr(other), key->type);
	outcome = intrude(test, &all);
	if (outcome.kind == CMIG_RLS_REFUSED || outcome.kind == CMIG_RLS_FAILED)
	{
		CmigRlsAttempt only_own = all;
		CmigRlsOutcome own;

		only_own.sql = psprintf("%s WHERE %s", all.sql, test->own->condition);
		own = intrude(test, &only_own);
		if (own.kind == CMIG_RLS_CONSTRAINT || outcome.kind == CMIG_RLS_FAILED ||
			(own.kind == CMIG_RLS_DONE && own.rows > 0))
			return own;
	}
	return outcome;
}

/*
 * Test which rows UPDATE reaches, and whether UPDATE can give rows to another
 * user or tenant.
 */
static void
test_update(Test *test)
{
	CmigRlsKey *first = linitial(test->own->keys);
	CmigRlsColumn *any = any_column(test);
	CmigRlsOutcome outcome = {CMIG_RLS_FAILED};
	ListCell   *lc;

	if (!has_privilege(test, ACL_UPDATE))
	{
		report(test, "UPDATE", -1, 0, 0, "ok", "The role does not have the UPDATE privilege.");
		return;
	}
	outcome.message = "There is no column to set.";

	/*
	 * first try to take over rows that do not belong to the context, with an
	 * UPDATE that does not require SELECT
	 */
	if (first->value && !first->generated)
		outcome = try(test, psprintf("UPDATE %s SET %s = %s::%s", test->table->name,
									 quote_identifier(first->name),
									 quote_literal_cstr(first->value), first->type));
	if ((outcome.kind == CMIG_RLS_CONSTRAINT || outcome.kind == CMIG_RLS_FAILED) && any)
		outcome = try(test, psprintf("UPDATE %s SET %s = %s", test->table->name,
									 quote_identifier(any->name), quote_identifier(any->name)));
	report_reach(test, "UPDATE", outcome, test->own_rows);
	if (!test->own->possible)
		return;

	foreach(lc, test->own->keys)
	{
		CmigRlsKey *key = lfirst(lc);
		char	   *what = psprintf("move to another %s", key->what);

		if (key->generated)
		{
			report(test, what, -1, -1, -1, "not tested", "The key is generated.");
			continue;
		}
		report_intrusion(test, what, move(test, key, other_value(test, key)), test->own_rows == 0);
	}
}

/* Test which rows DELETE reaches. */
static void
test_delete(Test *test)
{
	CmigRlsOutcome outcome;

	if (!has_privilege(test, ACL_DELETE))
	{
		report(test, "DELETE", -1, 0, 0, "ok", "The role does not have the DELETE privilege.");
		return;
	}
	outcome = try(test, psprintf("DELETE FROM %s", test->table->name));

	/*
	 * If a foreign key prevents the deletion, find out at least whether rows
	 * that do not belong to the context are reached.
	 */
	if (outcome.kind == CMIG_RLS_CONSTRAINT)
	{
		CmigRlsOutcome foreign = try(test,
									 psprintf("DELETE FROM %s AS t WHERE (%s) IS NOT TRUE",
											  test->table->name, test->own->condition));

		if (foreign.kind == CMIG_RLS_DONE && foreign.rows > 0)
			report_reach(test, "DELETE", foreign, 0);
		else
			report(test, "DELETE", -1, -1, foreign.kind == CMIG_RLS_DONE ? 0 : -1,
				   foreign.kind == CMIG_RLS_CONSTRAINT ? "LEAK" : "not tested", outcome.message);
		return;
	}
	report_reach(test, "DELETE", outcome, test->own_rows);
}

/*
 * Setup
 */

/* Run all tests for one context. */
static void
run_test(FunctionCallInfo fcinfo, CmigRlsTable *table, Oid role, char *user, char *tenant)
{
	Test		test = {0};
	char	   *user_column = cmig_argument_text(fcinfo, 4);
	char	   *tenant_column = cmig_argument_text(fcinfo, 5);

	test.fcinfo = fcinfo;
	test.table = table;
	test.as.partitioned = get_rel_relkind(table->relid) == RELKIND_PARTITIONED_TABLE || table->partition;
	test.setup = table->setup;
	test.as.role = role;
	test.as.user = user && user[0] ? user : NULL;
	test.as.tenant = tenant && tenant[0] ? tenant : NULL;
	cmig_rls_rows_open(&test.as.rows, table->relid);
	test.own = test_keys_find(table, &test.as, user_column, tenant_column);

	test_select(&test);
	test_insert(&test);
	test_update(&test);
	test_delete(&test);
	cmig_rls_rows_close(&test.as.rows);
}

/*
 * Read the table and role arguments.  Raises an error unless the caller can
 * SET ROLE to the role.
 */
static CmigRlsTable *
begin_test(FunctionCallInfo fcinfo, Oid *role)
{
	Oid			relid;

	InitMaterializedSRF(fcinfo, 0);
	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the table and the role must not be null"),
				 errhint("SELECT * FROM cmig.rls_test('table', 'role', '<user>', '<tenant>')")));
	relid = PG_GETARG_OID(0);
	cmig_rls_table_require(relid);
	*role = get_role_oid(NameStr(*PG_GETARG_NAME(1)), true);
	if (!OidIsValid(*role))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("role \"%s\" does not exist", NameStr(*PG_GETARG_NAME(1))),
				 errhint("Name the role that the application connects as.")));
	if (superuser_arg(*role))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("role \"%s\" is a superuser", NameStr(*PG_GETARG_NAME(1))),
				 errdetail("Policies do not apply to a superuser, and the table's triggers would run with its privileges."),
				 errhint("Name the role that the application connects as.")));
	if (!is_member_of_role(GetUserId(), *role))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied to act as role \"%s\"", NameStr(*PG_GETARG_NAME(1))),
				 errdetail("The test runs with the privileges of that role."),
				 errhint("Run the test as a superuser or as a member of %s. Do not make the table's owner a member, because the policies would then apply to the owner as well.",
						 quote_identifier(NameStr(*PG_GETARG_NAME(1))))));
	LockRelationOid(relid, AccessShareLock);
	return cmig_rls_table_read(relid);
}

/*
 * Convert an array of type text[] to a C array of strings, with NULL pointers
 * for null elements.  Returns the number of elements.
 */
static int
read_array(Datum array, char ***list)
{
	Datum	   *elements;
	bool	   *nulls;
	int			count;

	deconstruct_array(DatumGetArrayTypeP(array), TEXTOID, -1, false, TYPALIGN_INT,
					  &elements, &nulls, &count);
	*list = palloc0(sizeof(char *) * (count + 1));
	for (int i = 0; i < count; i++)
		if (!nulls[i])
			(*list)[i] = TextDatumGetCString(elements[i]);
	return count;
}

/*
 * Read a list of users or tenants.  If "is_array" is false, the argument is
 * text, which may be an array literal without a cast.
 */
static int
contexts_argument(FunctionCallInfo fcinfo, int n, bool is_array, char ***list)
{
	char	   *value;

	if (PG_ARGISNULL(n))
		return 0;
	if (is_array)
		return read_array(PG_GETARG_DATUM(n), list);
	value = text_to_cstring(PG_GETARG_TEXT_PP(n));
	if (value[0] == '{')
		return read_array(OidInputFunctionCall(F_ARRAY_IN, value, TEXTOID, -1), list);
	*list = palloc(sizeof(char *));
	(*list)[0] = value;
	return 1;
}

/* Run all tests for each context. */
static Datum
test_contexts(FunctionCallInfo fcinfo, bool is_array)
{
	Oid			role;
	CmigRlsTable *table = begin_test(fcinfo, &role);
	char	  **users = NULL;
	char	  **tenants = NULL;
	int			user_count = contexts_argument(fcinfo, 2, is_array, &users);
	int			tenant_count = contexts_argument(fcinfo, 3, is_array, &tenants);
	int			count = Max(user_count, tenant_count);

	if (table->by_citus)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("cmig.rls_test cannot be used for table %s", table->name),
				 errdetail("Citus manages the table. The tests would run without its rows, which are in shards."),
				 errhint("In a transaction, SET ROLE, call cmig.set_context, and query the table.")));
	if (user_count != 0 && tenant_count != 0 && user_count != tenant_count)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the lists of users and tenants must have the same length"),
				 errdetail("There are %d users and %d tenants.", user_count, tenant_count),
				 errhint("The n-th user is tested with the n-th tenant: '{u1,u2}', '{t1,t2}'.")));
	/* if no context is given, test without one */
	for (int i = 0; i < Max(count, 1); i++)
		run_test(fcinfo, table, role, user_count ? users[i] : NULL,
				 tenant_count ? tenants[i] : NULL);
	return (Datum) 0;
}

CMIG_READER(cmig_rls_test)
{
	return test_contexts(fcinfo, false);
}

CMIG_READER(cmig_rls_test_matrix)
{
	return test_contexts(fcinfo, true);
}
