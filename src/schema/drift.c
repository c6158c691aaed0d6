/*
 * drift.c
 *	  cmig.drift compares the live schema with what the applied revisions
 *	  create; cmig.capture turns the differences into a revision.
 *
 * A row of cmig.journal records each comparison and its result.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/argument.h"
#include "base/errors.h"
#include "base/listing.h"
#include "base/subtransaction.h"
#include "move/pending.h"
#include "move/stamp.h"
#include "run/scope.h"
#include "run/script_run.h"
#include "schema/captured.h"
#include "schema/diff_put.h"
#include "schema/drift_find.h"
#include "schema/generate.h"
#include "tables/change.h"
#include "tables/journal.h"

#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

PG_FUNCTION_INFO_V1(cmig_drift);
PG_FUNCTION_INFO_V1(cmig_capture);

/*
 * The journal
 */

/* Returns the result as a sentence for the journal. */
static char *
found_text(const List *lines)
{
	CmigListing found;
	ListCell   *cell;

	if (lines == NIL)
		return CMIG_JOURNAL_NO_DRIFT;
	cmig_listing_init(&found, CMIG_LISTING_PLAIN);
	foreach(cell, cmig_diff_line_objects(lines))
	{
		const CmigDiffLine *line = lfirst(cell);

		cmig_listing_add_format(&found, "%s %s", line->kind, line->object);
	}
	return psprintf(found.count == 1 ? "%d difference: %s" : "%d differences: %s",
					found.count, cmig_listing_text(&found));
}

/* Returns the names of the schemas, for the journal. */
static char *
schemas_text(const CmigNames *schemas)
{
	CmigListing listing;

	if (schemas == NULL)
		return "";
	cmig_listing_init(&listing, CMIG_LISTING_PLAIN);
	for (int i = 0; i < schemas->count; i++)
		cmig_listing_add(&listing, schemas->names[i]);
	return psprintf(" (in schemas %s)", cmig_listing_text(&listing));
}

/* Record the comparison and its result in cmig.journal. */
static void
journal(const CmigDrift *drift, const List *lines, TimestampTz started_at)
{
	CmigJournalEntry entry = {.direction = "drift",.outcome = "done",.started_at = started_at};

	entry.finished_at = GetCurrentTimestamp();
	entry.message = psprintf("%s%s%s", found_text(lines), schemas_text(drift->schemas),
							 drift->left_out ? psprintf(" (not compared: %s)", drift->left_out) : "");
	cmig_journal_write(&entry);
}

/*
 * cmig.drift
 */

/* A comparison and its result. */
typedef struct Finding
{
	CmigDrift  *drift;
	List	   *lines;
} Finding;

/* Compare the schemas; may run in a subtransaction. */
static void
find(void *arg)
{
	Finding    *finding = arg;
	CmigSituation now = cmig_move_read(false);

	cmig_drift_read(finding->drift, &now, "cmig.drift()");
	finding->lines = cmig_drift_repair(finding->drift);
}

/*
 * Called instead of raising an error about a revision that cannot be replayed:
 * issues a NOTICE, and returns a row for the revision, so that an empty result
 * always means that there is no drift.
 */
static List *
tell(const ErrorData *error)
{
	List	   *lines = NIL;

	ereport(NOTICE,
			(errmsg("%s", error->message),
			 errdetail_internal("%s\n%s", error->detail, cmig_script_run_place(error)),
			 errhint("%s", error->hint)));
	cmig_diff_line_add_unsupported(&lines, "revision", cmig_replay_failed(),
								   psprintf("cannot be replayed: %s", error->detail));
	return lines;
}

Datum
cmig_drift(PG_FUNCTION_ARGS)
{
	CmigDrift	drift = {0};
	Finding		finding = {&drift};
	TimestampTz started_at = GetCurrentTimestamp();

	cmig_scope_refuse("cmig.drift()", "RESET cmig.scope. To compare the schemas of two scopes: SELECT * FROM cmig.diff_schemas('<schema>', '<schema>')");
	InitMaterializedSRF(fcinfo, 0);
	cmig_drift_arguments(fcinfo, 0, &drift);
	cmig_change_begin("cmig.drift()");
	if (cmig_argument_bool(fcinfo, 7, true))
		find(&finding);
	else
	{
		ErrorData  *error = cmig_subtransaction_try(find, &finding);

		if (error != NULL && error->sqlerrcode != ERRCODE_CMIG_NOT_REPLAYABLE)
			ReThrowError(error);
		if (error != NULL)
			finding.lines = tell(error);
	}
	journal(&drift, finding.lines, started_at);
	cmig_diff_put(fcinfo, finding.lines);
	return (Datum) 0;
}

/*
 * cmig.capture
 */

Datum
cmig_capture(PG_FUNCTION_ARGS)
{
	CmigGenerate generate = {0};
	CmigDrift	drift = {0};
	CmigSituation now;
	TimestampTz started_at = GetCurrentTimestamp();
	List	   *lines;

	cmig_scope_refuse("cmig.capture()", "RESET cmig.scope. To compare the schemas of two scopes: SELECT * FROM cmig.diff_schemas('<schema>', '<schema>')");
	InitMaterializedSRF(fcinfo, 0);
	cmig_generate_arguments(fcinfo, 1, &generate);
	cmig_drift_arguments(fcinfo, 7, &drift);
	generate.store = cmig_argument_bool(fcinfo, 14, false);
	drift.adopts = true;

	if (!generate.store)
		cmig_change_begin("cmig.capture()");
	cmig_generate_prepare(&generate, "cmig.capture()");
	now = cmig_move_read(true);
	cmig_pending_require_heads(&now);
	cmig_drift_read(&drift, &now, "cmig.capture()");
	lines = cmig_drift_adopt(&drift);
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
		cmig_captured_journal(&generate.draft.new.text, started_at);
		ereport(NOTICE,
				(errmsg("the database already contains the changes of revision \"%s\"",
						generate.draft.new.text.edges.id),
				 errdetail("If you load the unchanged file into this database, the revision will be recorded as applied, unless the schema has changed by then."),
				 errhint("If you edit the file, load it and then mark it as applied: SELECT cmig.stamp(%s)", quote_literal_cstr(generate.draft.new.text.edges.id))));
	}
	return (Datum) 0;
}
