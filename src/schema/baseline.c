/*
 * baseline.c
 *	  cmig.baseline generates the first revision of a database that already has
 *	  a schema.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/argument.h"
#include "base/errors.h"
#include "base/listing.h"
#include "base/query.h"
#include "base/subtransaction.h"
#include "compare/deparse.h"
#include "graph/target.h"
#include "kinds/kinds.h"
#include "move/move.h"
#include "move/stamp.h"
#include "run/scope.h"
#include "schema/diff_options.h"
#include "schema/generate.h"
#include "schema/replay.h"
#include "schema/whole.h"
#include "tables/catalog.h"
#include "tables/version_rows.h"

#include "funcapi.h"
#include "utils/builtins.h"

PG_FUNCTION_INFO_V1(cmig_baseline);

/*
 * A replay of the applied revisions, and an image of what they create in the
 * named schemas.
 */
typedef struct Covered
{
	const CmigManaged *managed;
	const CmigReplayPlan *plan;
	CmigImage  *image;
} Covered;

/* Subtransaction callback: replay the applied revisions. */
static void
replay_applied(void *arg)
{
	Covered    *covered = arg;

	covered->image = cmig_replay_read(covered->plan, cmig_managed_names(covered->managed), "cmig.baseline()")->image;
}

/*
 * Would a baseline create the object again?  Returns false for objects without
 * a schema, objects that have a parent, and schema public.
 */
static bool
is_covered(const CmigObject *object)
{
	if (object->kind->flags & CMIG_KIND_GLOBAL || object->parent != NULL)
		return false;
	return object->kind != &cmig_kind_schema || strcmp(object->name, "public") != 0;
}

/*
 * Raise an error if applied revisions have created objects in the named
 * schemas.  Revisions that cannot be replayed, or that the caller is not allowed
 * to replay, are not examined.
 */
static void
require_uncovered(const CmigManaged *managed)
{
	CmigSituation now = cmig_move_read(true);
	Covered		covered = {managed, cmig_replay_plan_applied(&now)};
	ErrorData  *error = cmig_subtransaction_try(replay_applied, &covered);
	CmigListing objects;

	if (error != NULL && error->sqlerrcode != ERRCODE_CMIG_NOT_REPLAYABLE &&
		error->sqlerrcode != ERRCODE_INSUFFICIENT_PRIVILEGE)
		ReThrowError(error);
	cmig_listing_init(&objects, CMIG_LISTING_PLAIN);
	for (int i = 0; error == NULL && i < covered.image->count; i++)
	{
		const CmigObject *object = covered.image->objects[i];

		if (is_covered(object))
			cmig_listing_add_format(&objects, "%s %s", object->kind->name, object->identity);
	}
	if (objects.count == 0)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("applied revisions have already created objects in the schemas of the baseline"),
			 errdetail("The baseline would create them again: %s.", cmig_listing_text(&objects)),
			 errhint("To write a revision for what was changed by hand, use cmig.capture. To combine revisions into one, use cmig.squash.")));
}

/*
 * Raise an error if the baseline would create objects that applied revisions
 * have already created.
 */
static void
require_base(const CmigManaged *managed)
{
	const CmigNames *rows = cmig_version_rows_read();

	if (rows->count > 0 && !managed->all)
		require_uncovered(managed);
	else if (rows->count > 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("revisions are already applied in this database"),
				 errdetail("The baseline would create what revision \"%s\" and earlier revisions have already created.",
						   rows->names[0]),
				 errhint("If the baseline is for another application in this database, name its schemas: schemas => '{<schema>}'. To combine revisions into one, use cmig.squash.")));
}

/* Row callback: add the name to the list. */
static void
keep_name(TupleDesc desc, HeapTuple row, void *arg)
{
	List	  **names = arg;

	*names = lappend(*names, cmig_query_text(desc, row, 1));
}

/*
 * Add a line with the action "unsupported" for each audited table: audit
 * triggers contain ids, so only cmig.enable_audit() can create them.
 */
static void
add_audit(const CmigManaged *managed, List **lines)
{
	static CmigQuery query = {
		.sql = "SELECT DISTINCT format('%I.%I', n.nspname, c.relname) COLLATE \"C\" FROM pg_trigger t"
		" JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace"
		" JOIN pg_proc p ON p.oid = t.tgfoid JOIN pg_namespace pn ON pn.oid = p.pronamespace"
		" WHERE pn.nspname = 'cmig' AND p.proname = 'audit_trigger' AND n.nspname = ANY ($1) AND t.tgparentid = 0"
		" ORDER BY 1",
		.nargs = 1,.argtypes = {TEXTARRAYOID}
	};
	CmigNames	names = {0};
	List	   *tables = NIL;
	ListCell   *cell;
	Datum		value;

	names.names = palloc(sizeof(char *) * Max(managed->count, 1));
	for (int i = 0; i < managed->count; i++)
		names.names[names.count++] = managed->schemas[i].name;
	value = cmig_catalog_names_datum(&names);
	cmig_query_each(&query, &value, NULL, keep_name, &tables);
	foreach(cell, tables)
		cmig_diff_line_add_unsupported(lines, "audit", lfirst(cell),
									   psprintf("add SELECT cmig.enable_audit(%s)", quote_literal_cstr(lfirst(cell))));
}

Datum
cmig_baseline(PG_FUNCTION_ARGS)
{
	CmigGenerate generate = {.store = true};
	CmigDraft  *draft = &generate.draft;
	CmigDiffOptions options = {.all_owners = true,.sorted = true};
	CmigManaged *managed = cmig_diff_schemas_argument(fcinfo, 4);
	List	   *lines = NIL;

	cmig_scope_refuse("cmig.baseline()", "RESET cmig.scope");
	InitMaterializedSRF(fcinfo, 0);
	draft->new.text.edges.message = cmig_argument_text(fcinfo, 0);
	draft->new.text.edges.id = cmig_argument_text(fcinfo, 1);
	draft->new.head = "base";
	draft->new.label = cmig_argument_text(fcinfo, 2);
	draft->template = cmig_argument_text(fcinfo, 3);
	cmig_diff_annotations(fcinfo, 5, &options);

	cmig_generate_prepare(&generate, "cmig.baseline()");
	require_base(managed);
	cmig_deparse(cmig_whole_difference(managed, &options, false), cmig_diff_line_add, &lines);
	add_audit(managed, &lines);
	if (lines == NIL)
	{
		ereport(NOTICE,
				(errmsg("the schema is empty, so there is no revision to write")));
		return (Datum) 0;
	}
	cmig_generate_put(fcinfo, &generate, lines);
	cmig_stamp_targets(cmig_argument_one(draft->new.text.edges.id), false);
	return (Datum) 0;
}
