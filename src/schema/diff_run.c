/*
 * diff_run.c
 *	  The differences between the live schema and the one that a script
 *	  creates.
 *
 * The live image is read first.  The other one is read in the shadow, after
 * the target's SQL has run there.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "schema/deparse.h"
#include "schema/diff_run.h"
#include "schema/image_read.h"
#include "schema/rename_read.h"
#include "schema/shadow.h"
#include "schema/target.h"

typedef struct DiffRun
{
	const char *target_sql;
	CmigTarget *target;
	CmigImage  *image;			/* of the target */
} DiffRun;

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
	DiffRun    *run = arg;
	CmigManaged *schemas;

	run->target = cmig_target_run(shadow, run->target_sql);
	schemas = cmig_shadow_schemas(shadow);
	check_schemas(shadow->managed, schemas);
	run->image = cmig_image_read(schemas);
}

/* Add the parts of the target's SQL that could not be run. */
static void
add_notes(List **lines, const CmigTarget *target)
{
	ListCell   *cell;

	foreach(cell, target->notes)
	{
		const CmigTargetNote *note = lfirst(cell);

		cmig_diff_line_add_unsupported(lines, note->kind, note->object, note->reason);
	}
}

List *
cmig_diff_run(const CmigManaged *managed, const char *target_sql,
			  const CmigDiffOptions *options, const char *function)
{
	DiffRun		run = {target_sql};
	CmigDifference *difference;
	CmigImage  *from;
	List	   *lines = NIL;

	if (target_sql == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("target_sql must not be null")));
	from = cmig_image_read(managed);
	cmig_shadow_run(managed, function, read_target, &run);
	from = cmig_rename_read(managed, from, run.image, options->renames, run.target->renames,
							cmig_diff_line_add, &lines);
	difference = cmig_compare(from, run.image, options);
	cmig_rename_tell(difference);
	cmig_deparse(difference, cmig_diff_line_add, &lines);
	add_notes(&lines, run.target);
	return lines;
}
