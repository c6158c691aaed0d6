/*
 * rls_enable_schema.c
 *	  Implements cmig.enable_rls_schema.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/argument.h"
#include "base/compat.h"
#include "base/listing.h"
#include "base/query.h"
#include "rls/rls_apply.h"
#include "rls/rls_keys.h"
#include "rls/rls_options.h"
#include "rls/rls_plan.h"

#include "access/xact.h"
#include "catalog/catalog.h"
#include "catalog/namespace.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

PG_FUNCTION_INFO_V1(cmig_enable_rls_schema);

static CmigQuery schema_tables = {
	"SELECT c.oid FROM pg_class c WHERE c.relnamespace = $1"
	" AND c.relkind IN ('r', 'p') AND c.relpersistence <> 't'"
	" ORDER BY c.relispartition, EXISTS (SELECT FROM pg_inherits i WHERE i.inhrelid = c.oid), c.relname",
	1, {OIDOID}
};

/* Returns a name as an element of an array literal, quoted if necessary. */
static char *
array_element(const char *name)
{
	StringInfoData text;

	if (name[strcspn(name, "\"\\{}, ")] == '\0')
		return pstrdup(name);
	initStringInfo(&text);
	appendStringInfoChar(&text, '"');
	for (; *name; name++)
		appendStringInfo(&text, "%s%c", *name == '"' || *name == '\\' ? "\\" : "", *name);
	appendStringInfoChar(&text, '"');
	return text.data;
}

/*
 * Returns the tables to leave out: the tables in argument n and all tables
 * that inherit from them.
 */
static List *
excepted_argument(FunctionCallInfo fcinfo, int n, Oid namespace, const char *schema)
{
	List	   *excepted = NIL;
	Datum	   *elements;
	bool	   *nulls;
	int			count;

	if (PG_ARGISNULL(n))
		return NIL;
	deconstruct_array(PG_GETARG_ARRAYTYPE_P(n), REGCLASSOID, sizeof(Oid), true, TYPALIGN_INT,
					  &elements, &nulls, &count);
	for (int i = 0; i < count; i++)
	{
		Oid			relid = nulls[i] ? InvalidOid : DatumGetObjectId(elements[i]);
		char	   *name = get_rel_name(relid);

		if (nulls[i])
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("except_tables must not contain null")));
		if (name == NULL || get_rel_namespace(relid) != namespace)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("table %s in except_tables is not in schema \"%s\"",
							name ? quote_identifier(name) : psprintf("%u", relid), schema),
					 errhint("Name tables of the schema, as in except_tables => '{%s.<table>}'",
							 quote_identifier(schema))));
		excepted = list_concat_unique_oid(excepted, find_all_inheritors(relid, AccessShareLock, NULL));
	}
	return excepted;
}

/*
 * Returns the tables of a schema that have a key, except for the tables in
 * "excepted", and locks those that the caller may alter.  If row-level security
 * cannot be enabled on some of the tables, raises an error that lists them.
 */
static List *
schema_tables_with_key(Oid namespace, const char *schema, const CmigRlsOptions *options,
					   const List *excepted)
{
	List	   *all = NIL;
	List	   *tables = NIL;
	Datum		values[1] = {ObjectIdGetDatum(namespace)};
	CmigListing obstacles;
	StringInfoData names;
	int			sqlstate = 0;
	ListCell   *lc;

	cmig_query_each(&schema_tables, values, NULL, cmig_query_keep_oid, &all);
	cmig_listing_init(&obstacles, CMIG_LISTING_LINES);
	initStringInfo(&names);
	foreach(lc, all)
	{
		Oid			relid = lfirst_oid(lc);
		CmigRlsTable *table;
		char	   *obstacle;
		int			code = 0;

		if (list_member_oid(excepted, relid) || get_rel_name(relid) == NULL)
			continue;
		table = cmig_rls_table_read(relid);
		if (!cmig_rls_keys_exist(options, table))
			continue;
		/* do not lock other roles' tables */
		if (has_privs_of_role(GetUserId(), table->owner))
		{
			LockRelationOid(relid, AccessExclusiveLock);
			if (get_rel_name(relid) == NULL)
				continue;
			table = cmig_rls_table_read(relid);
		}
		obstacle = cmig_rls_plan_obstacle(options, table, &code);
		tables = lappend_oid(tables, relid);
		if (obstacle == NULL)
			continue;
		if (obstacles.count == 0)
			sqlstate = code;
		cmig_listing_add_format(&obstacles, "%s: %s.", table->name, obstacle);
		appendStringInfo(&names, "%s%s", obstacles.count > 1 ? "," : "", array_element(table->name));
	}
	if (obstacles.count == 0)
		return tables;
	ereport(ERROR,
			(errcode(sqlstate),
			 errmsg_plural("row-level security cannot be enabled on %d table in schema \"%s\"",
						   "row-level security cannot be enabled on %d tables in schema \"%s\"",
						   obstacles.count, obstacles.count, schema),
			 errdetail_internal("%s", cmig_listing_text(&obstacles)),
			 errhint("Nothing was changed. Fix these tables, or leave them out: except_tables => %s",
					 quote_literal_cstr(psprintf("{%s}", names.data)))));
}

Datum
cmig_enable_rls_schema(PG_FUNCTION_ARGS)
{
	char	   *schema = cmig_argument_text(fcinfo, 0);
	Oid			namespace;
	CmigRlsOptions *options;
	List	   *excepted;
	bool		any = false;
	bool		warned = false;
	ListCell   *lc;

	InitMaterializedSRF(fcinfo, 0);
	if (schema == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the schema must not be null"),
				 errhint("SELECT * FROM cmig.enable_rls_schema('public', roles => '{app}')")));
	namespace = get_namespace_oid(schema, false);
	if (IsCatalogNamespace(namespace) || IsToastNamespace(namespace) ||
		strcmp(schema, "information_schema") == 0 ||
		strcmp(schema, "cmig") == 0 || strcmp(schema, "cmig_audit") == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("row-level security cannot be enabled in schema \"%s\"", schema),
				 errhint("Specify a schema that belongs neither to the system nor to pg_cmig.")));
	options = cmig_rls_options_read(fcinfo, false);
	cmig_rls_options_require_roles(options, namespace);
	cmig_rls_options_check_roles(options);
	excepted = excepted_argument(fcinfo, 12, namespace, schema);

	foreach(lc, schema_tables_with_key(namespace, schema, options, excepted))
	{
		CmigRlsTable *table = cmig_rls_table_read(lfirst_oid(lc));

		if (!any)
			cmig_rls_apply_run_access(fcinfo, "", cmig_rls_apply_grant(options));
		any = true;
		cmig_rls_apply_run(fcinfo, table->owner, table->name, cmig_rls_plan_enable(options, table, NULL, true, false));
		cmig_rls_apply_warn_owner(options, table);
		CommandCounterIncrement();
		if (!warned)
			warned = cmig_rls_apply_warn_workers(options, table);
	}
	if (!any)
		ereport(NOTICE,
				(errmsg("no table in schema \"%s\" has a key column", schema),
				 errhint("cmig.enable_rls_schema looks for columns %s and %s. Specify other columns with user_column and tenant_column.",
						 options->user_column ? options->user_column : "user_id",
						 options->tenant_column ? options->tenant_column : "tenant_id")));
	return (Datum) 0;
}
