/*
 * diff_run.c
 *	  Compares the live schema with the one that a script creates.
 *
 * The live image is read first.  The target image is read in the shadow, after
 * the target's SQL has run there.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/listing.h"
#include "base/query.h"
#include "base/subtransaction.h"
#include "compare/colocation.h"
#include "compare/column_order.h"
#include "compare/deparse.h"
#include "compare/keep.h"
#include "compare/tool_table.h"
#include "kinds/kinds.h"
#include "schema/body_check.h"
#include "schema/diff_run.h"
#include "schema/extension_move.h"
#include "schema/image_read.h"
#include "schema/initial_grants.h"
#include "schema/log_use.h"
#include "schema/others.h"
#include "schema/outside.h"
#include "schema/rename_read.h"
#include "shadow/distribution_record.h"
#include "shadow/shadow.h"
#include "shadow/target.h"

#include "utils/builtins.h"

/* A comparison of the managed schemas with a target. */
typedef struct DiffRun
{
	const CmigManaged *managed;
	const char *target_sql;
	CmigDiffOptions options;
	const char *function;
	const CmigImage *live;		/* image of the database; NULL if the target
								 * is compared with the schema that the
								 * revisions create */
	const CmigTarget *target;
	CmigImage  *image;			/* the target image */
	bool		distributes;	/* true if the target calls functions that
								 * distribute tables */
	List	   *log_uses;		/* objects that use an audit log that the
								 * database lacks; see log_use.h */
	const CmigTarget *replayed; /* NULL, or the result of replaying the
								 * revisions, with notes about the parts that
								 * could not be run */
	List	   *lines;
} DiffRun;

/* A comparison that starts from the schema that the revisions create. */
typedef struct ReplayRun
{
	DiffRun    *run;
	const CmigReplayPlan *plan;
	CmigReplay *replay;
	CmigImage  *from;
} ReplayRun;

static bool
has_schema(const CmigImage *image, const char *name)
{
	return cmig_image_lookup(image, &cmig_kind_schema, quote_identifier(name)) != NULL;
}

/*
 * Report a schema that exists in neither image.  Its name is probably
 * mistyped.
 */
static void
check_schemas(const DiffRun *run, const CmigImage *from)
{
	for (int i = 0; i < run->managed->count && !run->managed->all; i++)
	{
		const char *name = run->managed->schemas[i].name;

		if (has_schema(from, name) || has_schema(run->image, name))
			continue;
		ereport(run->options.need_schemas ? ERROR : WARNING,
				(errcode(ERRCODE_UNDEFINED_SCHEMA),
				 run->target_sql == NULL ?
				 errmsg("schema \"%s\" exists neither before nor after the revisions in the range", name) :
				 errmsg("schema \"%s\" exists neither in the %s nor in the target", name,
						run->replayed ? "revisions" : "database")));
	}
}

/*
 * A CmigShadowTask: run the target's SQL in the shadow, and read the target
 * image.
 */
static void
read_target(CmigShadow *shadow, void *arg)
{
	DiffRun    *run = arg;

	run->target = cmig_target_run_with(shadow, run->target_sql, run->options.scripts);
	run->image = cmig_image_read(cmig_shadow_schemas(shadow));
	run->distributes = cmig_distribution_record_any();
	run->log_uses = cmig_log_use_read(run->image);
	cmig_body_check(run->image, run->live);
}

/* Does the target have a note about the same object as "note"? */
static bool
has_note(const CmigTarget *target, const CmigTargetNote *note)
{
	ListCell   *cell;

	foreach(cell, target ? target->notes : NIL)
	{
		const CmigTargetNote *other = lfirst(cell);

		if (strcmp(other->kind, note->kind) == 0 && strcmp(other->object, note->object) == 0)
			return true;
	}
	return false;
}

/*
 * Add rows for the parts of the target's SQL that could not be run, unless the
 * revisions contain them, too.
 */
static void
add_notes(DiffRun *run, const List *notes)
{
	ListCell   *cell;

	foreach(cell, notes)
	{
		const CmigTargetNote *note = lfirst(cell);

		if (!has_note(run->replayed, note))
			cmig_diff_line_add_unsupported(&run->lines, note->kind, note->object, note->reason);
	}
}

/*
 * Row callback: add a row for a subscription that the target lacks.
 * Subscriptions also involve other servers, so they are not compared.
 */
static void
add_subscription(TupleDesc desc, HeapTuple row, void *arg)
{
	DiffRun    *run = arg;
	char	   *name = cmig_query_text(desc, row, 1);
	CmigTargetNote note = {.kind = "subscription",.object = name};

	if (!has_note(run->target, &note))
		cmig_diff_line_add_unsupported(&run->lines, "subscription", name, "it is not in the target; subscriptions are not compared");
}

/* Add the subscriptions that the target lacks as unsupported rows. */
static void
add_subscriptions(DiffRun *run)
{
	static CmigQuery query = {
		.sql = "SELECT quote_ident(s.subname) FROM pg_subscription s JOIN pg_database d ON d.oid = s.subdbid"
		" WHERE d.datname = current_database() ORDER BY s.subname"
	};

	if (run->managed->all && run->replayed == NULL)
		cmig_query_each(&query, NULL, NULL, add_subscription, run);
}

/*
 * Row callback: report a security label.  Only the label's provider knows what
 * the label means, so labels are not compared.
 */
static void
add_label(TupleDesc desc, HeapTuple row, void *arg)
{
	DiffRun    *run = arg;

	cmig_diff_line_add_unsupported(&run->lines, "security label", cmig_query_text(desc, row, 1),
								   "security labels are not compared");
}

/* Add the database's security labels as unsupported rows. */
static void
add_labels(DiffRun *run)
{
	static CmigQuery query = {
		.sql = "SELECT format('%s for %s %s', l.provider, i.type, i.identity) FROM pg_seclabel l"
		" CROSS JOIN LATERAL pg_identify_object(l.classoid, l.objoid, l.objsubid) i ORDER BY 1"
	};

	if (run->managed->all && run->replayed == NULL)
		cmig_query_each(&query, NULL, NULL, add_label, run);
}

/* List, in a NOTICE, the other roles' schemas that the target names. */
static void
tell_other_schemas(const DiffRun *run)
{
	CmigListing names;
	ListCell   *cell;

	if (run->target->elsewhere == NIL)
		return;
	cmig_listing_init(&names, CMIG_LISTING_PLAIN);
	foreach(cell, run->target->elsewhere)
		cmig_listing_add(&names, quote_identifier(lfirst(cell)));
	ereport(NOTICE,
			(errmsg("schemas of other roles are not compared: %s", cmig_listing_text(&names)),
			 errhint("Call the function as a role that owns them.")));
}

/*
 * If all schemas are compared, report the other roles' schemas that the target
 * names: in rows if need_schemas is set, and otherwise in a NOTICE.
 */
static void
add_other_schemas(DiffRun *run)
{
	ListCell   *cell;

	if (!run->managed->all)
		return;
	if (!run->options.need_schemas)
	{
		tell_other_schemas(run);
		return;
	}
	foreach(cell, run->target->elsewhere)
		cmig_diff_line_add_unsupported(&run->lines, "schema", quote_identifier(lfirst(cell)),
									   "it belongs to another role, so it is not compared");
}

/* Read the target image in the shadow. */
static void
run_target(DiffRun *run)
{
	cmig_shadow_run(run->managed, run->function, read_target, run);
}

static bool
has_objects(const CmigImage *image)
{
	for (int i = 0; i < image->count; i++)
		if (image->objects[i]->kind != &cmig_kind_schema)
			return true;
	return false;
}

/* Issue a NOTICE about an empty target, which is usually a mistake. */
static void
tell_empty(const DiffRun *run, const CmigImage *from)
{
	if (has_objects(from) && !has_objects(run->image))
		ereport(NOTICE,
				(errmsg("the target creates nothing"),
				 errdetail("The statements drop all objects in the schemas that are compared.")));
}

/* Compare an image with the target image, and return the rows. */
static List *
compare(DiffRun *run, CmigImage *from)
{
	List	   *notes;
	CmigDifference *difference;

	notes = cmig_others_settle(from, run->image, run->target->notes, &run->options);
	difference = cmig_compare(from, run->image, &run->options);
	if (run->live != NULL)
	{
		cmig_body_check_changed(difference);
		cmig_outside_refuse(difference, run->managed);
	}
	cmig_rename_tell(difference);
	cmig_column_order_tell(difference);
	cmig_others_tell(difference);
	cmig_deparse(difference, cmig_diff_line_add, &run->lines);
	add_notes(run, notes);
	add_subscriptions(run);
	add_labels(run);
	add_other_schemas(run);
	return run->lines;
}

/*
 * Mark all functions as unchecked: an extension that a function's body uses
 * may be in another schema when the function is re-created.
 */
static void
mark_functions(CmigImage *from)
{
	for (int i = 0; i < from->count; i++)
		from->objects[i]->unchecked |= from->objects[i]->kind == &cmig_kind_function;
}

List *
cmig_diff_run(const CmigManaged *managed, const char *target_sql,
			  const CmigDiffOptions *options, const char *function)
{
	DiffRun		run = {managed, target_sql, *options, function};
	CmigImage  *from = cmig_image_read(managed);

	run.live = from;
	run.options.initial = cmig_initial_grants_read();
	run_target(&run);
	cmig_log_use_mark(run.image, run.log_uses);
	check_schemas(&run, from);
	from = cmig_rename_read(managed, from, run.image, options->renames, run.target->renames,
							cmig_diff_line_add, &run.lines);
	if (!run.distributes)
		cmig_colocation_keep(from, run.image);
	cmig_others_mark(from);
	tell_empty(&run, from);
	cmig_tool_table_keep(from, run.image);
	cmig_keep_partitions(from, run.image, "The target creates");
	cmig_extension_keep(from, run.image);
	if (cmig_extension_move_needed(run.live, run.image))
		mark_functions(from);
	return compare(&run, from);
}

/*
 * Replay
 */

/*
 * Apply the renames to the image of the schema that the revisions create.  Runs
 * in a subtransaction.
 */
static void
rename_replayed(void *arg)
{
	ReplayRun  *replay = arg;
	DiffRun    *run = replay->run;

	replay->from = cmig_rename_read_here(cmig_replay_settle(replay->replay, cmig_managed_names(run->managed)),
										 replay->from, run->image, run->options.renames,
										 run->target->renames, cmig_diff_line_add, &run->lines);
}

/*
 * A CmigReplayTask: read the image of the schema that the revisions create,
 * and apply the renames.
 */
static void
replay_revisions(CmigReplay *replay, void *arg)
{
	ReplayRun  *state = arg;
	ErrorData  *error;

	cmig_replay_whole(replay, state->plan);
	state->run->options.initial = cmig_initial_grants_read();
	state->from = cmig_replay_image(replay, cmig_managed_names(state->run->managed), NULL);
	state->run->replayed = cmig_replay_target(replay);
	state->replay = replay;
	check_schemas(state->run, state->from);
	error = cmig_subtransaction_rehearse(rename_replayed, state);
	if (error != NULL)
		ReThrowError(error);
}

List *
cmig_diff_run_replay(const CmigReplayPlan *plan, const CmigManaged *managed,
					 const char *target_sql, const CmigDiffOptions *options, const char *function)
{
	DiffRun		run = {managed, target_sql, *options, function};
	ReplayRun	replay = {&run, plan};

	run_target(&run);
	cmig_replay_run(plan->graph, function, replay_revisions, &replay);
	tell_empty(&run, replay.from);
	cmig_keep_partitions(replay.from, run.image, "The target creates");
	return compare(&run, replay.from);
}

/*
 * A CmigReplayTask: read the image of the schema that the second set of
 * revisions creates.  This schema takes the place of a target.
 */
static void
replay_target(CmigReplay *replay, void *arg)
{
	ReplayRun  *state = arg;

	cmig_replay_whole(replay, state->plan);
	state->run->image = cmig_replay_image(replay, cmig_managed_names(state->run->managed), NULL);
	state->run->target = cmig_replay_target(replay);
}

List *
cmig_diff_run_between(const CmigReplayPlan *from, const CmigReplayPlan *to,
					  const CmigManaged *managed, const CmigDiffOptions *options,
					  const char *function)
{
	DiffRun		run = {managed, NULL, *options, function};
	ReplayRun	replay = {&run, to};

	cmig_replay_run(to->graph, function, replay_target, &replay);
	replay.plan = from;
	cmig_replay_run(from->graph, function, replay_revisions, &replay);
	tell_empty(&run, replay.from);
	return compare(&run, replay.from);
}
