/*
 * diff.c
 *	  cmig.diff and cmig.diff_schemas: turn one schema into another.
 *
 * The live image is read first.  The other one is read in the shadow, either
 * after the target's SQL has run there, or while the other schema has the
 * first one's name; so names are the same in both images.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/argument.h"
#include "schema/deparse.h"
#include "schema/diff_options.h"
#include "schema/hazard.h"
#include "schema/image_read.h"
#include "schema/normal.h"
#include "schema/rename_read.h"
#include "schema/shadow.h"
#include "schema/target.h"

#include "catalog/namespace.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

PG_FUNCTION_INFO_V1(cmig_diff);
PG_FUNCTION_INFO_V1(cmig_diff_schemas);

#define COLUMNS 7

typedef struct Diff
{
	ReturnSetInfo *result;
	int32		step;
	const char *target_sql;
	CmigTarget *target;
	CmigManaged *managed;		/* schemas of the image that is read in the
								 * shadow */
	CmigImage  *image;
	Oid			from_schema;	/* for diff_schemas */
	char	   *from_name;
} Diff;

/*
 * Rows
 */

static void
put_row(const CmigDiffRow *row, void *arg)
{
	Diff	   *diff = arg;
	const char *texts[] = {row->action, row->kind, row->object, row->upgrade, row->downgrade, cmig_hazard_text(row)};
	Datum		values[COLUMNS];
	bool		nulls[COLUMNS] = {0};

	values[0] = Int32GetDatum(++diff->step);
	for (int i = 1; i < COLUMNS; i++)
	{
		nulls[i] = texts[i - 1] == NULL;
		values[i] = nulls[i] ? (Datum) 0 : CStringGetTextDatum(texts[i - 1]);
	}
	tuplestore_putvalues(diff->result->setResult, diff->result->setDesc, values, nulls);
}

/* Report the parts of the target's SQL that could not be run. */
static void
put_notes(Diff *diff, const CmigTarget *target)
{
	ListCell   *cell;

	foreach(cell, target->notes)
	{
		const CmigTargetNote *note = lfirst(cell);
		CmigDiffRow row = {"unsupported", note->kind, note->object, NULL, NULL, note->reason};

		put_row(&row, diff);
	}
}

static void
put_difference(Diff *diff, CmigImage *from, const CmigDiffOptions *options)
{
	CmigDifference *difference = cmig_compare(from, diff->image, options);

	cmig_rename_tell(difference);
	cmig_deparse(difference, put_row, diff);
}

/*
 * cmig.diff
 */

static bool
has_schema(const CmigManaged *managed, const char *name)
{
	for (int i = 0; i < managed->count; i++)
	{
		if (OidIsValid(managed->schemas[i].oid) && strcmp(managed->schemas[i].name, name) == 0)
			return true;
	}
	return false;
}

/* Report a schema that exists on neither side: its name may be mistyped. */
static void
check_schemas(const CmigManaged *live, const CmigManaged *target)
{
	for (int i = 0; i < live->count; i++)
	{
		if (!OidIsValid(live->schemas[i].oid) && !has_schema(target, live->schemas[i].name))
			ereport(WARNING,
					(errcode(ERRCODE_UNDEFINED_SCHEMA),
					 errmsg("schema \"%s\" exists neither in the database nor in the target",
							live->schemas[i].name)));
	}
}

static void
read_target(CmigShadow *shadow, void *arg)
{
	Diff	   *diff = arg;
	CmigManaged *schemas;

	diff->target = cmig_target_run(shadow, diff->target_sql);
	schemas = cmig_shadow_schemas(shadow);
	check_schemas(shadow->managed, schemas);
	diff->image = cmig_image_read(schemas);
}

Datum
cmig_diff(PG_FUNCTION_ARGS)
{
	Diff		diff = {0};
	CmigDiffOptions options = {0};
	CmigManaged *managed = cmig_diff_schemas_argument(fcinfo, 1);
	CmigImage  *from;

	InitMaterializedSRF(fcinfo, 0);
	diff.result = (ReturnSetInfo *) fcinfo->resultinfo;
	cmig_diff_arguments(fcinfo, 2, &options);
	diff.target_sql = cmig_argument_text(fcinfo, 0);
	if (diff.target_sql == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("target_sql must not be null")));

	from = cmig_image_read(managed);
	cmig_shadow_run(managed, "cmig.diff", read_target, &diff);
	from = cmig_rename_read(managed, from, diff.image, options.renames, diff.target->renames, put_row, &diff);
	put_difference(&diff, from, &options);
	put_notes(&diff, diff.target);
	return (Datum) 0;
}

/*
 * cmig.diff_schemas
 */

/*
 * Read the other schema while it has the first one's name, and the first one
 * has a temporary name.  Its references to the first schema are then replaced
 * by references to itself.
 */
static void
read_renamed(CmigShadow *shadow, void *arg)
{
	Diff	   *diff = arg;
	char	   *old = get_namespace_name(diff->from_schema);
	char	   *new;

	diff->image = cmig_image_read(diff->managed);
	if (diff->from_schema == diff->managed->schemas[0].oid)
		return;
	old = psprintf("%s.", old);
	new = psprintf("%s.", quote_identifier(diff->from_name));
	for (int i = 0; i < diff->image->count; i++)
	{
		CmigObject *object = diff->image->objects[i];

		for (int j = 0; j < object->kind->nproperties; j++)
			object->values[j] = cmig_normal_rename(object->values[j], old, new);
	}
}

static CmigManaged *
one_schema(FunctionCallInfo fcinfo, int n, const char *argument)
{
	char	   *name = cmig_argument_text(fcinfo, n);
	CmigManaged *managed;

	if (name == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("%s must not be null", argument)));
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
	CmigImage  *from;

	InitMaterializedSRF(fcinfo, 0);
	diff.result = (ReturnSetInfo *) fcinfo->resultinfo;
	cmig_diff_arguments(fcinfo, 2, &options);
	diff.managed = one_schema(fcinfo, 1, "to_schema");
	diff.from_schema = from_schema->schemas[0].oid;
	diff.from_name = from_schema->schemas[0].name;

	from = cmig_image_read(from_schema);
	cmig_shadow_rename(diff.managed->schemas[0].oid, from_schema->schemas[0].name,
					   "cmig.diff_schemas", read_renamed, &diff);
	from = cmig_rename_read(from_schema, from, diff.image, options.renames, NIL, put_row, &diff);
	put_difference(&diff, from, &options);
	return (Datum) 0;
}
