/*
 * diff.c
 *	  cmig.diff and cmig.diff_schemas, which return the statements that turn
 *	  one schema into another.
 *
 * The live image is read first.  The other image is read in the shadow, either
 * after the target's SQL has run there, or while the other schema temporarily
 * has the first schema's name, so that both images use the same names.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/argument.h"
#include "compare/deparse.h"
#include "compare/keep.h"
#include "kinds/kinds.h"
#include "kinds/normal.h"
#include "schema/body_check.h"
#include "schema/diff_line.h"
#include "schema/diff_options.h"
#include "schema/diff_put.h"
#include "schema/diff_run.h"
#include "schema/image_read.h"
#include "schema/initial_grants.h"
#include "schema/others.h"
#include "schema/outside.h"
#include "schema/own_name.h"
#include "schema/rename_read.h"
#include "shadow/shadow.h"

#include "catalog/namespace.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

PG_FUNCTION_INFO_V1(cmig_diff);
PG_FUNCTION_INFO_V1(cmig_diff_schemas);

/* A call of cmig.diff_schemas. */
typedef struct Diff
{
	CmigManaged *managed;		/* the schemas to read in the shadow */
	CmigImage  *image;
	CmigImage  *from;			/* the image of the first schema */
	Oid			from_schema;
	char	   *from_name;
} Diff;

Datum
cmig_diff(PG_FUNCTION_ARGS)
{
	CmigDiffOptions options = {0};
	CmigManaged *managed = cmig_diff_schemas_argument(fcinfo, 1);

	cmig_argument_require(fcinfo, 0, "target_sql", "SELECT * FROM cmig.diff('<target_sql>')");
	InitMaterializedSRF(fcinfo, 0);
	cmig_diff_arguments(fcinfo, 2, &options);
	cmig_diff_put(fcinfo, cmig_diff_run(managed, cmig_argument_text(fcinfo, 0), &options, "cmig.diff()"));
	return (Datum) 0;
}

/*
 * cmig.diff_schemas
 */

/*
 * Read the other schema while it has the first schema's name, and the first
 * schema has a temporary name.  In the image, references from the other schema
 * to the first one are rewritten as references to the other schema.
 */
static void
read_renamed(CmigShadow *shadow, void *arg)
{
	Diff	   *diff = arg;
	const CmigManagedSchema *to = &diff->managed->schemas[0];
	char	   *old = get_namespace_name(diff->from_schema);
	char	   *new;

	diff->image = cmig_image_read(diff->managed);
	if (diff->from_schema != to->oid)
		cmig_own_name_replace_all(diff->image, to->oid, to->name, diff->from_name);
	cmig_body_check(diff->image, diff->from);
	if (diff->from_schema == to->oid)
		return;
	old = psprintf("%s.", old);
	new = psprintf("%s.", quote_identifier(diff->from_name));
	for (int i = 0; i < diff->image->count; i++)
	{
		CmigObject *object = diff->image->objects[i];

		for (int j = 0; j < object->kind->nproperties; j++)
			cmig_object_set(object, j, cmig_normal_rename(object->values[j], old, new));
	}
}

/*
 * If one of the schemas is public, ignore differences in owner, privileges,
 * and comment, because those of public differ from those of other new schemas.
 */
static void
leave_public(const CmigImage *from, const CmigImage *to, const char *from_name, const char *to_name)
{
	const CmigObject *old = cmig_image_lookup(from, &cmig_kind_schema, quote_identifier(from_name));
	CmigObject *new = cmig_image_lookup(to, &cmig_kind_schema, quote_identifier(from_name));

	if (old == NULL || new == NULL || (strcmp(from_name, "public") != 0 && strcmp(to_name, "public") != 0))
		return;
	new->owner = old->owner;
	new->grants = old->grants;
	new->comment = old->comment;
}

/*
 * Returns the schema that an argument names, as a list of schemas to compare.
 */
static CmigManaged *
one_schema(FunctionCallInfo fcinfo, int n, const char *argument)
{
	char	   *name = cmig_argument_text(fcinfo, n);
	CmigManaged *managed;

	cmig_argument_require(fcinfo, n, argument, "SELECT * FROM cmig.diff_schemas('<from_schema>', '<to_schema>')");
	managed = cmig_managed_schemas(cmig_argument_one(name));
	if (!OidIsValid(managed->schemas[0].oid))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_SCHEMA),
				 errmsg("schema \"%s\" does not exist", name),
				 errhint("To see the names: SELECT nspname FROM pg_catalog.pg_namespace")));
	return managed;
}

Datum
cmig_diff_schemas(PG_FUNCTION_ARGS)
{
	Diff		diff = {0};
	CmigDiffOptions options = {0};
	CmigManaged *from_schema = one_schema(fcinfo, 0, "from_schema");
	CmigDifference *difference;
	CmigImage  *from;
	List	   *lines = NIL;

	InitMaterializedSRF(fcinfo, 0);
	cmig_diff_arguments(fcinfo, 2, &options);
	diff.managed = one_schema(fcinfo, 1, "to_schema");
	diff.from_schema = from_schema->schemas[0].oid;
	diff.from_name = from_schema->schemas[0].name;

	options.initial = cmig_initial_grants_read();
	diff.from = from = cmig_image_read(from_schema);
	cmig_shadow_rename(diff.managed->schemas[0].oid, from_schema->schemas[0].name,
					   "cmig.diff_schemas()", read_renamed, &diff);
	from = cmig_rename_read(from_schema, from, diff.image, options.renames, NIL, cmig_diff_line_add, &lines);
	cmig_others_mark(from);
	cmig_keep_partitions(from, diff.image, "The second schema has");
	leave_public(from, diff.image, from_schema->schemas[0].name, diff.managed->schemas[0].name);
	difference = cmig_compare(from, diff.image, &options);
	cmig_body_check_changed(difference);
	cmig_outside_refuse(difference, from_schema);
	cmig_rename_tell(difference);
	cmig_deparse(difference, cmig_diff_line_add, &lines);
	cmig_diff_put(fcinfo, lines);
	return (Datum) 0;
}
