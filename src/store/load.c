/*
 * load.c
 *	  Loading revision files.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "commands/dbcommands.h"
#include "fmgr.h"
#include "funcapi.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "nodes/pg_list.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "base/base.h"
#include "base/errors.h"
#include "graph/graph.h"
#include "parse/parse.h"
#include "store/internal.h"

/* ----------------------------------------------------------------
 * Compares revisions from files with those in cmig.revision.
 * ----------------------------------------------------------------
 */

/* A revision from a file, and how it differs from the stored one. */
typedef struct CmigLoadItem
{
	CmigRevisionFile *file;
	bool		exists;			/* is the revision already stored? */
	char	   *other_message;	/* the stored message if it differs from the
								 * new one; otherwise NULL */
	bool		differs;		/* would the stored row change? */
	bool		runs_differently;	/* would the upgrade script or the
									 * transactional flag change? */
	bool		applied;
	bool		needs_repair;	/* is the change accepted although the journal
								 * contains a different checksum? */
} CmigLoadItem;

/*
 * The state of a call to cmig.load: the revisions from the files, and the
 * graph before and after loading.
 */
typedef struct CmigLoad
{
	int			count;
	CmigLoadItem *items;		/* in the order of the files */
	CmigLoadItem **sorted;		/* the same items, sorted by id */
	CmigGraph  *before;			/* graph of the stored revisions */
	CmigGraph  *after;			/* graph as it will be after loading */
	CmigApplied *applied;		/* applied nodes of the graph "before" */
	CmigMarks  *applied_after;	/* applied nodes of the graph "after" */
	List	   *removed;		/* of char *: ids of revisions that prune
								 * removes, sorted */
	List	   *kept;			/* of char *: ids of revisions that prune does
								 * not remove although no file contains them,
								 * sorted */
} CmigLoad;

/* The id of an item. */
#define cmig_load_id(item) ((item)->file->text.edges.id)

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

/* Returns the position of an item's header: line 17 of file "003.sql". */
static char *
load_place(const CmigLoadItem *item)
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
			 errdetail("Its headers are at %s and %s.", load_place(first), load_place(second)) :
			 errdetail("The one at %s has the message \"%s\". The one at %s has the message \"%s\".",
					   load_place(first), one, load_place(second), other),
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

/*
 * Take revisions (a List of CmigRevisionFile *) from files.  Raises error MG013
 * if an id occurs twice or a placeholder is invalid.
 */
static CmigLoad *
load_take(List *files)
{
	CmigLoad   *load = palloc0(sizeof(CmigLoad));

	take_files(load, files);
	return load;
}

/*
 * Compare the revisions from files with the stored ones, and check the graph
 * as it would be after loading.  If "prune" is true, stored revisions that the
 * files do not contain will be removed, unless they are still needed.  If
 * "unless_changed" is true and a revision from the files is not stored as it
 * is, returns false without checking the graph.  Otherwise returns true, or
 * raises error MG005 if the graph would be broken.
 */
static bool
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

/* ----------------------------------------------------------------
 * Checks whether changes to applied revisions are allowed.
 *
 * A revision that is not applied may change in any way.  An applied revision's
 * upgrade script and transactional flag may change only if, after the change,
 * they match the checksum in the journal.  Its edges may change only if all
 * ancestors of applied revisions remain applied: the revision may gain an edge
 * to an applied revision, but must not lose an edge.
 * ----------------------------------------------------------------
 */

/*
 * The node of a revision in the graph after loading, with its parents and
 * dependencies, each sorted for bsearch().
 */
typedef struct Named
{
	const CmigNode *node;
	int		   *parents;
	int		   *depends;
} Named;

/* A qsort() and bsearch() comparator for integers. */
static int
compare_ints(const void *a, const void *b)
{
	int			one = *(const int *) a;
	int			other = *(const int *) b;

	return one < other ? -1 : one > other;
}

/* Returns a sorted copy of the nodes. */
static int *
sorted_nodes(const CmigEdges *edges)
{
	int		   *nodes = palloc(sizeof(int) * (edges->count + 1));

	memcpy(nodes, edges->nodes, sizeof(int) * edges->count);
	qsort(nodes, edges->count, sizeof(int), compare_ints);
	return nodes;
}

/*
 * Returns the parents and dependencies that the new header of an item lists.
 */
static Named
named_by(const CmigLoad *load, const CmigLoadItem *item)
{
	Named		named;

	named.node = &load->after->nodes[cmig_graph_find_id(load->after, cmig_load_id(item))];
	named.parents = sorted_nodes(&named.node->parents);
	named.depends = sorted_nodes(&named.node->depends);
	return named;
}

/* Is the revision with this id one of the parents in "named"? */
static bool
names_as_parent(const CmigLoad *load, const Named *named, const char *id)
{
	int			node = cmig_graph_find_id(load->after, id);

	return bsearch(&node, named->parents, named->node->parents.count,
				   sizeof(int), compare_ints) != NULL;
}

/*
 * Is the revision with this id one of the parents or dependencies in "named"?
 */
static bool
names_at_all(const CmigLoad *load, const Named *named, const char *id)
{
	int			node = cmig_graph_find_id(load->after, id);

	return names_as_parent(load, named, id) ||
		bsearch(&node, named->depends, named->node->depends.count,
				sizeof(int), compare_ints) != NULL;
}

/* Raise an error for an applied revision that would lose an edge. */
static void
refuse_lost_edge(const CmigLoadItem *item, const char *key, const char *id)
{
	ereport(ERROR,
			(errcode(ERRCODE_CMIG_CHANGED_REVISION),
			 errmsg("applied revision \"%s\" must not lose its %s \"%s\"",
					cmig_load_id(item), key, id),
			 errdetail("The header at %s does not list it.", load_place(item)),
			 errhint("Restore the reference, or downgrade below \"%s\" before loading.", cmig_load_id(item))));
}

/*
 * Raise an error for an applied revision that would gain an edge to a revision
 * that is not applied.
 */
static void
refuse_gained_edge(const CmigLoad *load, const CmigLoadItem *item, const char *key, int node)
{
	ereport(ERROR,
			(errcode(ERRCODE_CMIG_CHANGED_REVISION),
			 errmsg("applied revision \"%s\" must not gain the %s \"%s\"",
					cmig_load_id(item), key, cmig_graph_id(load->after, node)),
			 errdetail("The header at %s lists it, but it is not applied.", load_place(item)),
			 errhint("Apply \"%s\" first, or downgrade below \"%s\" before loading.",
					 cmig_graph_id(load->after, node), cmig_load_id(item))));
}

/*
 * Raise an error if an applied revision's edges would change in a way that is
 * not allowed.  A dependency may become a parent.
 */
static void
check_edges(const CmigLoad *load, const CmigLoadItem *item)
{
	int			before = cmig_graph_find_id(load->before, cmig_load_id(item));
	const CmigNode *old;
	Named		new;

	if (before < 0)
		return;
	old = &load->before->nodes[before];
	new = named_by(load, item);

	for (int i = 0; i < old->parents.count; i++)
	{
		const char *id = cmig_graph_id(load->before, old->parents.nodes[i]);

		if (!names_as_parent(load, &new, id))
			refuse_lost_edge(item, "down_revision", id);
	}
	for (int i = 0; i < old->depends.count; i++)
	{
		const char *id = cmig_graph_id(load->before, old->depends.nodes[i]);

		if (!names_at_all(load, &new, id))
			refuse_lost_edge(item, "depends_on", id);
	}
	for (int i = 0; i < new.node->parents.count; i++)
		if (!load->applied_after->set[new.node->parents.nodes[i]])
			refuse_gained_edge(load, item, "down_revision", new.node->parents.nodes[i]);
	for (int i = 0; i < new.node->depends.count; i++)
		if (!load->applied_after->set[new.node->depends.nodes[i]])
			refuse_gained_edge(load, item, "depends_on", new.node->depends.nodes[i]);
}

/*
 * Does the item's script differ from the script that ran, according to the
 * checksum in the journal?
 */
static bool
contradicts_journal(const CmigLoadItem *item)
{
	const CmigRevisionText *text = &item->file->text;
	char	   *run = cmig_journal_read_checksum(cmig_load_id(item));

	return run != NULL &&
		strcmp(run, cmig_script_checksum(text->upgrade_sql, text->edges.transactional)) != 0;
}

/* Was a parent of the stored revision left out of the item's new header? */
static bool
has_lost_parent(const CmigLoad *load, const CmigLoadItem *item)
{
	int			before = cmig_graph_find_id(load->before, cmig_load_id(item));
	const CmigNode *old;
	Named		new;

	if (before < 0)
		return false;			/* another revision replaces the stored
								 * revision */
	old = &load->before->nodes[before];
	new = named_by(load, item);
	for (int i = 0; i < old->parents.count; i++)
		if (!names_as_parent(load, &new, cmig_graph_id(load->before, old->parents.nodes[i])))
			return true;
	return false;
}

/*
 * Has a different revision with the item's id been applied to the database?
 * This can happen if two Git branches use the same id.  The applied revision
 * is a different one if its message differs and its script or a parent
 * differs, too.
 */
static bool
is_other_revision(const CmigLoad *load, const CmigLoadItem *item)
{
	if (!item->exists || item->other_message == NULL || *item->other_message == '\0' ||
		*item->file->text.edges.message == '\0')
		return false;
	if (item->runs_differently)
		return contradicts_journal(item);
	return has_lost_parent(load, item);
}

/* Report that a different revision with the item's id is applied. */
static void
report_other_revision(int level, const CmigLoadItem *item)
{
	ereport(level,
			(errcode(ERRCODE_CMIG_CHANGED_REVISION),
			 errmsg("a different revision \"%s\" is already applied", cmig_load_id(item)),
			 errdetail("The applied one has the message \"%s\". The one at %s has the message \"%s\", and its script or parents also differ.",
					   item->other_message, load_place(item), item->file->text.edges.message),
			 errhint("If two Git branches use the same id, give one of the two revisions a new id, or downgrade below \"%s\" with the files of the other branch before loading these files. If it is the same revision with a new message, restore its script and parents, or use accept_changes => true to accept a changed script.",
					 cmig_load_id(item))));
}

/*
 * Has a stepwise run partially applied a different revision with the item's
 * id?  Users may edit the script of a revision that failed, so a changed
 * script alone does not mean that the revision is a different one; its message
 * must differ, too.
 */
static bool
is_other_begun(const CmigLoad *load, const CmigLoadItem *item)
{
	return item->other_message != NULL && *item->other_message != '\0' &&
		*item->file->text.edges.message != '\0' &&
		(item->runs_differently || has_lost_parent(load, item)) &&
		cmig_progress_has(cmig_progress_everywhere(), cmig_load_id(item));
}

/* Report that a different revision with the item's id is partially applied. */
static void
report_other_begun(int level, const CmigLoadItem *item)
{
	ereport(level,
			(errcode(ERRCODE_CMIG_CHANGED_REVISION),
			 errmsg("a different revision \"%s\" is partially applied", cmig_load_id(item)),
			 errdetail("The partially applied one has the message \"%s\". The one at %s has the message \"%s\", and its script or parents also differ.",
					   item->other_message, load_place(item), item->file->text.edges.message),
			 errhint("If two Git branches use the same id, give one of the two revisions a new id, or finish the partially applied one with the files of the other branch before loading these files. If it is the same revision with a new message, use accept_changes => true to accept it.")));
}

/* Raise an error for an applied revision that would become repeatable. */
static void
refuse_repeatable(const CmigLoadItem *item)
{
	ereport(ERROR,
			(errcode(ERRCODE_CMIG_CHANGED_REVISION),
			 errmsg("applied revision \"%s\" must not become repeatable", cmig_load_id(item)),
			 errdetail("Its header at %s contains \"repeatable: true\".", load_place(item)),
			 errhint("Give the repeatable revision another id.")));
}

/* Report applied revisions whose script or transactional flag has changed. */
static void
report_changed(int level, const List *changed)
{
	CmigListing places;
	const CmigLoadItem *first = linitial(changed);
	ListCell   *lc;

	cmig_listing_init(&places, CMIG_LISTING_PLAIN);
	foreach(lc, changed)
	{
		const CmigLoadItem *item = lfirst(lc);

		cmig_listing_add_format(&places, "revision \"%s\" (%s)",
								cmig_load_id(item), load_place(item));
	}
	ereport(level,
			(errcode(ERRCODE_CMIG_CHANGED_REVISION),
			 list_length(changed) == 1 ?
			 errmsg("applied revision \"%s\" has changed", cmig_load_id(first)) :
			 errmsg("%d applied revisions have changed", list_length(changed)),
			 errdetail("Revisions whose upgrade script or transactional flag differs from what was run in this database: %s.",
					   cmig_listing_text(&places)),
			 errhint("Restore the text and write a new revision for the change; or, if the database already matches the new text, load with accept_changes => true, which is recorded in cmig.journal.")));
}

/*
 * Accept the changed scripts of applied revisions if accept_changes is true,
 * or report them as cmig.checksum_policy requires.
 */
static void
settle_changed(List *changed, bool accept_changes)
{
	ListCell   *lc;

	if (changed == NIL)
		return;
	if (accept_changes)
	{
		foreach(lc, changed)
			((CmigLoadItem *) lfirst(lc))->needs_repair = true;
	}
	else if (cmig_settings_checksum_policy() == CMIG_CHECKSUM_ERROR)
		report_changed(ERROR, changed);
	else if (cmig_settings_checksum_policy() == CMIG_CHECKSUM_WARN)
		report_changed(WARNING, changed);
}

/*
 * Raise error MG008 for changes to applied revisions that are not allowed.
 * Depending on cmig.checksum_policy, changes to scripts cause only a warning
 * or are ignored.  If accept_changes is true, sets needs_repair in the items
 * whose new script must be recorded in the journal.
 */
static void
cmig_load_judge(CmigLoad *load, bool accept_changes)
{
	List	   *changed = NIL;

	/*
	 * Scripts that this load adds or changes are always compared with the
	 * journal.  A script that does not change can differ from the journal,
	 * too: it may have been loaded with only a warning, or changed manually.
	 * Loading it again is not an error.  However, the policy "warn" repeats
	 * the warning, and accept_changes accepts the stored script.
	 */
	bool		judge_all = accept_changes ||
	cmig_settings_checksum_policy() == CMIG_CHECKSUM_WARN;
	bool		reports_others = !accept_changes &&
	cmig_settings_checksum_policy() != CMIG_CHECKSUM_IGNORE;
	int			level = cmig_settings_checksum_policy() == CMIG_CHECKSUM_WARN ?
	WARNING : ERROR;

	for (int i = 0; i < load->count; i++)
	{
		CmigLoadItem *item = &load->items[i];
		int			node = cmig_graph_find_id(load->after, cmig_load_id(item));
		bool		other;

		if (item->file->text.edges.repeatable)
		{
			int			before = cmig_graph_find_id(load->before, cmig_load_id(item));

			if (before >= 0 && load->applied->applied->set[before])
				refuse_repeatable(item);
			continue;
		}
		if (node < 0)
			continue;			/* ignored, because another revision replaces
								 * it */
		item->applied = load->applied_after->set[node];
		if (!item->applied)
		{
			if (reports_others && is_other_begun(load, item))
				report_other_begun(level, item);
			continue;
		}
		other = reports_others && is_other_revision(load, item);
		if (other)
			report_other_revision(level, item);
		if (!item->exists || item->differs)
			check_edges(load, item);
		if (!other && (!item->exists || item->runs_differently || judge_all) &&
			contradicts_journal(item))
			changed = lappend(changed, item);
	}

	settle_changed(changed, accept_changes);
}

/*
 * Does the new header of the item list the revision with this id as a parent
 * or dependency?
 */
static bool
load_names(const CmigLoad *load, const CmigLoadItem *item, const char *id)
{
	Named		named = named_by(load, item);

	return names_at_all(load, &named, id);
}

/* ----------------------------------------------------------------
 * Loads revisions for cmig.load and cmig.load_directory.
 *
 * 	  Loads revisions into cmig.revision: cmig.load.
 *
 * All revisions are compared and checked before anything is stored.
 * ----------------------------------------------------------------
 */

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

		if (load_names(load, item, row) && cmig_names_has(rows, row))
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
	call.load = load_take(files);
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
