/*
 * active.c
 *	  Reads the revisions that count.
 *
 * Either a revision that replaces others counts, or the revisions that it
 * replaces count, as described in replaces.h.  Revisions that do not count are
 * ignored.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/listing.h"
#include "graph/replaces.h"
#include "graph/target.h"
#include "graph/trees.h"
#include "parse/script.h"
#include "run/scope.h"
#include "tables/active.h"
#include "tables/journal.h"
#include "tables/progress.h"
#include "tables/version_rows.h"

#include "catalog/namespace.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

CmigPlace *
cmig_active_place(void)
{
	CmigPlace  *place = palloc(sizeof(CmigPlace));

	place->rows = cmig_version_rows_read();
	place->begun = cmig_progress_begun();
	return place;
}

CmigRevisionSet *
cmig_active_read(bool with_details)
{
	CmigRevisionSet *set = cmig_catalog_read_revisions(with_details);

	if (cmig_replaces_any(set->revisions, set->count))
		set->count = cmig_replaces_resolve(set->revisions, set->count, cmig_active_place());
	return set;
}

bool
cmig_active_needed_in_scopes(const CmigNames *replaced)
{
	const CmigNames *rows = cmig_version_rows_of_scopes();
	List	   *begun = rows->count > 0 ? cmig_progress_everywhere() : NIL;

	for (int i = 0; i < replaced->count; i++)
	{
		const char *name = replaced->names[i];

		/*
		 * ignore a version row for the last revision, because a scope with
		 * such a row has applied all replaced revisions
		 */
		if ((i < replaced->count - 1 && cmig_names_has(rows, name)) || cmig_progress_has(begun, name))
			return true;
	}
	return false;
}

CmigMarks *
cmig_active_separate(CmigGraph *graph)
{
	CmigMarks  *marks;

	if (!cmig_scope_is_set())
		return NULL;

	/*
	 * Find the revisions that are applied in the database before separating
	 * the trees.  A revision is also applied if an applied revision depends
	 * on it, and separating the trees removes such dependencies.
	 */
	marks = cmig_applied_find(graph, cmig_version_rows_database())->applied;
	cmig_trees_separate(graph);
	return marks;
}

/*
 * Replace the version row "row", which names a revision that "revision"
 * replaces, with a version row for "revision", and record this in the journal.
 */
static void
turn_over(const CmigRevision *revision, const char *row)
{
	CmigRevisionText *text = cmig_catalog_read_text(revision->id);
	CmigJournalEntry entry = {.revision = revision->id,.direction = "stamp",.outcome = "done"};
	CmigListing old;

	cmig_listing_init(&old, CMIG_LISTING_PLAIN);
	for (int i = 0; i < revision->replaces.count; i++)
		cmig_listing_add(&old, revision->replaces.names[i]);
	cmig_version_rows_replace(row, revision->id);
	entry.started_at = entry.finished_at = GetCurrentTimestamp();
	entry.checksum = cmig_script_checksum(text->upgrade_sql, text->edges.transactional);
	entry.message = psprintf("replaces %s", cmig_listing_text(&old));
	cmig_journal_write(&entry);
}

/*
 * Find a version row that must be replaced with a version row for the
 * replacing revision, and replace it.  Returns false if there is no such row.
 */
static bool
settle_one(const CmigRevisionSet *set)
{
	const CmigPlace *place = cmig_active_place();

	for (int i = 0; i < set->count; i++)
	{
		const CmigRevision *revision = &set->revisions[i];

		if (revision->replaces.count == 0 ||
			cmig_replaces_state(set->revisions, set->count, place, revision) != CMIG_REPLACES_TURN)
			continue;
		turn_over(revision, revision->replaces.names[revision->replaces.count - 1]);
		return true;
	}
	return false;
}

/*
 * Is the current role allowed to change version rows?  An author is not; in
 * that case, the next run by a migrator changes them.
 */
static bool
may_turn_over(void)
{
	Oid			version = get_relname_relid("version", get_namespace_oid("cmig", false));

	return !OidIsValid(version) ||
		pg_class_aclcheck(version, GetUserId(), ACL_UPDATE) == ACLCHECK_OK;
}

void
cmig_active_settle(void)
{
	CmigRevisionSet *set = cmig_catalog_read_revisions(false);

	if (!cmig_replaces_any(set->revisions, set->count) || !may_turn_over())
		return;
	while (settle_one(set))
		;
}

bool
cmig_active_is_settled(void)
{
	const CmigRevisionSet *set = cmig_catalog_read_revisions(false);
	const CmigPlace *place;

	if (!cmig_replaces_any(set->revisions, set->count))
		return true;
	place = cmig_active_place();
	for (int i = 0; i < set->count; i++)
		if (set->revisions[i].replaces.count > 0 &&
			cmig_replaces_state(set->revisions, set->count, place, &set->revisions[i]) == CMIG_REPLACES_TURN)
			return false;
	return true;
}
