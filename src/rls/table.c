/*
 * table.c
 *	  Reads a table's properties, policies, and keys.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/base.h"
#include "base/compat.h"
#include "parse/parse.h"
#include "rls/internal.h"

#include "access/htup_details.h"
#include "access/relation.h"
#include "catalog/catalog.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/parsenodes.h"
#include "parser/parse_clause.h"
#include "parser/parse_collate.h"
#include "parser/parse_node.h"
#include "parser/parse_relation.h"
#include "parser/parser.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

/*
 * This module reads the catalogs and changes nothing.  A policy is considered
 * to be created by enable_rls if its comment contains the state; policies that
 * were created by hand are never changed.
 */

/*
 * The columns of a table.  For each column, the query returns the type to
 * which a setting is cast if the column is a key.
 */
static CmigQuery read_columns = {
	"SELECT a.attname::text,"
	" CASE b.oid WHEN 'uuid'::regtype THEN 'uuid' WHEN 'int8'::regtype THEN 'bigint'"
	"  WHEN 'int4'::regtype THEN 'integer' WHEN 'int2'::regtype THEN 'smallint'"
	"  WHEN 'text'::regtype THEN 'text' WHEN 'varchar'::regtype THEN 'text' END,"
	" format_type(a.atttypid, a.atttypmod),"
	" CASE WHEN a.attgenerated = '' THEN pg_get_expr(d.adbin, d.adrelid) END,"
	" a.attidentity <> '' OR a.attgenerated <> '',"
	" (SELECT i.relname::text"
	"  FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid"
	"  JOIN pg_description e ON e.objoid = i.oid AND e.classoid = 'pg_class'::regclass AND e.objsubid = 0"
	"  WHERE x.indrelid = a.attrelid AND x.indkey[0] = a.attnum AND x.indpred IS NULL AND x.indisvalid"
	"  AND position('[cmig.enable_rls index]' IN e.description) > 0 ORDER BY i.relname LIMIT 1),"
	" EXISTS (SELECT FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid"
	"  JOIN pg_am m ON m.oid = i.relam AND m.amname IN ('btree', 'hash')"
	"  WHERE x.indrelid = a.attrelid AND x.indkey[0] = a.attnum AND x.indpred IS NULL AND x.indisvalid"
	"  AND NOT EXISTS (SELECT FROM pg_description e WHERE e.objoid = i.oid"
	"   AND e.classoid = 'pg_class'::regclass AND e.objsubid = 0"
	"   AND position('[cmig.enable_rls index]' IN e.description) > 0))"
	" FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid"

	/*
	 * find the base type of a domain, even if it is a domain over another
	 * domain
	 */
	" CROSS JOIN LATERAL (WITH RECURSIVE up(oid, base, kind) AS ("
	"   SELECT t.oid, t.typbasetype, t.typtype"
	"   UNION ALL SELECT y.oid, y.typbasetype, y.typtype FROM up JOIN pg_type y ON y.oid = up.base"
	"   WHERE up.kind = 'd') SELECT up.oid FROM up WHERE up.kind <> 'd') b"
	" LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum"
	" WHERE a.attrelid = $1 AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum",
	1, {OIDOID}
};

static CmigQuery read_policies = {
	"SELECT p.polname::text, p.polpermissive, p.polcmd::text, p.polroles,"
	" p.polqual::text, p.polwithcheck::text, d.description"
	" FROM pg_policy p LEFT JOIN pg_description d ON d.objoid = p.oid"
	" AND d.classoid = 'pg_policy'::regclass AND d.objsubid = 0"
	" WHERE p.polrelid = $1 ORDER BY p.polname",
	1, {OIDOID}
};

static CmigQuery read_made_indexes = {
	"SELECT i.relname::text"
	" FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid"
	" JOIN pg_description e ON e.objoid = i.oid AND e.classoid = 'pg_class'::regclass AND e.objsubid = 0"
	" WHERE x.indrelid = $1 AND position('[cmig.enable_rls index]' IN e.description) > 0"
	" ORDER BY i.relname",
	1, {OIDOID}
};

/*
 * Raise an error because the relation cannot have policies.  "what" is a
 * phrase for its kind, such as "a view".
 */
static void
refuse(const char *name, const char *what, const char *hint)
{
	ereport(ERROR,
			(errcode(ERRCODE_WRONG_OBJECT_TYPE),
			 errmsg("row-level security cannot be enabled on %s", name),
			 errdetail("It is %s.", what),
			 errhint("%s", hint)));
}

/* Raise an error for a relation that is not a table. */
static void
refuse_other_kinds(const char *name, char relkind)
{
	switch (relkind)
	{
		case RELKIND_RELATION:
		case RELKIND_PARTITIONED_TABLE:
			break;
		case RELKIND_VIEW:
			refuse(name, "a view",
				   psprintf("Enable row-level security on the underlying tables, and let the view read with its user's privileges: ALTER VIEW %s SET (security_invoker = true)",
							name));
			break;
		case RELKIND_MATVIEW:
			refuse(name, "a materialized view",
				   "Give the application a security_invoker view of the underlying tables instead, because the materialized view contains the rows that its owner saw.");
			break;
		case RELKIND_FOREIGN_TABLE:
			refuse(name, "a foreign table",
				   "Enable row-level security on the foreign server, or give the application a view that filters.");
			break;
		case RELKIND_INDEX:
		case RELKIND_PARTITIONED_INDEX:
			refuse(name, "an index", "Specify the table of the index.");
			break;
		default:
			refuse(name, "not a table", "Specify a table.");
	}
}

void
cmig_rls_table_require(Oid relid)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	Form_pg_class form;
	char	   *nspname;
	char	   *name;

	if (!HeapTupleIsValid(tuple))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("relation with OID %u does not exist", relid),
				 errhint("Specify the table as 'schema.table'.")));
	form = (Form_pg_class) GETSTRUCT(tuple);
	nspname = cmig_query_schema_name(form->relnamespace);
	name = quote_qualified_identifier(nspname, NameStr(form->relname));
	if (form->relpersistence == RELPERSISTENCE_TEMP)
		refuse(quote_identifier(NameStr(form->relname)), "a temporary table",
			   "A temporary table needs no policies, because only its own session can access it.");
	if (IsCatalogNamespace(form->relnamespace) || IsToastNamespace(form->relnamespace) ||
		strcmp(nspname, "information_schema") == 0 || relid < FirstNormalObjectId)
		refuse(name, "a system catalog", "Specify a table of your own.");

	/*
	 * tables of the audit log are allowed: policies may let tenants read
	 * their part of the log
	 */
	if (strcmp(nspname, "cmig") == 0 ||
		(strcmp(nspname, "cmig_audit") == 0 && strncmp(NameStr(form->relname), "log", 3) != 0))
		refuse(name, "part of pg_cmig", "To grant privileges on it, use cmig.grant_access()");

	refuse_other_kinds(name, form->relkind);
	if (!has_privs_of_role(GetUserId(), form->relowner))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("must be owner of table %s", NameStr(form->relname)),
				 errdetail("It belongs to role %s.",
						   quote_identifier(GetUserNameFromId(form->relowner, false))),
				 errhint("Call the function as that role.")));
	ReleaseSysCache(tuple);
}

/* Callback that reads a row of a table's columns. */
static void
take_column(TupleDesc desc, HeapTuple row, void *arg)
{
	CmigRlsTable *table = arg;
	CmigRlsColumn *column = palloc0(sizeof(CmigRlsColumn));
	bool		isnull;

	column->name = cmig_query_text(desc, row, 1);
	column->cast = cmig_query_text(desc, row, 2);
	column->type = cmig_query_text(desc, row, 3);
	column->fallback = cmig_query_text(desc, row, 4);
	column->generated = DatumGetBool(cmig_query_datum(desc, row, 5, &isnull));
	column->made_index = cmig_query_text(desc, row, 6);
	column->indexed = DatumGetBool(cmig_query_datum(desc, row, 7, &isnull));
	table->columns = lappend(table->columns, column);
}

/* Convert an array of OIDs to a List of CmigRlsRole. */
static List *
roles_of_array(ArrayType *array)
{
	List	   *roles = NIL;
	Datum	   *elements;
	int			count;

	deconstruct_array(array, OIDOID, sizeof(Oid), true, TYPALIGN_INT,
					  &elements, NULL, &count);
	for (int i = 0; i < count; i++)
	{
		CmigRlsRole *role = palloc0(sizeof(CmigRlsRole));

		role->oid = DatumGetObjectId(elements[i]);
		role->name = OidIsValid(role->oid) ? GetUserNameFromId(role->oid, true) : pstrdup("public");
		if (role->name == NULL)
			role->name = psprintf("%u", role->oid);
		roles = lappend(roles, role);
	}
	return roles;
}

/* Callback that reads a row of a table's policies. */
static void
take_policy(TupleDesc desc, HeapTuple row, void *arg)
{
	CmigRlsTable *table = arg;
	CmigRlsPolicy *policy = palloc0(sizeof(CmigRlsPolicy));
	CmigRlsState *state;
	char	   *command;
	bool		isnull;

	policy->name = cmig_query_text(desc, row, 1);
	policy->permissive = DatumGetBool(cmig_query_datum(desc, row, 2, &isnull));
	command = cmig_query_text(desc, row, 3);
	policy->commands = command[0] == 'r' ? CMIG_RLS_SELECT :
		command[0] == 'a' ? CMIG_RLS_INSERT :
		command[0] == 'w' ? CMIG_RLS_UPDATE :
		command[0] == 'd' ? CMIG_RLS_DELETE : CMIG_RLS_ALL;
	policy->roles = roles_of_array(DatumGetArrayTypePCopy(cmig_query_datum(desc, row, 4, &isnull)));
	policy->qual = cmig_query_text(desc, row, 5);
	policy->check = cmig_query_text(desc, row, 6);
	policy->about = cmig_query_text(desc, row, 7);
	state = cmig_rls_state_read(policy->about);
	policy->made = (state != NULL);
	if (state && table->state == NULL)
		table->state = state;
	table->policies = lappend(table->policies, policy);
}

/* Callback that appends a name to a list. */
static void
take_name(TupleDesc desc, HeapTuple row, void *arg)
{
	List	  **names = arg;

	*names = lappend(*names, cmig_query_text(desc, row, 1));
}

CmigRlsTable *
cmig_rls_table_read(Oid relid)
{
	CmigRlsTable *table = palloc0(sizeof(CmigRlsTable));
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	Form_pg_class form;
	Datum		values[1] = {ObjectIdGetDatum(relid)};

	if (!HeapTupleIsValid(tuple))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("relation with OID %u does not exist", relid)));
	form = (Form_pg_class) GETSTRUCT(tuple);
	table->relid = relid;
	table->owner = form->relowner;
	table->nspname = cmig_query_schema_name(form->relnamespace);
	table->relname = pstrdup(NameStr(form->relname));
	table->name = quote_qualified_identifier(table->nspname, table->relname);
	table->partition = form->relispartition;
	table->by_citus = cmig_citus_manages(relid);
	table->enabled = form->relrowsecurity;
	table->forced = form->relforcerowsecurity;
	ReleaseSysCache(tuple);

	cmig_query_each(&read_columns, values, NULL, take_column, table);
	cmig_query_each(&read_policies, values, NULL, take_policy, table);
	cmig_query_each(&read_made_indexes, values, NULL, take_name, &table->made_indexes);
	return table;
}

CmigRlsColumn *
cmig_rls_table_column(const CmigRlsTable *table, const char *name)
{
	ListCell   *lc;

	foreach(lc, table->columns)
	{
		CmigRlsColumn *column = lfirst(lc);

		if (strcmp(column->name, name) == 0)
			return column;
	}
	return NULL;
}

List *
cmig_rls_table_family(Oid relid, LOCKMODE mode)
{
	return find_all_inheritors(relid, mode, NULL);
}

/* Convert SQL text to the expression tree that CREATE POLICY would store. */
static Node *
parse_expression(Oid relid, const char *text)
{
	Relation	relation = relation_open(relid, AccessShareLock);
	ParseState *pstate = make_parsestate(NULL);
	List	   *parsed = cmig_raw_parse(psprintf("SELECT (%s)", text), RAW_PARSE_DEFAULT);
	SelectStmt *select = castNode(SelectStmt, linitial_node(RawStmt, parsed)->stmt);
	ParseNamespaceItem *item;
	Node	   *tree;

	item = addRangeTableEntryForRelation(pstate, relation, AccessShareLock,
										 NULL, false, false);
	addNSItemToQuery(pstate, item, false, true, true);
	tree = transformWhereClause(pstate, linitial_node(ResTarget, select->targetList)->val,
								EXPR_KIND_POLICY, "POLICY");
	assign_expr_collations(pstate, tree);
	free_parsestate(pstate);
	relation_close(relation, NoLock);
	return tree;
}

bool
cmig_rls_table_same(Oid relid, const char *text, const char *tree)
{
	int			guc_level;
	bool		same;

	if (text == NULL || tree == NULL)
		return text == NULL && tree == NULL;

	guc_level = NewGUCNestLevel();
	cmig_settings_pin_search_path();
	same = equal(parse_expression(relid, text), stringToNode((char *) tree));
	AtEOXact_GUC(false, guc_level);
	return same;
}

/*
 * These columns are named in the options or have the usual names.  If a column
 * cannot be a key, the error message lists the columns that can.
 */

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
