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

/* The arguments of a load. */
typedef struct LoadCall
{
	CmigLoad   *load;
	bool		prune;
	bool		accept_changes;
} LoadCall;

/* Would loading change nothing? */
static bool
is_unneeded(void *arg)
{
	const LoadCall *call = arg;
	CmigLoad   *load = call->load;

	if (!cmig_load_compare(load, call->prune, true) || load->removed != NIL)
		return false;
	cmig_load_judge(load, call->accept_changes);
	for (int i = 0; i < load->count; i++)
		if (load->items[i].needs_repair)
			return false;
	tell_waiting(load);
	return true;
}

/* Compare the files with the stored revisions, and store the changes. */
static void
store(const LoadCall *call)
{
	(void) cmig_load_compare(call->load, call->prune, false);
	cmig_load_judge(call->load, call->accept_changes);
	require_unprotected(call->load);
	write_changes(call->load);
	tell_waiting(call->load);
}

/*
 * Functions that load files
 */

/* Add a row to the result of the SQL function. */
static void
add_row(FunctionCallInfo fcinfo, const char *revision, const char *action)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	Datum		values[2] = {CStringGetTextDatum(revision), CStringGetTextDatum(action)};
	bool		nulls[2] = {0};

	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

/*
 * The rows are first the revisions from the files, in file order, then the
 * removed revisions, and then those that prune did not remove.  Removed and
 * remaining revisions are sorted by id.
 */
Datum
cmig_load_call(FunctionCallInfo fcinfo, const char *function, List *files)
{
	LoadCall	call;
	ListCell   *lc;

	InitMaterializedSRF(fcinfo, 0);
	call.load = cmig_load_take(files);
	call.prune = cmig_argument_bool(fcinfo, 1, false);
	call.accept_changes = cmig_argument_bool(fcinfo, 2, false);
	if (!cmig_change_is_unneeded(function, true, is_unneeded, &call))
	{
		int			guc_level = cmig_change_begin_revisions(function);

		store(&call);
		cmig_change_end_revisions(guc_level);
	}

	for (int i = 0; i < call.load->count; i++)
	{
		const CmigLoadItem *item = &call.load->items[i];

		add_row(fcinfo, cmig_load_id(item),
				!item->exists ? "added" : item->differs ? "replaced" : "unchanged");
	}
	foreach(lc, call.load->removed)
	{
		add_row(fcinfo, lfirst(lc), "removed");
	}
	foreach(lc, call.load->kept)
	{
		add_row(fcinfo, lfirst(lc), "kept");
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
