/*
 * rls_test.c
 *	  cmig.rls_test: really tries what a role can do to a table.
 *
 * UPDATE and DELETE are tried without WHERE first: a WHERE needs the right to
 * read, and then the SELECT policies hide what those for UPDATE and DELETE let
 * through.
 */
#include "postgres.h"

#include "argument.h"
#include "compat.h"
#include "errors.h"
#include "query.h"
#include "rls.h"
#include "rls_try.h"

#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rls.h"

PG_FUNCTION_INFO_V1(cmig_rls_test);
PG_FUNCTION_INFO_V1(cmig_rls_test_matrix);

/* One key of the table that is tested. */
typedef struct Key
{
	char	   *what;			/* user, tenant, key */
	CmigRlsColumn *column;
	char	   *value;			/* what is the context's, or NULL */
	char	   *mine;			/* SQL: is it mine? */
} Key;

typedef struct Test
{
	FunctionCallInfo fcinfo;
	CmigRlsTable *table;
	CmigRlsState *state;
	CmigRlsAs	as;				/* the role and the context */
	List	   *keys;			/* of Key */
	char	   *own;			/* SQL: the row is the context's */
	char	   *shared;			/* SQL: the row is everybody's */
	bool		has_context;	/* a row can be the context's at all */
	int64		own_rows;
} Test;

/*
 * Reporting
 */

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

static bool
has_right(Test *test, AclMode mode)
{
	return pg_class_aclcheck(test->table->relid, test->as.role, mode) == ACLCHECK_OK ||
		(mode != ACL_DELETE &&
		 pg_attribute_aclcheck_all(test->table->relid, test->as.role, mode, ACLMASK_ANY) == ACLCHECK_OK);
}

static void
test_select(Test *test)
{
	CmigRlsOutcome seen;
	CmigRlsOutcome all;
	char	   *detail = NULL;
	char	   *verdict = "ok";

	if (!has_right(test, ACL_SELECT))
	{
		report(test, "SELECT", 0, 0, 0, "ok", "The role has no SELECT right.");
		return;
	}
	seen = cmig_rls_try(&test->as, true,
			   psprintf("SELECT count(*), count(*) FILTER (WHERE %s), count(*) FILTER (WHERE (%s) IS NOT TRUE AND (%s) IS NOT TRUE) FROM %s t",
						test->own, test->own, test->shared, test->table->name), 0, NULL);
	if (seen.kind != CMIG_RLS_DONE)
	{
		report(test, "SELECT", -1, -1, -1, "not tested", seen.message);
		return;
	}
	test->own_rows = seen.counts[1];
	all = cmig_rls_try(&test->as, false, psprintf("SELECT count(*) FROM %s t", test->table->name), 0, NULL);

	if (seen.counts[2] > 0 && test->state && test->state->public_read)
		detail = "Every row may be read: public_read.";
	else if (seen.counts[2] > 0)
	{
		verdict = "LEAK";
		detail = psprintf("Sees %lld foreign rows.", (long long) seen.counts[2]);
	}
	else if (all.kind != CMIG_RLS_DONE || all.counts[0] <= seen.counts[0])
	{
		verdict = "not tested";
		detail = "The caller knows of no foreign row that could be seen.";
	}
	report(test, "SELECT", seen.counts[0], seen.counts[1], seen.counts[2], verdict, detail);
}

/* The columns that a copied row gives; keys of unique indexes get new values. */
static CmigQuery copied_columns = {
	"SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum),"
	" string_agg(CASE WHEN a.attname::text = ANY ($2) OR NOT (u.attnum IS NOT NULL) THEN 'r.' || quote_ident(a.attname)"
	"  WHEN a.atttypid = 'uuid'::regtype THEN 'pg_catalog.gen_random_uuid()'"
	"  WHEN a.atttypid IN ('int8'::regtype, 'int4'::regtype) THEN '(pg_catalog.random() * 1000000000)::integer'"
	"  WHEN a.atttypid = 'int2'::regtype THEN '(pg_catalog.random() * 32000)::smallint'"
	"  WHEN a.atttypid IN ('text'::regtype, 'varchar'::regtype) THEN"
	"   CASE WHEN a.atttypmod > 4 THEN format('pg_catalog.left(pg_catalog.md5(pg_catalog.random()::text), %s)', a.atttypmod - 4)"
	"   ELSE 'pg_catalog.md5(pg_catalog.random()::text)' END"
	"  ELSE 'r.' || quote_ident(a.attname) END, ', ' ORDER BY a.attnum)"
	" FROM pg_attribute a LEFT JOIN LATERAL (SELECT a.attnum FROM pg_index x"
	"   WHERE x.indrelid = a.attrelid AND x.indisunique AND (a.attnum = ANY (x.indkey::int2[])"
	"    OR EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = x.indexrelid"
	"     AND d.refclassid = 'pg_class'::regclass AND d.refobjid = a.attrelid AND d.refobjsubid = a.attnum))"
	"   AND NOT EXISTS (SELECT FROM pg_constraint f WHERE f.conrelid = a.attrelid AND f.contype = 'f'"
	"    AND a.attnum = ANY (f.conkey)) LIMIT 1) u ON true"
	" WHERE a.attrelid = $1 AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''"
	/* what makes its own value is left to do so */
	" AND NOT (a.attidentity <> '' OR (u.attnum IS NOT NULL AND a.atthasdef AND NOT a.attname::text = ANY ($2)))",
	2, {OIDOID, TEXTARRAYOID}
};

static void
take_lists(TupleDesc desc, HeapTuple row, void *arg)
{
	char	  **lists = arg;

	lists[0] = cmig_query_text(desc, row, 1);
	lists[1] = cmig_query_text(desc, row, 2);
}

/* A row of the table to copy: the role's own, else any that the caller sees. */
static char *
pick_row(Test *test)
{
	CmigRlsOutcome picked = {CMIG_RLS_FAILED};

	if (test->own_rows > 0)
		picked = cmig_rls_try(&test->as, true, psprintf("SELECT pg_catalog.to_jsonb(t)::text FROM %s t WHERE %s LIMIT 1",
										  test->table->name, test->own), 0, NULL);
	if (picked.kind != CMIG_RLS_DONE || picked.value == NULL)
		picked = cmig_rls_try(&test->as, false, psprintf("SELECT pg_catalog.to_jsonb(t)::text FROM %s t LIMIT 1",
										   test->table->name), 0, NULL);
	return picked.kind == CMIG_RLS_DONE ? picked.value : NULL;
}

/*
 * How many rows with the other value of the key there are, as text that counts
 * them; NULL where the caller does not see every row either.
 */
static char *
count_strange(Test *test, const Key *key, const char *other)
{
	if (check_enable_rls(test->table->relid, InvalidOid, true) == RLS_ENABLED)
		return NULL;
	return psprintf("SELECT pg_catalog.count(*) FROM %s t WHERE t.%s = %s::%s", test->table->name,
					quote_identifier(key->column->name), quote_literal_cstr(other),
					key->column->cast);
}

/*
 * Try to make rows of others.  A trigger may have made them the context's own
 * again: what counts is what is in the table then.
 */
static CmigRlsOutcome
intrude(Test *test, const Key *key, const char *other, const char *sql, int nargs, char **args)
{
	char	   *count = count_strange(test, key, other);
	CmigRlsOutcome before = {CMIG_RLS_FAILED};
	CmigRlsOutcome outcome;

	if (count)
		before = cmig_rls_try(&test->as, false, count, 0, NULL);
	test->as.probe = count;
	outcome = cmig_rls_try(&test->as, true, sql, nargs, args);
	test->as.probe = NULL;
	if (count && before.kind == CMIG_RLS_DONE && outcome.kind == CMIG_RLS_DONE &&
		outcome.rows > 0 && outcome.counts[0] <= before.counts[0])
	{
		outcome.kind = CMIG_RLS_REFUSED;
		outcome.detail = "A trigger made the rows its own.";
	}
	return outcome;
}

/* Insert a copy of the row; strange: the key that gets a value of others. */
static CmigRlsOutcome
insert_copy(Test *test, char *row, const Key *strange, char *other)
{
	StringInfoData keys;
	Datum		values[2];
	Datum	   *names = palloc(sizeof(Datum) * list_length(test->keys));
	char	   *lists[2] = {NULL, NULL};
	char	   *args[2];
	char	   *sql;
	int			count = 0;
	ListCell   *lc;

	initStringInfo(&keys);
	foreach(lc, test->keys)
	{
		Key		   *key = lfirst(lc);
		char	   *value = key == strange ? other : key->value;

		names[count++] = CStringGetTextDatum(key->column->name);
		if (value)
			appendStringInfo(&keys, "%s%s, %s", keys.len ? ", " : "",
							 quote_literal_cstr(key->column->name), quote_literal_cstr(value));
	}
	values[0] = ObjectIdGetDatum(test->table->relid);
	values[1] = PointerGetDatum(construct_array(names, count, TEXTOID, -1, false, TYPALIGN_INT));
	cmig_query_each(&copied_columns, values, NULL, take_lists, lists);

	args[0] = row;
	sql = psprintf("INSERT INTO %s (%s) SELECT %s FROM pg_catalog.jsonb_populate_record(NULL::%s,"
				   " $1::pg_catalog.jsonb || pg_catalog.jsonb_build_object(%s)) r",
				   test->table->name, lists[0], lists[1], test->table->name, keys.data);
	if (strange)
		return intrude(test, strange, other, sql, 1, args);
	return cmig_rls_try(&test->as, true, sql, 1, args);
}

/* A value of the key that is not the context's: of a row, else made up. */
static char *
other_value(Test *test, const Key *key)
{
	const char *column = quote_identifier(key->column->name);
	CmigRlsOutcome found = cmig_rls_try(&test->as, false,
							psprintf("SELECT t.%s::text FROM %s t WHERE t.%s IS NOT NULL AND (%s) IS NOT TRUE ORDER BY 1 LIMIT 1",
									 column, test->table->name, column, key->mine), 0, NULL);

	if (found.kind == CMIG_RLS_DONE && found.value)
		return found.value;
	if (strcmp(key->column->cast, "uuid") == 0)
		return "00000000-dead-beef-0000-000000000000";
	if (strcmp(key->column->cast, "text") == 0)
		return "somebody-else";
	return key->value && strcmp(key->value, "32001") == 0 ? "32002" : "32001";
}

static void
report_intrusion(Test *test, const char *what, CmigRlsOutcome outcome, bool none_possible)
{
	switch (outcome.kind)
	{
		case CMIG_RLS_DONE:
			if (outcome.rows > 0)
				report(test, what, -1, -1, outcome.rows, "LEAK", "It was not stopped.");
			else
				report(test, what, -1, -1, 0, none_possible ? "not tested" : "ok",
					   none_possible ? "There is no row of its own to move." : "No row can be changed.");
			break;
		case CMIG_RLS_REFUSED:
			report(test, what, -1, -1, 0, "ok", outcome.detail);
			break;
		case CMIG_RLS_CONSTRAINT:
			report(test, what, -1, -1, -1, "LEAK",
				   psprintf("Only a constraint stopped it: %s.", outcome.message));
			break;
		case CMIG_RLS_FAILED:
			report(test, what, -1, -1, -1, "not tested", outcome.message);
			break;
	}
}

static void
test_insert(Test *test)
{
	char	   *row;
	CmigRlsOutcome outcome;
	ListCell   *lc;

	if (!has_right(test, ACL_INSERT))
	{
		report(test, "INSERT", -1, 0, 0, "ok", "The role has no INSERT right.");
		return;
	}
	row = pick_row(test);
	if (row == NULL)
	{
		report(test, "INSERT", -1, -1, -1, "not tested", "There is no row to copy.");
		return;
	}
	outcome = insert_copy(test, row, NULL, NULL);
	if (!test->has_context)
	{
		report_intrusion(test, "INSERT", outcome, false);
		return;
	}
	if (outcome.kind == CMIG_RLS_DONE)
		report(test, "INSERT", -1, outcome.rows, 0, "ok", NULL);
	else if (outcome.kind == CMIG_RLS_REFUSED)
		report(test, "INSERT", -1, 0, 0, "refused", "A policy refuses a row of its own.");
	else
		report(test, "INSERT", -1, -1, -1, "not tested", outcome.message);

	foreach(lc, test->keys)
	{
		Key		   *key = lfirst(lc);

		report_intrusion(test, psprintf("INSERT for another %s", key->what),
						 insert_copy(test, row, key, other_value(test, key)), false);
	}
}

/* Some column that an UPDATE can set. */
static CmigRlsColumn *
any_column(Test *test)
{
	ListCell   *lc;

	foreach(lc, test->table->columns)
		if (!((CmigRlsColumn *) lfirst(lc))->generated)
			return lfirst(lc);
	return NULL;
}

static void
report_reach(Test *test, const char *what, CmigRlsOutcome outcome, int64 allowed)
{
	int64		foreign_rows = outcome.rows > allowed ? outcome.rows - allowed : 0;

	if (outcome.kind == CMIG_RLS_DONE)
		report(test, what, outcome.rows, outcome.rows - foreign_rows, foreign_rows,
			   foreign_rows ? "LEAK" : "ok",
			   foreign_rows ? psprintf("Reaches %lld foreign rows.", (long long) foreign_rows) : NULL);
	else if (outcome.kind == CMIG_RLS_REFUSED)
		report(test, what, 0, 0, 0, "ok", "A policy refuses the new row.");
	else
		report(test, what, -1, -1, -1, "not tested", outcome.message);
}

/*
 * Give rows to others.  All at once needs no right to read, and so meets no
 * SELECT policy; but one row that may not be moved stops it, which moving the
 * own ones may not.
 */
static CmigRlsOutcome
move(Test *test, const Key *key, char *other)
{
	char	   *all = psprintf("UPDATE %s AS t SET %s = %s::%s", test->table->name,
							   quote_identifier(key->column->name),
							   quote_literal_cstr(other), key->column->cast);
	CmigRlsOutcome outcome = intrude(test, key, other, all, 0, NULL);

	if (outcome.kind == CMIG_RLS_REFUSED || outcome.kind == CMIG_RLS_FAILED)
	{
		CmigRlsOutcome own = intrude(test, key, other,
									 psprintf("%s WHERE %s", all, test->own), 0, NULL);

		if (own.kind == CMIG_RLS_CONSTRAINT || outcome.kind == CMIG_RLS_FAILED ||
			(own.kind == CMIG_RLS_DONE && own.rows > 0))
			return own;
	}
	return outcome;
}

static void
test_update(Test *test)
{
	Key		   *first = linitial(test->keys);
	CmigRlsColumn *any = any_column(test);
	CmigRlsOutcome outcome = {CMIG_RLS_FAILED};
	ListCell   *lc;

	if (!has_right(test, ACL_UPDATE))
	{
		report(test, "UPDATE", -1, 0, 0, "ok", "The role has no UPDATE right.");
		return;
	}
	outcome.message = "There is no column to set.";
	/* taking rows over needs no right to read them */
	if (first->value && !first->column->generated)
		outcome = cmig_rls_try(&test->as, true,
							   psprintf("UPDATE %s SET %s = %s::%s", test->table->name,
										quote_identifier(first->column->name),
										quote_literal_cstr(first->value), first->column->cast), 0, NULL);
	if ((outcome.kind == CMIG_RLS_CONSTRAINT || outcome.kind == CMIG_RLS_FAILED) && any)
		outcome = cmig_rls_try(&test->as, true,
							   psprintf("UPDATE %s SET %s = %s", test->table->name,
										quote_identifier(any->name), quote_identifier(any->name)), 0, NULL);
	report_reach(test, "UPDATE", outcome, test->own_rows);
	if (!test->has_context)
		return;

	foreach(lc, test->keys)
	{
		Key		   *key = lfirst(lc);
		char	   *what = psprintf("move to another %s", key->what);

		if (key->column->generated)
		{
			report(test, what, -1, -1, -1, "not tested", "The key is generated.");
			continue;
		}
		report_intrusion(test, what, move(test, key, other_value(test, key)), test->own_rows == 0);
	}
}

static void
test_delete(Test *test)
{
	CmigRlsOutcome outcome;

	if (!has_right(test, ACL_DELETE))
	{
		report(test, "DELETE", -1, 0, 0, "ok", "The role has no DELETE right.");
		return;
	}
	outcome = cmig_rls_try(&test->as, true, psprintf("DELETE FROM %s", test->table->name), 0, NULL);
	/* rows that others refer to: at least whether foreign ones are reached */
	if (outcome.kind == CMIG_RLS_CONSTRAINT)
	{
		CmigRlsOutcome foreign = cmig_rls_try(&test->as, true,
								  psprintf("DELETE FROM %s AS t WHERE (%s) IS NOT TRUE",
										   test->table->name, test->own), 0, NULL);

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
 * Setting up
 */

static void
add_key(Test *test, char *what, const char *column, char *value, char *mine)
{
	Key		   *key = palloc0(sizeof(Key));

	key->what = what;
	key->column = cmig_rls_table_column(test->table, column);
	if (key->column == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("table %s has no column \"%s\"", test->table->name, column),
				 errhint("Name its key with user_column or tenant_column.")));
	if (key->column->cast == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("column \"%s\" of table %s cannot be a key of row-level security",
						column, test->table->name),
				 errdetail("Its type is %s.", key->column->type),
				 errhint("Name another column with user_column or tenant_column.")));
	/* a value that is none of the key's type is an error, not a verdict */
	if (value)
	{
		Oid			types[1] = {TEXTOID};
		Datum		values[1] = {CStringGetTextDatum(value)};

		(void) cmig_query_once(psprintf("SELECT 1 WHERE $1::%s IS NULL", key->column->cast),
							   1, types, values, NULL, true, NULL, NULL);
	}
	key->value = value;
	if (mine == NULL)
		mine = value ? psprintf("t.%s = %s::%s", quote_identifier(column),
								quote_literal_cstr(value), key->column->cast) : "false";
	key->mine = mine;
	test->keys = lappend(test->keys, key);
}

/* The keys: as given, as enable_rls noted, or under their usual names. */
static void
find_keys(Test *test, char *user_column, char *tenant_column)
{
	CmigRlsState *state = test->state;
	StringInfoData own;
	ListCell   *lc;

	if (tenant_column == NULL)
		tenant_column = state ? state->tenant_column :
			cmig_rls_table_column(test->table, "tenant_id") ? "tenant_id" : NULL;
	if (user_column == NULL)
		user_column = state ? state->user_column :
			cmig_rls_table_column(test->table, "user_id") ? "user_id" : NULL;

	if (tenant_column && tenant_column[0])
		add_key(test, "tenant", tenant_column, test->as.tenant, NULL);
	if (user_column && user_column[0])
		add_key(test, "user", user_column, test->as.user, NULL);
	if (state && state->via &&
		(tenant_column == NULL || strcmp(tenant_column, state->key_column) != 0))
		add_key(test, "key", state->key_column, NULL,
				test->as.user ? psprintf("t.%s = ANY (ARRAY(SELECT m.%s FROM %s m WHERE m.%s::text = %s))",
									  quote_identifier(state->key_column), quote_identifier(state->via_key),
									  state->via, quote_identifier(state->via_user),
									  quote_literal_cstr(test->as.user)) : "false");
	if (test->keys == NIL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("table %s has no column user_id or tenant_id", test->table->name),
				 errhint("Name its key with user_column or tenant_column.")));

	initStringInfo(&own);
	test->shared = "false";
	test->has_context = true;
	foreach(lc, test->keys)
	{
		Key		   *key = lfirst(lc);

		test->has_context &= strcmp(key->mine, "false") != 0;
		appendStringInfo(&own, "%s%s", own.len ? " AND " : "", key->mine);
	}
	test->own = own.data;
	if (state && state->shared)
	{
		StringInfoData shared;

		initStringInfo(&shared);
		foreach(lc, test->keys)
		{
			Key		   *key = lfirst(lc);

			appendStringInfo(&shared, "%s(t.%s IS NULL OR %s)", shared.len ? " AND " : "",
							 quote_identifier(key->column->name), key->mine);
		}
		test->shared = shared.data;
	}
}

static void
run_test(FunctionCallInfo fcinfo, CmigRlsTable *table, Oid role, char *user, char *tenant)
{
	Test		test = {0};
	char	   *user_column = cmig_argument_text(fcinfo, 4);
	char	   *tenant_column = cmig_argument_text(fcinfo, 5);

	test.fcinfo = fcinfo;
	test.table = table;
	test.as.partitioned = get_rel_relkind(table->relid) == RELKIND_PARTITIONED_TABLE || table->partition;
	test.state = table->state;
	test.as.role = role;
	test.as.user = user && user[0] ? user : NULL;
	test.as.tenant = tenant && tenant[0] ? tenant : NULL;
	find_keys(&test, user_column, tenant_column);

	test_select(&test);
	test_insert(&test);
	test_update(&test);
	test_delete(&test);
}

/* The table and the role, which the caller must be able to become. */
static CmigRlsTable *
begin_test(FunctionCallInfo fcinfo, Oid *role)
{
	Oid			relid;

	InitMaterializedSRF(fcinfo, 0);
	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the table and the role must not be null"),
				 errhint("SELECT * FROM cmig.rls_test('table', 'role', '<user>', '<tenant>').")));
	relid = PG_GETARG_OID(0);
	cmig_rls_table_require(relid);
	*role = get_role_oid(NameStr(*PG_GETARG_NAME(1)), true);
	if (!OidIsValid(*role))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("role \"%s\" does not exist", NameStr(*PG_GETARG_NAME(1))),
				 errhint("Name the role that the application connects as.")));
	if (!is_member_of_role(GetUserId(), *role))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied to act as role \"%s\"", NameStr(*PG_GETARG_NAME(1))),
				 errdetail("The test runs with its rights."),
				 errhint("Run the test as a superuser, or as another member of %s; an owner that is one is bound by its policies.",
						 quote_identifier(NameStr(*PG_GETARG_NAME(1))))));
	return cmig_rls_table_read(relid);
}

/* A text[] as strings, NULL for null. */
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
 * Users or tenants.  A quoted literal without a cast arrives as text even
 * where an array was meant.
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

	if (user_count != 0 && tenant_count != 0 && user_count != tenant_count)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the lists of users and tenants must be of the same length"),
				 errdetail("There are %d users and %d tenants.", user_count, tenant_count),
				 errhint("The n-th user is tested with the n-th tenant: '{u1,u2}', '{t1,t2}'.")));
	/* no context at all is worth a test too */
	for (int i = 0; i < Max(count, 1); i++)
		run_test(fcinfo, table, role, user_count ? users[i] : NULL,
				 tenant_count ? tenants[i] : NULL);
	return (Datum) 0;
}

Datum
cmig_rls_test(PG_FUNCTION_ARGS)
{
	return test_contexts(fcinfo, false);
}

Datum
cmig_rls_test_matrix(PG_FUNCTION_ARGS)
{
	return test_contexts(fcinfo, true);
}
