/*
 * schema_sql.c
 *	  cmig.schema_sql: the schema as SQL.
 *
 * It is the difference from an empty database, so that what restores a schema
 * and what diff makes is the same.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "schema/deparse.h"
#include "schema/diff_options.h"
#include "schema/image_read.h"
#include "schema/kinds.h"

#include "fmgr.h"
#include "utils/builtins.h"

PG_FUNCTION_INFO_V1(cmig_schema_sql);

static void
append_row(const CmigDiffRow *row, void *arg)
{
	StringInfo	sql = arg;

	if (sql->len > 0 && strcmp(row->action, "alter") != 0)
		appendStringInfoChar(sql, '\n');
	if (row->upgrade == NULL)
		appendStringInfo(sql, "-- unsupported: %s %s\n", row->kind, row->object);
	else
		appendStringInfo(sql, "%s;\n", row->upgrade);
}

/* Schema public as it is in a new database. */
static CmigImage *
empty_image(void)
{
	CmigImage  *image = cmig_image_new();
	CmigObject *schema = cmig_object_new(&cmig_kind_schema, "public", "public");
	CmigGrant  *grant = palloc0(sizeof(CmigGrant));

	grant->grantee = "PUBLIC";
	grant->privilege = "USAGE";
	grant->granted = true;
	schema->grants = lappend(NIL, grant);
	schema->owner = "pg_database_owner";
	schema->comment = "standard public schema";
	cmig_image_add(image, schema);
	return image;
}

/* Schemas that were named must exist. */
static void
check_schemas(const CmigManaged *managed)
{
	for (int i = 0; i < managed->count; i++)
		if (!OidIsValid(managed->schemas[i].oid))
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_SCHEMA),
					 errmsg("schema \"%s\" does not exist", managed->schemas[i].name),
					 errhint("To see the names: SELECT nspname FROM pg_catalog.pg_namespace")));
}

Datum
cmig_schema_sql(PG_FUNCTION_ARGS)
{
	CmigDiffOptions options = {.all_owners = true,.sorted = true};
	CmigManaged *managed = cmig_diff_schemas_argument(fcinfo, 0);
	CmigImage  *from,
			   *to;
	StringInfoData sql;

	cmig_diff_annotations(fcinfo, 1, &options);
	check_schemas(managed);
	to = cmig_image_read(managed);
	from = empty_image();
	cmig_image_finish(from);
	if (cmig_image_lookup(to, &cmig_kind_schema, "public") == NULL)
	{
		from = cmig_image_new();
		cmig_image_finish(from);
	}
	initStringInfo(&sql);
	cmig_deparse(cmig_compare(from, to, &options), append_row, &sql);
	PG_RETURN_TEXT_P(cstring_to_text_with_len(sql.data, sql.len));
}
