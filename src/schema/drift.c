/*
 * drift.c
 *	  cmig.drift, cmig.capture, and cmig.baseline.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "audit/audit.h"
#include "base/errors.h"
#include "schema/internal.h"

/* ----------------------------------------------------------------
 * Compares the live schema with what the applied revisions create, in both
 * directions.
 *
 * The live image is read first, then the applied revisions are replayed in the
 * shadow.  Installed extensions that no revision creates are available during
 * the replay, as they were when the revisions ran, and count as part of the
 * database.  An extension that the revisions have created and dropped is a
 * difference, unless an object that the revisions create depends on it.
 * ----------------------------------------------------------------
 */

/*
 * Read the arguments schemas, compare, owners, privileges, comments, renames,
 * and concurrently, starting at argument n.
 */
static void
drift_arguments(FunctionCallInfo fcinfo, int n, CmigDrift *drift)
{
	drift->managed = cmig_diff_schemas_argument(fcinfo, n);
	drift->schemas = cmig_managed_names(drift->managed);
	cmig_diff_arguments(fcinfo, n + 1, &drift->options);
}

/*
 * A CmigReplayFinish: apply the renames to the image of the schema that the
 * revisions create.
 */
static CmigImage *
rename_replayed(const CmigManaged *managed, CmigImage *image, void *arg)
{
	CmigDrift  *drift = arg;

	return cmig_rename_read(managed, image, drift->live, drift->options.renames, NIL,
							true, false, &drift->renames);
}

/*
 * Read the live image and the image of the schema that the applied revisions
 * create, and issue a NOTICE about schemas that are not compared because they
 * belong to other roles.  "function" is used in error messages, for example
 * "cmig.drift()".  Raises error MG001 if a version row names an unknown
 * revision, and the errors of cmig_replay_run() and cmig_replay_nodes().
 */
static void
drift_read(CmigDrift *drift, const CmigSituation *now, const char *function)
{
	CmigReplayPlan *plan = cmig_replay_plan_applied(now);

	drift->function = function;
	drift->options.prove = drift->captured == NULL;
	cmig_drift_begin(drift, now);
	drift->replayed = cmig_replay_read(plan, drift->schemas, true, function, true,
									   drift->adopts ? rename_replayed : NULL, drift);

	cmig_diff_check_schemas(drift->managed, drift->live, drift->replayed->image, ERROR,
							"in the database nor in the revisions");
	cmig_drift_tell_left_out(drift);
}

void
cmig_drift_begin(CmigDrift *drift, const CmigSituation *now)
{
	drift->live = cmig_image_read(drift->managed);
	drift->created = cmig_extension_created(now);
	drift->audited = cmig_audited_read();
}

void
cmig_drift_tell_left_out(CmigDrift *drift)
{
	CmigListing names;
	bool		any = false;

	cmig_listing_init(&names, CMIG_LISTING_PLAIN);
	for (int j = 0; j < drift->managed->count; j++)
	{
		const CmigManagedSchema *schema = &drift->managed->schemas[j];

		any |= schema->owned;
		if (!schema->owned && !cmig_text_list_has(drift->replayed->target->elsewhere, schema->name))
			cmig_listing_add(&names, quote_identifier(schema->name));
	}
	if (names.count == 0 || drift->schemas != NULL)
		return;
	drift->left_out = cmig_listing_text(&names);
	ereport(NOTICE,
			(any ? errmsg("schemas of other roles are not compared: %s", drift->left_out) :
			 errmsg("no schema is compared, because all of them belong to other roles: %s",
					drift->left_out),
			 errhint("Call the function as a role that owns them.")));
}

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
 * and no object uses.  If the live schema is adopted, returns rows that create
 * them, and also those that only live objects use, because another database
 * needs them.
 */
static List *
drop_extensions(const CmigDrift *drift)
{
	const CmigReplayed *replayed = drift->replayed;
	List	   *lines = NIL;
	List	   *kept = NIL;

	foreach_ptr(char, name, replayed->assumed)
	{
		const char *identity = quote_identifier(name);
		CmigObject *extension = cmig_image_lookup(replayed->image, &cmig_kind_extension, identity);
		CmigObject *live = cmig_image_lookup(drift->live, &cmig_kind_extension, identity);
		CmigDiffLine row = {drift->adopts ? "create" : "drop", "extension", identity};
		CmigDdl    *ddl;
		List	   *line = NIL;

		if (extension == NULL || is_used(replayed->image, extension))
			continue;
		if (!cmig_text_list_has(drift->created, name) &&
			!(drift->adopts && live != NULL && is_used(drift->live, live)))
		{
			kept = lappend(kept, name);

			continue;
		}
		ddl = linitial(extension->kind->create(extension));
		row.upgrade = drift->adopts ? ddl->sql : ddl->undo;
		row.downgrade = drift->adopts ? ddl->undo : ddl->sql;
		row.hazard = drift->adopts ? NULL : "function bodies may use it";
		row.subject = extension;
		cmig_diff_line_add(&row, &line);
		lines = drift->adopts ? list_concat(line, lines) : list_concat(lines, line);
	}
	cmig_extension_tell_kept(kept);
	return lines;
}

/*
 * Compare the images.  Returns the rows, including those for parts of the
 * scripts that could not be run, schemas of other roles, and audited tables.
 */
static List *
compare(CmigDrift *drift, CmigImage *from, CmigImage *to, bool to_live, const List *renames)
{
	List	   *notes = cmig_others_settle(drift->live, drift->replayed->image,
										   drift->replayed->target->notes, &drift->options);
	CmigDiffCopies copies = {from, to};
	CmigDifference *difference = cmig_outside_compare(from, to, &drift->options, !to_live);
	List	   *lines = NIL;

	cmig_rename_tell(difference);
	if (!to_live)
		cmig_others_tell(difference);
	cmig_diff_lines(difference, &lines);
	lines = cmig_rehearsal_prove(drift->managed, drift->function, &copies, difference, renames,
								 lines);
	foreach_ptr(const CmigTargetNote, note, notes)
		cmig_diff_line_add_unsupported(&lines, note->kind, note->object, note->reason);
	foreach_ptr(char, name, drift->schemas == NULL ? drift->replayed->target->elsewhere : NIL)
		cmig_diff_line_add_unsupported(&lines, "schema", quote_identifier(name),
									   "it belongs to another role, so it is not compared");
	if (drift->schemas == NULL && !drift->options.models)
		cmig_audited_compare(drift->audited, drift->replayed->audited, &lines);
	return cmig_exclude_rows(drift->options.exclude, lines, from, to);
}

List *
cmig_drift_repair(CmigDrift *drift)
{
	List	   *lines = NIL;
	List	   *extensions;

	drift->options.initial = cmig_initial_grants_read();
	drift->live = cmig_rename_read(drift->managed, drift->live, drift->replayed->image,
								   drift->options.renames, NIL, false, false, &lines);
	cmig_exclude(drift->options.exclude, drift->live, drift->replayed->image);
	extensions = drop_extensions(drift);
	cmig_others_mark(drift->live);
	cmig_tool_table_keep(drift->live, drift->replayed->image);
	if (!drift->all_partitions)
		cmig_keep_partitions(drift->live, drift->replayed->image, "The revisions create");
	lines = list_concat(lines, compare(drift, drift->live, drift->replayed->image, false, lines));
	return list_concat(lines, extensions);
}

/*
 * Returns the statements that make the revisions match the live schema.  Each
 * rename gives the object's name before and after them.
 */
static List *
drift_adopt(CmigDrift *drift)
{
	List	   *lines;

	cmig_exclude(drift->options.exclude, drift->replayed->image, drift->live);
	lines = list_concat(drop_extensions(drift), drift->renames);
	drift->options.initial = drift->replayed->initial;
	cmig_tool_table_keep(drift->live, drift->replayed->image);
	cmig_keep_partitions(drift->live, drift->replayed->image, "The revisions create");
	return list_concat(lines,
					   compare(drift, drift->replayed->image, drift->live, true, drift->renames));
}

/* ----------------------------------------------------------------
 * When a revision that cmig.capture has written is loaded, records it as
 * applied.
 *
 * cmig.capture leaves a row with the revision's id and checksum in the
 * journal.  Therefore, a revision is stamped only in the database in which it
 * was captured, and only if its file has not changed.  Before that, the
 * schemas are compared, which replays revisions and thereby runs their code.
 * This is done only if scripts run as the same role as in cmig.capture, which
 * has already replayed them.
 * ----------------------------------------------------------------
 */

/*
 * Returns those of the new revisions that were captured in this database and
 * have not changed since, as a List of CmigRevisionText *, and the patterns of
 * what was excluded, as a List of char * or NULL.
 */
static List *
find_captured(const CmigRevisionText *const *texts, int count, List **excluded)
{
	List	   *captured = NIL;
	CmigNames	names = {count, palloc(sizeof(char *) * count)};

	for (int i = 0; i < count; i++)
		names.names[i] = texts[i]->edges.id;
	foreach_ptr(CmigValue, row, cmig_journal_read_captured(&names))
	{
		for (int i = 0; i < count; i++)
			if (strcmp(names.names[i], row[0]) == 0 &&
				strcmp(cmig_script_checksum(texts[i]->upgrade_sql, texts[i]->edges.transactional),
					   row[1]) == 0)
			{
				captured = lappend(captured, unconstify(CmigRevisionText *, texts[i]));
				*excluded = lappend(*excluded, row[2]);
			}
	}
	return captured;
}

static bool
all_applied(const CmigSituation *now, const CmigNames *names)
{
	for (int i = 0; i < names->count; i++)
	{
		int			node = cmig_graph_find_id(now->graph, names->names[i]);

		if (node < 0 || !now->applied->applied->set[node])
			return false;
	}
	return true;
}

/* Does an upgrade to the revision consist of this revision alone? */
static bool
is_next(const CmigRevision *revision)
{
	CmigSituation now = cmig_move_read(false);
	int			node = cmig_graph_find_id(now.graph, revision->id);

	return node >= 0 && !now.applied->applied->set[node] &&
		all_applied(&now, &revision->parents) && all_applied(&now, &revision->depends) &&
		cmig_progress_begun()->count == 0;
}

/*
 * Compare the schemas; may run in a subtransaction.  If a revision is captured,
 * stamp it first, and raise an error if drift remains.
 */
static void
find(void *arg)
{
	CmigDrift  *drift = arg;
	CmigSituation now;

	if (drift->captured != NULL)
		(void) cmig_stamp_targets(cmig_argument_one(drift->captured), false);
	now = cmig_move_read(false);
	drift_read(drift, &now, drift->captured ? "cmig.load()" : "cmig.drift()");
	drift->lines = cmig_drift_repair(drift);
	if (drift->captured != NULL && drift->lines != NIL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("the schema differs from what the revisions create")));
}

/* Returns a list of the objects that differ. */
static CmigListing
list_objects(const List *lines)
{
	CmigListing listing;

	cmig_listing_init(&listing, CMIG_LISTING_PLAIN);
	foreach_ptr(CmigDiffLine, line, cmig_diff_line_objects(lines))
		cmig_listing_add_format(&listing, "%s %s", line->kind,
								line->object);
	return listing;
}

/* Returns why the revision was not stamped, as a DETAIL message. */
static char *
reason(const CmigDrift *drift, const ErrorData *error)
{
	CmigListing listing = list_objects(drift->lines);

	if (drift->lines == NIL)
		return error->detail ?
			psprintf("The schema could not be compared: %s: %s", error->message, error->detail) :
			psprintf("The schema could not be compared: %s.", error->message);
	return psprintf("The schema differs from what the revisions, including this one, create: %s.",
					cmig_listing_text(&listing));
}

void
cmig_captured_loaded(const CmigRevisionText *const *added, int count)
{
	List	   *excluded = NIL;
	List	   *captured = find_captured(added, count, &excluded);
	ListCell   *cell,
			   *patterns;

	forboth(cell, captured, patterns, excluded)
	{
		const CmigRevision *revision = &((CmigRevisionText *) lfirst(cell))->edges;
		char	   *id = revision->id;
		CmigDrift	drift = {.managed = cmig_managed_schemas(NULL),.captured = id};
		ErrorData  *error;

		if (!is_next(revision))
			continue;
		drift.options.privileges = drift.options.comments = true;
		drift.options.role = GetUserNameFromId(GetUserId(), false);
		if (lfirst(patterns) != NULL)
			drift.options.exclude =
				cmig_patterns_read(cmig_argument_names(DatumGetArrayTypeP(OidInputFunctionCall(F_ARRAY_IN, lfirst(patterns), TEXTOID, -1)),
													   "the list of patterns", NULL));
		error = cmig_subtransaction_try(find, &drift);
		if (error == NULL)
			ereport(NOTICE,
					(errmsg("revision \"%s\" is recorded as applied, because it was captured in this database", id)));
		else if (cmig_subtransaction_must_rethrow(error))
			ReThrowError(error);
		else
			ereport(NOTICE,
					(errmsg("revision \"%s\" was captured in this database, but is not recorded as applied", id),
					 errdetail_internal("%s", reason(&drift, error)),
					 cmig_hint("If the database has all changes of the revision: `SELECT cmig.stamp(%s)`", quote_literal_cstr(id))));
	}
}

/* ----------------------------------------------------------------
 * cmig.drift compares the live schema with what the applied revisions
 * create; cmig.capture turns the differences into a revision.
 *
 * A row of cmig.journal records each comparison and its result.
 * ----------------------------------------------------------------
 */

PG_FUNCTION_INFO_V1(cmig_drift_1_2);
PG_FUNCTION_INFO_V1(cmig_capture_1_2);

#define SCOPE_HINT \
	"`RESET cmig.scope`. To compare the schemas of two scopes: SELECT * FROM cmig.diff_schemas('<schema>', '<schema>')"

/*
 * Raise an error if another session has captured the drift while this one waited
 * for it: the revisions that this one has loaded cannot contain that one.
 */
static void
require_not_captured(Snapshot snapshot)
{
	const char *revision = cmig_journal_captured_meanwhile(snapshot);

	if (revision != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("another session has captured the changes at the same time, as revision \"%s\"", revision),
				 errhint("When the file of that revision is there, load it, and capture again. The command cmig capture loads it itself.")));
}

/* Record the comparison and its result in cmig.journal. */
static void
journal(const CmigDrift *drift, TimestampTz started_at)
{
	CmigJournalEntry entry = {.direction = "drift",.outcome = "done",.started_at = started_at};
	CmigListing found = list_objects(drift->lines);
	CmigListing schemas,
				patterns;

	entry.finished_at = GetCurrentTimestamp();
	entry.message = drift->lines == NIL ? CMIG_JOURNAL_NO_DRIFT :
		psprintf(found.count == 1 ? "%d difference: %s" : "%d differences: %s", found.count,
				 cmig_listing_text(&found));
	cmig_listing_init(&schemas, CMIG_LISTING_PLAIN);
	for (int i = 0; drift->schemas != NULL && i < drift->schemas->count; i++)
		cmig_listing_add(&schemas, drift->schemas->names[i]);
	if (schemas.count > 0)
		entry.message = psprintf("%s (in schemas %s)", entry.message, cmig_listing_text(&schemas));
	cmig_listing_init(&patterns, CMIG_LISTING_PLAIN);
	foreach_ptr(CmigPattern, pattern, drift->options.exclude)
		cmig_listing_add(&patterns, pattern->text);
	if (patterns.count > 0)
		entry.message = psprintf("%s (excluded: %s)", entry.message, cmig_listing_text(&patterns));
	if (drift->left_out != NULL)
		entry.message = psprintf("%s (not compared: %s)", entry.message, drift->left_out);
	cmig_journal_write(&entry);
}

CMIG_READER(cmig_drift_1_2)
{
	CmigDrift	drift = {0};
	TimestampTz started_at = GetCurrentTimestamp();
	List	   *shards = NIL;

	cmig_scope_refuse("cmig.drift()",
					  "For one scope, in a shell: cmig drift --scope <schema>. Otherwise: " SCOPE_HINT);
	InitMaterializedSRF(fcinfo, 0);
	drift_arguments(fcinfo, 0, &drift);
	cmig_diff_exclude_argument(fcinfo, 8, &drift.options);
	drift.options.by_hand = true;
	foreach_ptr(const CmigShardProblem, problem, cmig_citus_shard_problems(drift.schemas))
	{
		if (problem->severity[0] == 'n')
			ereport(NOTICE, (errmsg("%s: %s", problem->object, problem->problem)));
		else
			cmig_diff_line_add_unsupported(&shards, "shard", problem->object,
										   problem->fix == NULL ? problem->problem :
										   psprintf("%s; fix: %s", problem->problem, problem->fix));
	}
	cmig_change_begin("cmig.drift()");
	if (cmig_argument_bool(fcinfo, 7, true))
		find(&drift);
	else
	{
		ErrorData  *error = cmig_subtransaction_try(find, &drift);

		if (error != NULL && error->sqlerrcode != ERRCODE_CMIG_NOT_REPLAYABLE)
			ReThrowError(error);
		if (error != NULL)
		{
			/*
			 * Called instead of raising an error about a revision that cannot
			 * be replayed: issues a NOTICE, and returns a row for the
			 * revision, so that an empty result always means that there is no
			 * drift.
			 */
			ereport(NOTICE,
					(errmsg("%s", error->message),
					 errdetail_internal("%s\n%s", error->detail, cmig_script_run_place(error)),
					 errhint("%s", error->hint)));
			cmig_diff_line_add_unsupported(&drift.lines, "revision", cmig_replay_failed(),
										   psprintf("cannot be replayed: %s", error->detail));
		}
	}
	drift.lines = list_concat(drift.lines, drift.live == NULL ? shards :
							  cmig_exclude_rows(drift.options.exclude, shards, drift.live,
												drift.live));
	journal(&drift, started_at);
	cmig_diff_put(fcinfo, drift.lines);
	return (Datum) 0;
}

CMIG_READER(cmig_capture_1_2)
{
	CmigGenerate generate = {0};
	CmigDrift	drift = {0};
	CmigSituation now;
	TimestampTz started_at = GetCurrentTimestamp();
	Snapshot	snapshot = GetActiveSnapshot();
	List	   *lines;

	cmig_scope_refuse("cmig.capture()", SCOPE_HINT);
	InitMaterializedSRF(fcinfo, 0);
	cmig_generate_arguments(fcinfo, 1, &generate);
	drift_arguments(fcinfo, 7, &drift);
	cmig_diff_exclude_argument(fcinfo, 15, &drift.options);
	generate.store = cmig_argument_bool(fcinfo, 14, false);
	drift.adopts = true;

	if (!generate.store)
		cmig_change_begin("cmig.capture()");
	cmig_generate_prepare(&generate, "cmig.capture()");
	now = cmig_move_read(true);
	require_not_captured(snapshot);
	cmig_pending_require_heads(&now);
	drift_read(&drift, &now, "cmig.capture()");
	lines = drift_adopt(&drift);
	if (lines == NIL)
	{
		ereport(NOTICE,
				(errmsg("the schema matches the revisions, so there is nothing to capture")));
		return (Datum) 0;
	}
	cmig_generate_put(fcinfo, &generate, lines);
	if (generate.store)
		(void) cmig_stamp_targets(cmig_argument_one(generate.draft.new.text.edges.id), false);
	else
	{
		const CmigRevisionText *text = &generate.draft.new.text;
		CmigJournalEntry entry =
		{.revision = text->edges.id,.direction = "drift",.outcome = "done"};

		/*
		 * record in the journal that the revision was captured in this
		 * database
		 */
		entry.started_at = started_at;
		entry.finished_at = GetCurrentTimestamp();
		entry.checksum = cmig_script_checksum(text->upgrade_sql, text->edges.transactional);
		entry.message = drift.options.exclude != NIL ?
			psprintf("captured, excluded: %s",
					 OidOutputFunctionCall(F_ARRAY_OUT, PG_GETARG_DATUM(15))) : "captured";
		cmig_journal_write(&entry);
		ereport(NOTICE,
				(errmsg("the database already contains the changes of revision \"%s\"",
						generate.draft.new.text.edges.id),
				 cmig_settings_engine() ? 0 :
				 errdetail("If you load the unchanged file into this database, the revision will be recorded as applied, unless the schema has changed by then."),
				 cmig_settings_engine() ? 0 :
				 cmig_hint("If you edit the file, load it and then mark it as applied: `SELECT cmig.stamp(%s)`", quote_literal_cstr(generate.draft.new.text.edges.id))));
	}
	return (Datum) 0;
}

/* ----------------------------------------------------------------
 * cmig.baseline generates the first revision of a database that already has
 * a schema.
 * ----------------------------------------------------------------
 */

PG_FUNCTION_INFO_V1(cmig_baseline);

/* Subtransaction callback: replay the applied revisions. */
static void
replay_applied(void *arg)
{
	CmigDrift  *drift = arg;
	CmigSituation now = cmig_move_read(true);

	drift->replayed = cmig_replay_read(cmig_replay_plan_applied(&now), drift->schemas, true,
									   "cmig.baseline()", false, NULL, NULL);
}

/*
 * Raise an error if applied revisions have created objects in the named
 * schemas.  Revisions that cannot be replayed, or that the caller is not allowed
 * to replay, are not examined.
 */
static void
require_uncovered(const CmigManaged *managed)
{
	CmigDrift	covered = {.schemas = cmig_managed_names(managed)};
	ErrorData  *error = cmig_subtransaction_try(replay_applied, &covered);
	CmigListing objects;

	if (error != NULL && error->sqlerrcode != ERRCODE_CMIG_NOT_REPLAYABLE &&
		error->sqlerrcode != ERRCODE_INSUFFICIENT_PRIVILEGE)
		ReThrowError(error);
	cmig_listing_init(&objects, CMIG_LISTING_PLAIN);
	for (int i = 0; error == NULL && i < covered.replayed->image->count; i++)
	{
		const CmigObject *object = covered.replayed->image->objects[i];

		/* the baseline would not create schema public again */
		if (object->parent == NULL && !(object->kind->flags & CMIG_KIND_GLOBAL) &&
			(object->kind != &cmig_kind_schema || strcmp(object->name, "public") != 0))
			cmig_listing_add_format(&objects, "%s %s", object->kind->name, object->identity);
	}
	if (objects.count == 0)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("applied revisions have already created objects in the schemas of the baseline"),
			 errdetail("The baseline would create them again: %s.", cmig_listing_text(&objects)),
			 cmig_hint("To write a revision for what was changed by hand, use `cmig.capture`. To combine revisions into one, use `cmig.squash`.")));
}

/*
 * Add a line with the action "unsupported" for each audited table: audit
 * triggers contain ids, so only cmig.enable_audit() can create them.
 */
static void
add_audit(const CmigManaged *managed, List **lines)
{
	static CmigQuery query = {
		.sql = "SELECT DISTINCT format('%I.%I', s.nspname, c.relname) COLLATE \"C\" FROM"
		" pg_trigger t"
		" JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_namespace s ON s.oid = c.relnamespace"
		" JOIN pg_proc p ON p.oid = t.tgfoid JOIN pg_namespace n ON n.oid = p.pronamespace"
		" WHERE " CMIG_AUDIT_IS_TRIGGER
		" AND coalesce(s.nspname = ANY ($1), true) AND t.tgparentid = 0"
		" ORDER BY 1",
		.argtypes = {TEXTARRAYOID}
	};

	foreach_ptr(CmigValue, row, cmig_query_list(&query, cmig_managed_names(managed)))
	{
		const char *table = *row;

		cmig_diff_line_add_unsupported(lines, "audit", table,
									   psprintf("add SELECT cmig.enable_audit(%s)",
												quote_literal_cstr(table)));
	}
}

CMIG_READER(cmig_baseline)
{
	CmigGenerate generate = {.store = true};
	CmigDraft  *draft = &generate.draft;
	CmigDiffOptions options = {.all_owners = true,.sorted = true};
	CmigManaged *managed = cmig_diff_schemas_argument(fcinfo, 4);
	List	   *lines = NIL;
	const CmigNames *rows;

	cmig_scope_refuse("cmig.baseline()", "`RESET cmig.scope`");
	InitMaterializedSRF(fcinfo, 0);
	draft->new.text.edges.message = cmig_argument_text(fcinfo, 0);
	draft->new.text.edges.id = cmig_argument_text(fcinfo, 1);
	draft->new.head = "base";
	draft->new.label = cmig_argument_text(fcinfo, 2);
	draft->template = cmig_argument_text(fcinfo, 3);
	cmig_diff_annotations(fcinfo, 5, &options);

	cmig_generate_prepare(&generate, "cmig.baseline()");

	/*
	 * raise an error if the baseline would create objects that applied
	 * revisions have already created
	 */
	rows = cmig_version_rows_read();
	if (rows->count > 0 && !managed->all)
		require_uncovered(managed);
	else if (rows->count > 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("revisions are already applied in this database"),
				 errdetail("The baseline would create what revision \"%s\" and earlier revisions have already created.",
						   rows->names[0]),
				 cmig_hint("If the baseline is for another application in this database, name its schemas: `schemas => '{<schema>}'`. To combine revisions into one, use `cmig.squash`.")));
	cmig_diff_lines(cmig_whole_difference(managed, &options, false), &lines);
	add_audit(managed, &lines);
	cmig_diff_lines_add_labels(managed, &lines);
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
