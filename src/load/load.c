/*
 * load.c
 *	  Loads revisions into cmig.revision: cmig.load.
 *
 * All revisions are compared and checked before anything is stored.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "commands/dbcommands.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "base/argument.h"
#include "base/compat.h"
#include "base/errors.h"
#include "base/listing.h"
#include "base/settings.h"
#include "format/revision_file.h"
#include "graph/replaces.h"
#include "load/load.h"
#include "load/load_compare.h"
#include "load/load_judge.h"
#include "parse/script.h"
#include "tables/active.h"
#include "tables/catalog.h"
#include "tables/revision_rows.h"
#include "tables/change.h"
#include "tables/journal.h"
#include "tables/version_rows.h"

PG_FUNCTION_INFO_V1(cmig_load);

void		(*cmig_load_at_end) (const CmigRevisionText *const *added, int count) = NULL;

/* A row of the result of cmig.load. */
typedef struct LoadAction
{
	const char *revision;
	const char *action;			/* added, replaced, unchanged, removed, kept */
} LoadAction;

/*
 * Raise error MG011 if loading would remove revisions and cmig.protect forbids
 * it.
 */
static void
require_unprotected(const CmigLoad *load)
{
	CmigListing removed;
	ListCell   *lc;

	if (load->removed == NIL || cmig_settings_protect() == CMIG_PROTECT_OFF)
		return;
	cmig_listing_init(&removed, CMIG_LISTING_QUOTED);
	foreach(lc, load->removed)
	{
		cmig_listing_add(&removed, lfirst(lc));
	}
	ereport(ERROR,
			(errcode(ERRCODE_CMIG_PROTECTED),
			 errmsg("prune is not allowed in database \"%s\"",
					get_database_name(MyDatabaseId)),
			 errdetail("cmig.protect is %s; prune would remove %s.",
					   cmig_settings_protect_name(), cmig_listing_text(&removed)),
			 errhint("Load without prune. %s", cmig_settings_unprotect_hint(false))));
}

/*
 * Writing revisions
 */

/*
 * Delete the version rows that are superfluous because the item's new header
 * names their revisions as parents or dependencies.  The item's revision must
 * be applied.
 */
static void
drop_implied_rows(const CmigLoad *load, const CmigLoadItem *item)
{
	const CmigNames *rows = cmig_version_rows_read();
	ListCell   *lc;

	foreach(lc, load->applied->nodes)
	{
		const char *row = cmig_graph_id(load->before, lfirst_int(lc));

		if (cmig_load_names(load, item, row) && cmig_names_has(rows, row))
			cmig_version_rows_delete(row);
	}
}

/*
 * Record in the journal that the changed script of an applied revision was
 * accepted.
 */
static void
write_repair(const CmigLoadItem *item)
{
	const CmigRevisionText *text = &item->file->text;
	CmigJournalEntry entry = {0};

	entry.revision = text->edges.id;
	entry.direction = "repair";
	entry.outcome = "done";
	entry.started_at = GetCurrentTimestamp();
	entry.finished_at = entry.started_at;
	entry.checksum = cmig_script_checksum(text->upgrade_sql, text->edges.transactional);
	cmig_journal_write(&entry);
}

/* Store new and changed revisions, and remove those that prune removes. */
static void
write_changes(const CmigLoad *load)
{
	const CmigRevisionText **added = palloc(sizeof(CmigRevisionText *) * load->count);
	int			count = 0;
	ListCell   *lc;

	foreach(lc, load->removed)
	{
		cmig_revision_rows_delete(lfirst(lc));
	}
	for (int i = 0; i < load->count; i++)
	{
		const CmigLoadItem *item = &load->items[i];

		if (!item->exists)
			added[count++] = &item->file->text;
		else if (item->differs)
		{
			cmig_revision_rows_replace(&item->file->text);
			if (item->applied)
				drop_implied_rows(load, item);
		}
		if (item->needs_repair)
			write_repair(item);
	}
	cmig_revision_rows_insert_many(added, count);
	cmig_active_settle();
	if (cmig_load_at_end && count > 0)
		cmig_load_at_end(added, count);
}

/* Append a row of the result to the list. */
static List *
add_action(List *actions, const char *revision, const char *action)
{
	LoadAction *line = palloc(sizeof(LoadAction));

	line->revision = revision;
	line->action = action;
	return lappend(actions, line);
}

/*
 * Issue a NOTICE for each revision that is ignored until all revisions that it
 * replaces are applied.
 */
static void
tell_waiting(const CmigLoad *load)
{
	CmigRevisionSet *set = cmig_catalog_read_revisions(false);
	const CmigPlace *place = cmig_replaces_any(set->revisions, set->count) ? cmig_active_place() : NULL;

	for (int i = 0; place != NULL && i < load->count; i++)
	{
		const CmigRevision *revision = &load->items[i].file->text.edges;

		if (revision->replaces.count > 0 &&
			cmig_replaces_state(set->revisions, set->count, place, revision) == CMIG_REPLACES_SOME)
			ereport(NOTICE,
					(errmsg("revision \"%s\" waits until all revisions that it replaces are applied", revision->id),
					 errdetail("Those revisions are needed until then. The last one is \"%s\".",
							   revision->replaces.names[revision->replaces.count - 1])));
	}
}

/*
 * Load the files.  Returns a List of LoadAction *: first the revisions from
 * the files, in file order, then the removed revisions, and then those that
 * prune did not remove.  Removed and remaining revisions are sorted by id.
 */
static List *
load_files(List *files, bool prune, bool accept_changes)
{
	CmigLoad   *load = cmig_load_compare(files, prune);
	List	   *actions = NIL;
	ListCell   *lc;

	cmig_load_judge(load, accept_changes);
	require_unprotected(load);
	write_changes(load);
	tell_waiting(load);

	for (int i = 0; i < load->count; i++)
	{
		const CmigLoadItem *item = &load->items[i];

		actions = add_action(actions, cmig_load_id(item),
							 !item->exists ? "added" :
							 item->differs ? "replaced" : "unchanged");
	}
	foreach(lc, load->removed)
	{
		actions = add_action(actions, lfirst(lc), "removed");
	}
	foreach(lc, load->kept)
	{
		actions = add_action(actions, lfirst(lc), "kept");
	}
	return actions;
}

/*
 * Functions that load files
 */

Datum
cmig_load_call(FunctionCallInfo fcinfo, const char *function, List *files)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	List	   *actions;
	ListCell   *lc;
	int			guc_level;

	InitMaterializedSRF(fcinfo, 0);
	guc_level = cmig_change_begin_revisions(function);
	actions = load_files(files, cmig_argument_bool(fcinfo, 1, false),
						 cmig_argument_bool(fcinfo, 2, false));
	cmig_change_end_revisions(guc_level);
	foreach(lc, actions)
	{
		const LoadAction *action = lfirst(lc);
		Datum		values[2];
		bool		nulls[2] = {0};

		values[0] = CStringGetTextDatum(action->revision);
		values[1] = CStringGetTextDatum(action->action);
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
	return (Datum) 0;
}

Datum
cmig_load(PG_FUNCTION_ARGS)
{
	char	   *script = cmig_argument_text(fcinfo, 0);
	List	   *files;

	if (script == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the script must not be null"),
				 errhint("Pass the text of one or more revision files.")));
	files = cmig_revision_file_parse(script, NULL);
	pfree(script);
	return cmig_load_call(fcinfo, "cmig.load()", files);
}
