/*
 * whole.c
 *	  Compares the live schema with an empty database.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "compare/tool_table.h"
#include "kinds/kinds.h"
#include "schema/image_read.h"
#include "schema/whole.h"

/* Returns an image with schema public as it is in a new database. */
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

/* Raise an error if a named schema does not exist. */
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

CmigDifference *
cmig_whole_difference(const CmigManaged *managed, const CmigDiffOptions *options, bool with_tools)
{
	CmigImage  *from,
			   *to;

	check_schemas(managed);
	to = cmig_image_read(managed);
	from = empty_image();
	cmig_image_finish(from);
	if (cmig_image_lookup(to, &cmig_kind_schema, "public") == NULL)
	{
		from = cmig_image_new();
		cmig_image_finish(from);
	}
	if (!with_tools)
		cmig_tool_table_keep(to, from);
	return cmig_compare(from, to, options);
}
