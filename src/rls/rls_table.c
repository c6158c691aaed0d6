/*
 * rls_table.c
 *	  Reads the table properties on which row-level security depends.
 *
 * This module reads the catalogs and changes nothing.  A policy is considered
 * to be created by enable_rls if its comment contains the state; policies that
 * were created by hand are never changed.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/citus.h"
#include "base/compat.h"
#include "base/errors.h"
#include "base/query.h"
#include "base/settings.h"
#include "parse/raw_parse.h"
#include "rls/rls.h"

#include "access/htup_details.h"
#include "access/relation.h"
#include "catalog/catalog.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_type.h"
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
	nspname = get_namespace_name(form->relnamespace);
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
	table->nspname = get_namespace_name(form->relnamespace);
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
