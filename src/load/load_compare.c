/*
 * load_compare.c
 *	  Compares revisions from files with those in cmig.revision.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/errors.h"
#include "base/text_list.h"
#include "format/revision_file.h"
#include "format/revision_format.h"
#include "graph/graph_walk.h"
#include "graph/repeatables.h"
#include "graph/replaces.h"
#include "graph/target.h"
#include "load/load_compare.h"
#include "parse/substitute.h"
#include "tables/active.h"
#include "tables/catalog.h"
#include "tables/journal_read.h"
#include "tables/progress.h"
#include "tables/repeatable.h"
#include "tables/version_rows.h"

/* Revisions from files */

/*
 * A qsort comparator by id.  Items with the same id keep the order of the
 * files.
 */
static int
compare_items(const void *a, const void *b)
{
	const CmigLoadItem *one = *(CmigLoadItem *const *) a;
	const CmigLoadItem *other = *(CmigLoadItem *const *) b;
	int			result = strcmp(cmig_load_id(one), cmig_load_id(other));

	if (result == 0)
		result = one < other ? -1 : 1;
	return result;
}

char *
cmig_load_place(const CmigLoadItem *item)
{
	if (item->file->name)
		return psprintf("line %d of file \"%s\"", item->file->line, item->file->name);
	return psprintf("line %d", item->file->line);
}

/* A CmigSubstituteValue callback that has no value for any placeholder. */
static const char *
no_value(const char *name, bool literal, void *arg)
{
	return NULL;
}

/*
 * Raise error MG013 if a placeholder in one of the scripts cannot be replaced
 * at its position.
 */
static void
check_placeholders(const CmigRevisionText *text)
{
	const CmigNames *declarations = &text->placeholders;
	const char *id = text->edges.id;

	cmig_substitute_script(text->upgrade_sql, declarations, id, "upgrade", no_value, NULL);
	cmig_substitute_script(text->downgrade_sql, declarations, id, "downgrade", no_value, NULL);
	cmig_substitute_script(text->verify_sql, declarations, id, "verify", no_value, NULL);
	cmig_substitute_script(text->precondition_sql, declarations, id, "precondition", no_value, NULL);
}

/*
 * Raise an error for an id that occurs twice.  If the messages of the two
 * revisions differ, both are shown, because two version-control branches have
 * probably chosen the same id.
 */
static void
refuse_twice(const CmigLoadItem *first, const CmigLoadItem *second)
{
	const char *one = first->file->text.edges.message;
	const char *other = second->file->text.edges.message;

	ereport(ERROR,
			(errcode(ERRCODE_CMIG_BAD_FILE),
			 errmsg("revision \"%s\" occurs twice", cmig_load_id(first)),
			 strcmp(one, other) == 0 ?
			 errdetail("Its headers are at %s and %s.", cmig_load_place(first), cmig_load_place(second)) :
			 errdetail("The one at %s has the message \"%s\". The one at %s has the message \"%s\".",
					   cmig_load_place(first), one, cmig_load_place(second), other),
			 errhint("Give one of them another id, or leave one of them out.")));
}

/*
 * Create the items for the revisions in the files.  Raises an error if an id
 * occurs twice.
 */
static void
take_files(CmigLoad *load, List *files)
{
	ListCell   *lc;

	load->items = palloc0(sizeof(CmigLoadItem) * list_length(files));
	load->sorted = palloc(sizeof(CmigLoadItem *) * list_length(files));
	foreach(lc, files)
	{
		CmigLoadItem *item = &load->items[load->count];

		item->file = lfirst(lc);
		cmig_revision_canonicalize(&item->file->text);
		check_placeholders(&item->file->text);
		load->sorted[load->count++] = item;
	}
	qsort(load->sorted, load->count, sizeof(CmigLoadItem *), compare_items);

	for (int i = 1; i < load->count; i++)
	{
		const CmigLoadItem *first = load->sorted[i - 1];
		const CmigLoadItem *second = load->sorted[i];

		if (strcmp(cmig_load_id(first), cmig_load_id(second)) == 0)
			refuse_twice(first, second);
	}
}

/* Returns the item for the revision with this id, or NULL if there is none. */
static CmigLoadItem *
find_item(const CmigLoad *load, const char *id)
{
	int			low = 0;
	int			high = load->count - 1;

	while (low <= high)
	{
		int			middle = (low + high) / 2;
		int			result = strcmp(id, cmig_load_id(load->sorted[middle]));

		if (result == 0)
			return load->sorted[middle];
		if (result < 0)
			high = middle - 1;
		else
			low = middle + 1;
	}
	return NULL;
}

/*
 * Stored revisions
 */

/*
 * Is "sql" the script that ran last for the repeatable revision with this id?
 * "sql" may be NULL.
 */
static bool
has_run(const char *id, const char *sql)
{
	char	   *last = sql == NULL ? NULL : cmig_journal_read_checksum(id);

	return last != NULL && strcmp(last, cmig_repeatable_checksum(sql, true, true)) == 0;
}

/*
 * When the script of a repeatable revision changes, keep the script that ran
 * last, because a replay needs it until the new script has run.  The script
 * that ran last is the stored one or the one that was stored before it.
 */
static void
keep_previous(CmigLoadItem *item, const CmigRevisionText *stored)
{
	const char *id = stored->edges.id;
	CmigRevisionText *text = &item->file->text;

	if (!stored->edges.repeatable || !text->edges.repeatable)
		return;
	if (has_run(id, stored->upgrade_sql))
		text->previous_sql = pstrdup(stored->upgrade_sql);
	else if (has_run(id, stored->previous_sql))
		text->previous_sql = pstrdup(stored->previous_sql);
}

/*
 * Compare a stored revision with the item that has the same id, and record the
 * differences in the item.  "arg" is the CmigLoad.
 */
static void
compare_stored(const CmigRevisionText *row, void *arg)
{
	CmigLoadItem *item = find_item(arg, row->edges.id);
	const CmigRevisionText *text = &item->file->text;
	CmigRevisionText stored = *row;

	cmig_revision_canonicalize(&stored);
	item->exists = true;
	if (!cmig_text_same(stored.edges.message, text->edges.message))
		item->other_message = pstrdup(stored.edges.message);
	item->runs_differently =
		stored.edges.transactional != text->edges.transactional ||
		!cmig_text_same(stored.upgrade_sql, text->upgrade_sql);
	item->differs = item->runs_differently ||
		stored.edges.malformed ||
		stored.edges.repeatable != text->edges.repeatable ||
		!cmig_names_same(&stored.edges.parents, &text->edges.parents) ||
		!cmig_names_same(&stored.edges.depends, &text->edges.depends) ||
		!cmig_names_same(&stored.edges.labels, &text->edges.labels) ||
		!cmig_names_same(&stored.edges.replaces, &text->edges.replaces) ||
		!cmig_names_same(&stored.placeholders, &text->placeholders) ||
		item->other_message != NULL ||
		!cmig_text_same(stored.description, text->description) ||
		!cmig_text_same(stored.downgrade_sql, text->downgrade_sql) ||
		!cmig_text_same(stored.verify_sql, text->verify_sql) ||
		!cmig_text_same(stored.precondition_sql, text->precondition_sql);
	if (item->differs)
		keep_previous(item, row);
}

/*
 * Build the graph of the stored revisions, and compare the stored revisions
 * that the files contain with the items.
 */
static void
read_stored(CmigLoad *load)
{
	CmigRevisionSet *set = cmig_catalog_read_revisions(false);
	CmigNames	ids;

	load->before = cmig_graph_build(set->revisions, set->count);
	cmig_repeatables_add(load->before, set->repeatables, set->repeatable_count);
	load->applied = cmig_applied_find(load->before, cmig_version_rows_everywhere());

	ids.count = load->count;
	ids.names = palloc(sizeof(char *) * ids.count);
	for (int i = 0; i < ids.count; i++)
		ids.names[i] = cmig_load_id(load->sorted[i]);
	cmig_catalog_each_text_of(&ids, compare_stored, load);
}

/*
 * The graph after loading
 */

/*
 * Returns the ids of revisions that are replaced by others.  If "waiting" is
 * false, returns those that are no longer needed, because the revision that
 * replaces them counts as applied.  If "waiting" is true, returns those that
 * are still needed, because only some of the revisions in the same "replaces"
 * list are applied.
 */
static CmigNames *
find_replaced(const CmigLoad *load, bool waiting)
{
	CmigNames  *names = palloc0(sizeof(CmigNames));
	CmigRevision *all = palloc_extended(sizeof(CmigRevision) * (Size) (load->count + load->before->count),
										MCXT_ALLOC_HUGE);
	CmigPlace	place = {load->applied->rows};
	int			count = 0;

	for (int i = 0; i < load->count; i++)
		if (!load->items[i].file->text.edges.repeatable)
			all[count++] = load->items[i].file->text.edges;
	for (int node = 0; node < load->before->count; node++)
		if (!find_item(load, cmig_graph_id(load->before, node)))
			all[count++] = *load->before->nodes[node].revision;
	if (!cmig_replaces_any(all, count))
		return names;
	place.begun = cmig_progress_begun();
	for (int i = 0; i < count; i++)
	{
		const CmigNames *old = &all[i].replaces;
		CmigReplacesState state;

		if (old->count == 0)
			continue;
		state = cmig_replaces_state(all, count, &place, &all[i]);
		if (waiting ? state != CMIG_REPLACES_SOME :
			state < CMIG_REPLACES_TURN || cmig_active_needed_in_scopes(old))
			continue;
		names->names = names->names == NULL ? palloc(sizeof(char *) * old->count) :
			repalloc(names->names, sizeof(char *) * (names->count + old->count));
		memcpy(names->names + names->count, old->names, sizeof(char *) * old->count);
		names->count += old->count;
	}
	cmig_names_sort(names);
	return names;
}

/*
 * Does a repeatable revision that prune keeps depend on the revision with this
 * id?
 */
static bool
is_needed(const CmigGraph *before, const bool *kept, const char *id)
{
	for (int i = 0; i < before->repeatable_count; i++)
	{
		const CmigNames *depends = &before->nodes[before->count + i].revision->depends;

		for (int j = 0; kept[i] && j < depends->count; j++)
			if (strcmp(depends->names[j], id) == 0)
				return true;
	}
	return false;
}

/*
 * Returns an array that says which of the stored repeatable revisions prune
 * keeps: those that are partially applied, and those on which another kept
 * revision depends.
 */
static bool *
find_kept(const CmigGraph *before, List *begun)
{
	bool	   *kept = palloc0(sizeof(bool) * Max(before->repeatable_count, 1));

	/* go backward, because revisions come after their dependencies */
	for (int i = before->repeatable_count - 1; i >= 0; i--)
	{
		const char *id = cmig_graph_id(before, before->count + i);

		kept[i] = cmig_progress_has(begun, id) || is_needed(before, kept, id);
	}
	return kept;
}

/*
 * Add repeatable revisions to load->after: those from the files, and the
 * stored ones that are not removed.
 */
static void
add_repeatables(CmigLoad *load, bool prune, List *begun)
{
	const CmigGraph *before = load->before;
	CmigRevision *revisions = palloc(sizeof(CmigRevision) * (load->count + before->repeatable_count + 1));
	bool	   *kept = prune ? find_kept(before, begun) : NULL;
	int			count = 0;

	for (int i = 0; i < load->count; i++)
		if (load->items[i].file->text.edges.repeatable)
			revisions[count++] = load->items[i].file->text.edges;
	for (int node = before->count; node < before->count + before->repeatable_count; node++)
	{
		const CmigRevision *stored = before->nodes[node].revision;

		if (find_item(load, stored->id))
			continue;
		if (prune && !kept[node - before->count])
		{
			load->removed = lappend(load->removed, stored->id);
			continue;
		}
		if (prune)
			load->kept = lappend(load->kept, stored->id);
		revisions[count++] = *stored;
	}
	cmig_repeatables_add(load->after, revisions, count);
}

/*
 * Set load->applied_after, the revisions that count as applied after loading:
 * those that were applied before, and those that were unknown before but have
 * a version row, with their ancestors.
 */
static void
mark_applied_after(CmigLoad *load)
{
	ListCell   *lc;

	load->applied_after = cmig_graph_marks(load->after);
	foreach(lc, load->applied->unknown)
	{
		int			node = cmig_graph_find_id(load->after, lfirst(lc));

		if (node >= 0)
			cmig_graph_mark(load->applied_after, node);
	}
	cmig_graph_mark_ancestors(load->after, load->applied_after, true);
	for (int node = 0; node < load->after->count; node++)
	{
		int			old = cmig_graph_find_id(load->before,
											 cmig_graph_id(load->after, node));

		if (old >= 0 && load->applied->applied->set[old])
			cmig_graph_mark(load->applied_after, node);
	}
}

/* Build the graph as it would be after loading. */
static void
build_after(CmigLoad *load, bool prune)
{
	CmigRevision *revisions;
	int			count = 0;
	List	   *begun = prune ? cmig_progress_everywhere() : NIL;
	CmigPlace	place = {load->applied->rows};
	const CmigNames *replaced = prune ? find_replaced(load, false) : NULL;
	const CmigNames *waiting = prune ? find_replaced(load, true) : NULL;

	revisions = palloc_extended(sizeof(CmigRevision) *
								(Size) (load->count + load->before->count),
								MCXT_ALLOC_HUGE);
	for (int i = 0; i < load->count; i++)
		if (!load->items[i].file->text.edges.repeatable)
			revisions[count++] = load->items[i].file->text.edges;
	for (int node = 0; node < load->before->count; node++)
	{
		const CmigRevision *stored = load->before->nodes[node].revision;

		if (find_item(load, stored->id))
			continue;

		/*
		 * Do not remove a partially applied revision, which could not be
		 * finished without its script.  Also keep a revision that must be
		 * applied before another revision can replace it.
		 */
		if (prune && (!load->applied->applied->set[node] || cmig_names_has(replaced, stored->id)) &&
			!cmig_progress_has(begun, stored->id) && !cmig_names_has(waiting, stored->id))
		{
			load->removed = lappend(load->removed, stored->id);
			continue;
		}
		if (prune)
			load->kept = lappend(load->kept, stored->id);
		revisions[count++] = *stored;
	}
	cmig_replaces_require_sound(revisions, count);
	if (cmig_replaces_any(revisions, count))
		place.begun = cmig_progress_begun();
	count = cmig_replaces_resolve(revisions, count, &place);
	load->after = cmig_graph_build(revisions, count);
	add_repeatables(load, prune, begun);
	cmig_text_list_sort(load->removed);
	cmig_text_list_sort(load->kept);
	cmig_graph_require_sound(load->after);
	mark_applied_after(load);
}

CmigLoad *
cmig_load_take(List *files)
{
	CmigLoad   *load = palloc0(sizeof(CmigLoad));

	take_files(load, files);
	return load;
}

bool
cmig_load_compare(CmigLoad *load, bool prune, bool unless_changed)
{
	for (int i = 0; i < load->count; i++)
	{
		CmigRevisionFile *file = load->items[i].file;

		file->text.previous_sql = NULL;
		memset(&load->items[i], 0, sizeof(CmigLoadItem));
		load->items[i].file = file;
	}
	load->removed = load->kept = NIL;
	read_stored(load);
	for (int i = 0; unless_changed && i < load->count; i++)
		if (!load->items[i].exists || load->items[i].differs)
			return false;
	build_after(load, prune);
	return true;
}
