/*
 * drift_find.c
 *	  Compares the live schema with what the applied revisions create, in both
 *	  directions.
 *
 * The live image is read first, then the applied revisions are replayed in the
 * shadow.  Installed extensions that no revision creates are available during
 * the replay, as they were when the revisions ran, and count as part of the
 * database.  An extension that the revisions have created and dropped is a
 * difference, unless an object that the revisions create depends on it.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/listing.h"
#include "base/text_list.h"
#include "compare/deparse.h"
#include "compare/keep.h"
#include "compare/tool_table.h"
#include "kinds/kinds.h"
#include "schema/audited.h"
#include "schema/diff_options.h"
#include "schema/drift_find.h"
#include "schema/extension_move.h"
#include "schema/image_read.h"
#include "schema/initial_grants.h"
#include "schema/others.h"
#include "schema/rename_read.h"

#include "utils/builtins.h"

void
cmig_drift_arguments(FunctionCallInfo fcinfo, int n, CmigDrift *drift)
{
	drift->managed = cmig_diff_schemas_argument(fcinfo, n);
	drift->schemas = cmig_managed_names(drift->managed);
	cmig_diff_arguments(fcinfo, n + 1, &drift->options);
}

/*
 * Report a schema that exists in neither image.  Its name is probably
 * mistyped.
 */
static void
check_schemas(const CmigDrift *drift)
{
	for (int i = 0; i < drift->managed->count; i++)
	{
		const CmigManagedSchema *schema = &drift->managed->schemas[i];

		if (!OidIsValid(schema->oid) &&
			cmig_image_lookup(drift->replayed->image, &cmig_kind_schema, quote_identifier(schema->name)) == NULL)
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_SCHEMA),
					 errmsg("schema \"%s\" exists neither in the database nor in the revisions",
							schema->name)));
	}
}

/*
 * List, in a NOTICE, the schemas that are not compared because other roles own
 * them.  Schemas that have a row in the result are omitted.
 */
static void
tell_other_schemas(CmigDrift *drift)
{
	CmigListing names;
	bool		any = false;

	cmig_listing_init(&names, CMIG_LISTING_PLAIN);
	for (int i = 0; i < drift->managed->count; i++)
	{
		const CmigManagedSchema *schema = &drift->managed->schemas[i];

		any |= schema->owned;
		if (!schema->owned && !cmig_text_list_has(drift->replayed->elsewhere, schema->name))
			cmig_listing_add(&names, quote_identifier(schema->name));
	}
	if (names.count == 0 || drift->schemas != NULL)
		return;
	drift->left_out = cmig_listing_text(&names);
	ereport(NOTICE,
			(any ? errmsg("schemas of other roles are not compared: %s", drift->left_out) :
			 errmsg("no schema is compared, because all of them belong to other roles: %s", drift->left_out),
			 errhint("Call the function as a role that owns them.")));
}

/*
 * A CmigReplayFinish: apply the renames to the image of the schema that the
 * revisions create.
 */
static CmigImage *
rename_replayed(const CmigManaged *managed, CmigImage *image, void *arg)
{
	CmigDrift  *drift = arg;

	return cmig_rename_read_here(managed, image, drift->live, drift->options.renames, NIL,
								 cmig_diff_line_add, &drift->renames);
}

void
cmig_drift_read(CmigDrift *drift, const CmigSituation *now, const char *function)
{
	CmigReplayPlan *plan = cmig_replay_plan_applied(now);

	drift->live = cmig_image_read(drift->managed);
	drift->created = cmig_extension_created(now);
	drift->audited = cmig_audited_read();
	drift->replayed = cmig_replay_read_assuming(plan, drift->schemas, function,
												drift->adopts ? rename_replayed : NULL, drift);
	check_schemas(drift);
	tell_other_schemas(drift);
}

/*
 * Extensions
 */

/* Does an object of the image depend on the extension? */
static bool
is_used(const CmigImage *image, const CmigObject *extension)
{
	for (int i = 0; i < image->count; i++)
		for (int j = 0; j < image->objects[i]->ndepends; j++)
			if (image->objects[i]->depends[j] == extension)
				return true;
	return false;
}

/*
 * Returns rows that drop the extensions that revisions have created and dropped
 * and no object uses.  If the live schema is adopted, also those that only live
 * objects use, because another database needs them.
 */
static List *
drop_extensions(const CmigDrift *drift)
{
	const CmigReplayed *replayed = drift->replayed;
	List	   *lines = NIL;
	List	   *kept = NIL;
	ListCell   *cell;

	foreach(cell, replayed->assumed)
	{
		const char *identity = quote_identifier(lfirst(cell));
		CmigObject *extension = cmig_image_lookup(replayed->image, &cmig_kind_extension, identity);
		CmigObject *live = cmig_image_lookup(drift->live, &cmig_kind_extension, identity);
		CmigDiffRow row = {"drop", "extension", identity, NULL, NULL, "function bodies may use it"};
		CmigDdl    *ddl;

		if (extension == NULL || is_used(replayed->image, extension))
			continue;
		if (!cmig_text_list_has(drift->created, lfirst(cell)) &&
			!(drift->adopts && live != NULL && is_used(drift->live, live)))
		{
			kept = lappend(kept, lfirst(cell));
			continue;
		}
		ddl = linitial(extension->kind->create(extension));
		row.upgrade = ddl->undo;
		row.downgrade = ddl->sql;
		row.subject = extension;
		cmig_diff_line_add(&row, &lines);
	}
	cmig_extension_tell_kept(kept);
	return lines;
}

/*
 * Rows
 */

/* A CmigAuditedCallback: add a row for the table. */
static void
add_audited(const char *table, const char *reason, void *arg)
{
	cmig_diff_line_add_unsupported(arg, "audit", table, reason);
}

/*
 * Compare the images.  Returns the rows, including those for parts of the
 * scripts that could not be run, schemas of other roles, and audited tables.
 */
static List *
compare(CmigDrift *drift, CmigImage *from, CmigImage *to, bool to_live)
{
	List	   *notes = cmig_others_settle(drift->live, drift->replayed->image,
										   drift->replayed->target->notes, &drift->options);
	CmigDifference *difference = cmig_compare(from, to, &drift->options);
	List	   *lines = NIL;
	ListCell   *cell;

	cmig_rename_tell(difference);
	if (!to_live)
		cmig_others_tell(difference);
	cmig_deparse(difference, cmig_diff_line_add, &lines);
	foreach(cell, notes)
	{
		const CmigTargetNote *note = lfirst(cell);

		cmig_diff_line_add_unsupported(&lines, note->kind, note->object, note->reason);
	}
	foreach(cell, drift->schemas == NULL ? drift->replayed->elsewhere : NIL)
		cmig_diff_line_add_unsupported(&lines, "schema", quote_identifier(lfirst(cell)),
									   "it belongs to another role, so it is not compared");
	if (drift->schemas == NULL && !drift->options.models)
		cmig_audited_compare(drift->audited, drift->replayed->audited, add_audited, &lines);
	return lines;
}

List *
cmig_drift_repair(CmigDrift *drift)
{
	List	   *lines = NIL;
	List	   *extensions = drop_extensions(drift);

	drift->options.initial = cmig_initial_grants_read();
	drift->live = cmig_rename_read(drift->managed, drift->live, drift->replayed->image,
								   drift->options.renames, NIL, cmig_diff_line_add, &lines);
	cmig_others_mark(drift->live);
	cmig_tool_table_keep(drift->live, drift->replayed->image);
	cmig_keep_partitions(drift->live, drift->replayed->image, "The revisions create");
	lines = list_concat(lines, compare(drift, drift->live, drift->replayed->image, false));
	return list_concat(lines, extensions);
}

/*
 * Turn lines for one direction into lines for the opposite direction:
 * reverse their order, exchange upgrade and downgrade, and use the hazards
 * of the new upgrade statements.
 */
static List *
reverse(List *lines)
{
	List	   *result = NIL;

	for (int i = list_length(lines) - 1; i >= 0; i--)
	{
		CmigDiffLine *line = list_nth(lines, i);
		char	   *upgrade = line->upgrade;

		line->upgrade = line->downgrade;
		line->downgrade = upgrade;
		if (strcmp(line->action, "drop") == 0)
			line->action = "create";
		line->hazard = NULL;
		line->general_hazard = line->undo_hazard;
		line->undo_hazard = NULL;
		result = lappend(result, line);
	}
	return result;
}

List *
cmig_drift_adopt(CmigDrift *drift)
{
	List	   *lines = reverse(drop_extensions(drift));

	drift->options.initial = drift->replayed->initial;
	cmig_tool_table_keep(drift->live, drift->replayed->image);
	cmig_keep_partitions(drift->live, drift->replayed->image, "The revisions create");
	lines = list_concat(lines, drift->renames);
	return list_concat(lines, compare(drift, drift->replayed->image, drift->live, true));
}
