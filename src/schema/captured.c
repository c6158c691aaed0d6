/*
 * captured.c
 *	  When a revision that cmig.capture has written is loaded, records it as
 *	  applied.
 *
 * cmig.capture leaves a row with the revision's id and checksum in the
 * journal.  Therefore, a revision is stamped only in the database in which it
 * was captured, and only if its file has not changed.  Before that, the
 * schemas are compared, which replays revisions and thereby runs their code.
 * This is done only if scripts run as the same role as in cmig.capture, which
 * has already replayed them.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/argument.h"
#include "base/listing.h"
#include "base/subtransaction.h"
#include "move/move.h"
#include "move/stamp.h"
#include "parse/script.h"
#include "schema/captured.h"
#include "schema/drift_find.h"
#include "tables/journal.h"
#include "tables/journal_read.h"
#include "tables/progress.h"

#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

void
cmig_captured_journal(const CmigRevisionText *text, TimestampTz started_at)
{
	CmigJournalEntry entry = {.revision = text->edges.id,.direction = "drift",.outcome = "done"};

	entry.started_at = started_at;
	entry.finished_at = GetCurrentTimestamp();
	entry.checksum = cmig_script_checksum(text->upgrade_sql, text->edges.transactional);
	entry.message = "captured";
	cmig_journal_write(&entry);
}

/* The new revisions, and those of them that were captured in this database. */
typedef struct Added
{
	const CmigRevisionText *const *texts;
	int			count;
	List	   *captured;		/* list of CmigRevisionText * */
} Added;

/* Callback: add the revision to the captured ones if its script is unchanged. */
static void
add_captured(const char *revision, const char *checksum, void *arg)
{
	Added	   *added = arg;

	for (int i = 0; i < added->count; i++)
	{
		const CmigRevisionText *text = added->texts[i];

		if (strcmp(text->edges.id, revision) == 0 &&
			strcmp(cmig_script_checksum(text->upgrade_sql, text->edges.transactional), checksum) == 0)
			added->captured = lappend(added->captured, unconstify(CmigRevisionText *, text));
	}
}

/* Returns the captured revisions as a List of CmigRevisionText *. */
static List *
find_captured(const CmigRevisionText *const *texts, int count)
{
	Added		added = {texts, count, NIL};
	CmigNames	names = {count, palloc(sizeof(char *) * count)};

	for (int i = 0; i < count; i++)
		names.names[i] = texts[i]->edges.id;
	cmig_journal_read_each_captured(&names, add_captured, &added);
	return added.captured;
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

/* A revision to be stamped, and the drift that remains. */
typedef struct Adopt
{
	const CmigRevisionText *text;
	List	   *lines;
} Adopt;

/* Stamp the revision, and raise an error if drift remains. */
static void
adopt(void *arg)
{
	Adopt	   *work = arg;
	CmigDrift	drift = {.managed = cmig_managed_schemas(NULL)};
	CmigSituation now;

	drift.options.privileges = drift.options.comments = true;
	drift.options.role = GetUserNameFromId(GetUserId(), false);
	(void) cmig_stamp_targets(cmig_argument_one(work->text->edges.id), false);
	now = cmig_move_read(false);
	cmig_drift_read(&drift, &now, "cmig.load()");
	work->lines = cmig_drift_repair(&drift);
	if (work->lines != NIL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("the schema differs from what the revisions create")));
}

/* Returns why the revision was not stamped, as a DETAIL message. */
static char *
reason(const Adopt *work, const ErrorData *error)
{
	CmigListing listing;
	ListCell   *cell;

	if (work->lines == NIL)
		return error->detail ? psprintf("The schema could not be compared: %s: %s", error->message, error->detail) :
			psprintf("The schema could not be compared: %s.", error->message);
	cmig_listing_init(&listing, CMIG_LISTING_PLAIN);
	foreach(cell, cmig_diff_line_objects(work->lines))
	{
		const CmigDiffLine *line = lfirst(cell);

		cmig_listing_add_format(&listing, "%s %s", line->kind, line->object);
	}
	return psprintf("The schema differs from what the revisions, including this one, create: %s.", cmig_listing_text(&listing));
}

void
cmig_captured_loaded(const CmigRevisionText *const *added, int count)
{
	ListCell   *cell;

	foreach(cell, find_captured(added, count))
	{
		Adopt		work = {.text = lfirst(cell)};
		const char *id = work.text->edges.id;
		ErrorData  *error;

		if (!is_next(&work.text->edges))
			continue;
		error = cmig_subtransaction_try(adopt, &work);
		if (error == NULL)
			ereport(NOTICE,
					(errmsg("revision \"%s\" is recorded as applied, because it was captured in this database", id)));
		else if (cmig_subtransaction_must_rethrow(error))
			ReThrowError(error);
		else
			ereport(NOTICE,
					(errmsg("revision \"%s\" was captured in this database, but is not recorded as applied", id),
					 errdetail_internal("%s", reason(&work, error)),
					 errhint("If the database has all changes of the revision: SELECT cmig.stamp(%s)", quote_literal_cstr(id))));
	}
}
