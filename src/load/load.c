/*
 * load.c
 *	  Revisions from text into cmig.revision: what cmig.load does.
 *
 * Everything is judged before anything is written.  An unapplied revision may
 * become anything.  Of an applied one, the upgrade text and the transactional
 * flag may change only if they agree with what the journal says was run
 * here, and the edges only so that what is applied stays closed: it may gain
 * an edge to an applied revision and lose none.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "commands/dbcommands.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/timestamp.h"

#include "base/errors.h"
#include "base/settings.h"
#include "format/revision_file.h"
#include "format/revision_format.h"
#include "graph/graph_walk.h"
#include "graph/target.h"
#include "load/load.h"
#include "parse/script.h"
#include "tables/catalog.h"
#include "tables/journal.h"
#include "tables/progress.h"

/* A revision of the text, and how it compares with what is stored. */
typedef struct Item
{
	CmigRevisionFile *file;
	bool		exists;			/* has a row */
	char	   *other_message;	/* of the row, if it differs from the text's */
	bool		differs;		/* the row would change */
	bool		runs_differently;	/* its upgrade or flag would change */
	bool		applied;
	bool		needs_repair;	/* accepted against the journal */
} Item;

typedef struct Import
{
	int			count;
	Item	   *items;			/* in the order of the text */
	Item	  **sorted;			/* the same by id */
	CmigGraph  *before;			/* as stored */
	CmigGraph  *after;			/* as it would be */
	CmigApplied *applied;		/* in before */
	CmigMarks  *applied_after;	/* in after */
	List	   *removed;		/* of char *, sorted */
	List	   *kept;			/* of char *, sorted */
} Import;

#define item_id(item) ((item)->file->text.edges.id)

/*
 * The text
 */

static int
compare_items(const void *a, const void *b)
{
	const Item *one = *(Item *const *) a;
	const Item *other = *(Item *const *) b;
	int			result = strcmp(item_id(one), item_id(other));

	if (result == 0)
		result = one < other ? -1 : 1;
	return result;
}

/* "line 17 of file "003.sql"" */
static char *
item_place(const Item *item)
{
	if (item->file->name)
		return psprintf("line %d of file \"%s\"", item->file->line, item->file->name);
	return psprintf("line %d", item->file->line);
}

static void
take_files(Import *import, List *files)
{
	ListCell   *lc;

	import->items = palloc0(sizeof(Item) * list_length(files));
	import->sorted = palloc(sizeof(Item *) * list_length(files));
	foreach(lc, files)
	{
		Item	   *item = &import->items[import->count];

		item->file = lfirst(lc);
		cmig_revision_canonicalize(&item->file->text);
		import->sorted[import->count++] = item;
	}
	qsort(import->sorted, import->count, sizeof(Item *), compare_items);

	for (int i = 1; i < import->count; i++)
	{
		const Item *first = import->sorted[i - 1];
		const Item *second = import->sorted[i];

		if (strcmp(item_id(first), item_id(second)) == 0)
			ereport(ERROR,
					(errcode(ERRCODE_CMIG_BAD_FILE),
					 errmsg("revision \"%s\" is there twice", item_id(first)),
					 errdetail("Its headers are in %s and in %s.",
							   item_place(first), item_place(second)),
					 errhint("Give one of them another id, or leave it out.")));
	}
}

static Item *
find_item(const Import *import, const char *id)
{
	int			low = 0;
	int			high = import->count - 1;

	while (low <= high)
	{
		int			middle = (low + high) / 2;
		int			result = strcmp(id, item_id(import->sorted[middle]));

		if (result == 0)
			return import->sorted[middle];
		if (result < 0)
			high = middle - 1;
		else
			low = middle + 1;
	}
	return NULL;
}

/*
 * What is stored
 */

static bool
same_text(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

/* Called for each stored revision that the text holds too. */
static void
compare_stored(const CmigRevisionText *row, void *arg)
{
	Item	   *item = find_item(arg, row->edges.id);
	const CmigRevisionText *text = &item->file->text;
	CmigRevisionText stored = *row;

	cmig_revision_canonicalize(&stored);
	item->exists = true;
	if (!same_text(stored.edges.message, text->edges.message))
		item->other_message = pstrdup(stored.edges.message);
	item->runs_differently =
		stored.edges.transactional != text->edges.transactional ||
		!same_text(stored.upgrade_sql, text->upgrade_sql);
	item->differs = item->runs_differently ||
		stored.edges.malformed ||
		!cmig_names_same(&stored.edges.parents, &text->edges.parents) ||
		!cmig_names_same(&stored.edges.depends, &text->edges.depends) ||
		!cmig_names_same(&stored.edges.labels, &text->edges.labels) ||
		item->other_message != NULL ||
		!same_text(stored.description, text->description) ||
		!same_text(stored.downgrade_sql, text->downgrade_sql) ||
		!same_text(stored.verify_sql, text->verify_sql);
}

static void
read_stored(Import *import)
{
	CmigRevisionSet *set = cmig_catalog_read_revisions(false);
	CmigNames	ids;

	import->before = cmig_graph_build(set->revisions, set->count);
	import->applied = cmig_target_applied(import->before, cmig_catalog_read_version());

	ids.count = import->count;
	ids.names = palloc(sizeof(char *) * ids.count);
	for (int i = 0; i < ids.count; i++)
		ids.names[i] = item_id(import->sorted[i]);
	cmig_catalog_each_text_of(&ids, compare_stored, import);
}

/*
 * What it would become
 */

static void
build_after(Import *import, bool prune)
{
	CmigRevision *revisions;
	int			count = 0;
	List	   *begun = prune ? cmig_progress_read() : NIL;
	ListCell   *lc;

	revisions = palloc_extended(sizeof(CmigRevision) *
								(Size) (import->count + import->before->count),
								MCXT_ALLOC_HUGE);
	for (int i = 0; i < import->count; i++)
		revisions[count++] = import->items[i].file->text.edges;
	for (int node = 0; node < import->before->count; node++)
	{
		const CmigRevision *stored = import->before->nodes[node].revision;

		if (find_item(import, stored->id))
			continue;
		/* without its text, what a stepwise run has begun could not be ended */
		if (prune && !import->applied->applied->set[node] &&
			!cmig_progress_has(begun, stored->id))
		{
			import->removed = lappend(import->removed, stored->id);
			continue;
		}
		if (prune)
			import->kept = lappend(import->kept, stored->id);
		revisions[count++] = *stored;
	}
	import->after = cmig_graph_build(revisions, count);
	cmig_graph_require_sound(import->after);

	/*
	 * Applied is what was so before, and what a version row names that knew
	 * no revision until now, with its ancestors.
	 */
	import->applied_after = cmig_graph_marks(import->after);
	foreach(lc, import->applied->unknown)
	{
		int			node = cmig_graph_find_id(import->after, lfirst(lc));

		if (node >= 0)
			cmig_graph_mark(import->applied_after, node);
	}
	cmig_graph_mark_ancestors(import->after, import->applied_after, true);
	for (int node = 0; node < import->after->count; node++)
	{
		int			old = cmig_graph_find_id(import->before,
											 cmig_graph_id(import->after, node));

		if (old >= 0 && import->applied->applied->set[old])
			cmig_graph_mark(import->applied_after, node);
	}
}

/*
 * Judging changes of applied revisions
 */

/* The nodes that a node of after names, sorted, to be searched. */
typedef struct Named
{
	const CmigNode *node;
	int		   *parents;
	int		   *depends;
} Named;

static int
compare_ints(const void *a, const void *b)
{
	int			one = *(const int *) a;
	int			other = *(const int *) b;

	return one < other ? -1 : one > other;
}

static int *
sorted_nodes(const CmigEdges *edges)
{
	int		   *nodes = palloc(sizeof(int) * (edges->count + 1));

	memcpy(nodes, edges->nodes, sizeof(int) * edges->count);
	qsort(nodes, edges->count, sizeof(int), compare_ints);
	return nodes;
}

static Named
named_by(const Import *import, const Item *item)
{
	Named		named;

	named.node = &import->after->nodes[cmig_graph_find_id(import->after, item_id(item))];
	named.parents = sorted_nodes(&named.node->parents);
	named.depends = sorted_nodes(&named.node->depends);
	return named;
}

static bool
names_as_parent(const Import *import, const Named *named, const char *id)
{
	int			node = cmig_graph_find_id(import->after, id);

	return bsearch(&node, named->parents, named->node->parents.count,
				   sizeof(int), compare_ints) != NULL;
}

static bool
names_at_all(const Import *import, const Named *named, const char *id)
{
	int			node = cmig_graph_find_id(import->after, id);

	return names_as_parent(import, named, id) ||
		bsearch(&node, named->depends, named->node->depends.count,
				sizeof(int), compare_ints) != NULL;
}

static void
refuse_lost_edge(const Item *item, const char *key, const char *id)
{
	ereport(ERROR,
			(errcode(ERRCODE_CMIG_CHANGED_REVISION),
			 errmsg("applied revision \"%s\" must not lose its %s \"%s\"",
					item_id(item), key, id),
			 errdetail("The header in %s does not name it.", item_place(item)),
			 errhint("Put it back, or downgrade below \"%s\" before loading.", item_id(item))));
}

static void
refuse_gained_edge(const Import *import, const Item *item, const char *key, int node)
{
	ereport(ERROR,
			(errcode(ERRCODE_CMIG_CHANGED_REVISION),
			 errmsg("applied revision \"%s\" must not gain the %s \"%s\"",
					item_id(item), key, cmig_graph_id(import->after, node)),
			 errdetail("The header in %s names it, and it is not applied.", item_place(item)),
			 errhint("Apply it first, or downgrade below \"%s\" before loading.",
					 item_id(item))));
}

/*
 * An applied revision may gain an edge to an applied one, and lose none; a
 * dependency may become a parent.
 */
static void
check_edges(const Import *import, const Item *item)
{
	int			before = cmig_graph_find_id(import->before, item_id(item));
	const CmigNode *old;
	Named		new;

	if (before < 0)
		return;
	old = &import->before->nodes[before];
	new = named_by(import, item);

	for (int i = 0; i < old->parents.count; i++)
	{
		const char *id = cmig_graph_id(import->before, old->parents.nodes[i]);

		if (!names_as_parent(import, &new, id))
			refuse_lost_edge(item, "down_revision", id);
	}
	for (int i = 0; i < old->depends.count; i++)
	{
		const char *id = cmig_graph_id(import->before, old->depends.nodes[i]);

		if (!names_at_all(import, &new, id))
			refuse_lost_edge(item, "depends_on", id);
	}
	for (int i = 0; i < new.node->parents.count; i++)
		if (!import->applied_after->set[new.node->parents.nodes[i]])
			refuse_gained_edge(import, item, "down_revision", new.node->parents.nodes[i]);
	for (int i = 0; i < new.node->depends.count; i++)
		if (!import->applied_after->set[new.node->depends.nodes[i]])
			refuse_gained_edge(import, item, "depends_on", new.node->depends.nodes[i]);
}

/* Would the journal contradict the item's text? */
static bool
contradicts_journal(const Item *item)
{
	const CmigRevisionText *text = &item->file->text;
	char	   *run = cmig_journal_checksum(item_id(item));

	return run != NULL &&
		strcmp(run, cmig_script_checksum(text->upgrade_sql, text->edges.transactional)) != 0;
}

static bool
has_lost_parent(const Import *import, const Item *item)
{
	const CmigNode *old = &import->before->nodes[cmig_graph_find_id(import->before, item_id(item))];
	Named		new = named_by(import, item);

	for (int i = 0; i < old->parents.count; i++)
		if (!names_as_parent(import, &new, cmig_graph_id(import->before, old->parents.nodes[i])))
			return true;
	return false;
}

/*
 * Was another revision of that id applied here?  Two git branches may have
 * given the same id; then the message differs, and the text or an edge.
 */
static bool
is_other_revision(const Import *import, const Item *item)
{
	if (!item->exists || item->other_message == NULL || *item->other_message == '\0' ||
		*item->file->text.edges.message == '\0')
		return false;
	if (item->runs_differently)
		return contradicts_journal(item);
	return has_lost_parent(import, item);
}

static void
report_other_revision(int level, const Item *item)
{
	ereport(level,
			(errcode(ERRCODE_CMIG_CHANGED_REVISION),
			 errmsg("a different revision \"%s\" is already applied", item_id(item)),
			 errdetail("The applied one is \"%s\"; the one in %s is \"%s\", and its script or its parents differ too.",
					   item->other_message, item_place(item), item->file->text.edges.message),
			 errhint("If two git branches chose the same id, give one of the two revisions a new id, or downgrade below \"%s\" with the files of its own branch before loading these. If it is the same revision with a new message, put its script and parents back; accept_changes => true accepts another script.",
					 item_id(item))));
}

/*
 * Is it that a stepwise run has begun another revision of that id?  Its
 * statements may be edited after a failure, with the message as it was.
 */
static bool
is_other_begun(const Import *import, const Item *item)
{
	return item->other_message != NULL && *item->other_message != '\0' &&
		*item->file->text.edges.message != '\0' &&
		(item->runs_differently || has_lost_parent(import, item)) &&
		cmig_progress_has(cmig_progress_read(), item_id(item));
}

static void
report_other_begun(int level, const Item *item)
{
	ereport(level,
			(errcode(ERRCODE_CMIG_CHANGED_REVISION),
			 errmsg("a different revision \"%s\" is partially applied", item_id(item)),
			 errdetail("The partially applied one is \"%s\"; the one in %s is \"%s\", and its script or its parents differ too.",
					   item->other_message, item_place(item), item->file->text.edges.message),
			 errhint("If two git branches chose the same id, give one of the two revisions a new id, or finish the one that was begun with the files of its own branch before loading these. If it is the same revision with a new message, accept_changes => true accepts it.")));
}

static void
report_changed(int level, const List *changed)
{
	StringInfoData places;
	const Item *first = linitial(changed);
	ListCell   *lc;

	initStringInfo(&places);
	foreach(lc, changed)
	{
		const Item *item = lfirst(lc);
		int			n = foreach_current_index(lc);

		if (n == 5)
		{
			appendStringInfo(&places, ", and %d more", list_length(changed) - n);
			break;
		}
		appendStringInfo(&places, "%srevision \"%s\" (%s)", n > 0 ? ", " : "",
						 item_id(item), item_place(item));
	}
	ereport(level,
			(errcode(ERRCODE_CMIG_CHANGED_REVISION),
			 list_length(changed) == 1 ?
			 errmsg("applied revision \"%s\" has changed", item_id(first)) :
			 errmsg("%d applied revisions have changed", list_length(changed)),
			 errdetail("The upgrade or the transactional flag is not what was run here: %s.",
					   places.data),
			 errhint("Put the text back and write a new revision for the change; or, if the database is as the new text says, load with accept_changes => true, which is recorded in cmig.journal.")));
}

static void
judge(Import *import, bool accept_changes)
{
	List	   *changed = NIL;

	/*
	 * What is stored already can contradict the journal too: it was let in
	 * with a warning, or written by hand.  Loading it again changes nothing
	 * and so is no error, but the warning comes each time, and it can be
	 * accepted.
	 */
	bool		judge_all = accept_changes ||
	cmig_settings_checksum_policy() == CMIG_CHECKSUM_WARN;
	bool		tells_others = !accept_changes &&
	cmig_settings_checksum_policy() != CMIG_CHECKSUM_IGNORE;
	int			level = cmig_settings_checksum_policy() == CMIG_CHECKSUM_WARN ?
	WARNING : ERROR;

	for (int i = 0; i < import->count; i++)
	{
		Item	   *item = &import->items[i];
		bool		other;

		item->applied =
			import->applied_after->set[cmig_graph_find_id(import->after, item_id(item))];
		if (!item->applied)
		{
			if (tells_others && is_other_begun(import, item))
				report_other_begun(level, item);
			continue;
		}
		other = tells_others && is_other_revision(import, item);
		if (other)
			report_other_revision(level, item);
		if (!item->exists || item->differs)
			check_edges(import, item);
		if (!other && (!item->exists || item->runs_differently || judge_all) &&
			contradicts_journal(item))
			changed = lappend(changed, item);
	}

	if (changed == NIL)
		return;
	if (accept_changes)
	{
		ListCell   *lc;

		foreach(lc, changed)
		{
			((Item *) lfirst(lc))->needs_repair = true;
		}
	}
	else if (cmig_settings_checksum_policy() == CMIG_CHECKSUM_ERROR)
		report_changed(ERROR, changed);
	else if (cmig_settings_checksum_policy() == CMIG_CHECKSUM_WARN)
		report_changed(WARNING, changed);
}

static void
require_unprotected(const Import *import)
{
	int			others = list_length(import->removed) - 1;
	char	   *more = others > 0 ? psprintf(" and %d more", others) : "";

	if (import->removed == NIL || cmig_settings_protect() == CMIG_PROTECT_OFF)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_CMIG_PROTECTED),
			 errmsg("prune is not allowed in database \"%s\"",
					get_database_name(MyDatabaseId)),
			 errdetail("cmig.protect is %s; \"%s\"%s would be removed.",
					   cmig_settings_protect_name(),
					   (char *) linitial(import->removed), more),
			 errhint("Load without prune. %s", cmig_settings_unprotect_hint(false))));
}

/*
 * Writing
 */

/* The version rows that an applied revision has come to name directly go. */
static void
drop_implied_rows(const Import *import, const Item *item)
{
	Named		named = named_by(import, item);
	ListCell   *lc;

	foreach(lc, import->applied->nodes)
	{
		const char *row = cmig_graph_id(import->before, lfirst_int(lc));

		if (names_at_all(import, &named, row))
			cmig_catalog_delete_version(row);
	}
}

static void
write_repair(const Item *item)
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

static void
write_changes(const Import *import)
{
	const CmigRevisionText **added = palloc(sizeof(CmigRevisionText *) * import->count);
	int			count = 0;
	ListCell   *lc;

	foreach(lc, import->removed)
	{
		cmig_catalog_delete_revision(lfirst(lc));
	}
	for (int i = 0; i < import->count; i++)
	{
		const Item *item = &import->items[i];

		if (!item->exists)
			added[count++] = &item->file->text;
		else if (item->differs)
		{
			cmig_catalog_replace_revision(&item->file->text);
			if (item->applied)
				drop_implied_rows(import, item);
		}
		if (item->needs_repair)
			write_repair(item);
	}
	cmig_catalog_insert_revisions(added, count);
}

static List *
add_action(List *actions, const char *revision, const char *action)
{
	CmigLoadAction *line = palloc(sizeof(CmigLoadAction));

	line->revision = revision;
	line->action = action;
	return lappend(actions, line);
}

List *
cmig_load_files(List *files, bool prune, bool accept_changes)
{
	Import		import = {0};
	List	   *actions = NIL;
	ListCell   *lc;

	take_files(&import, files);
	read_stored(&import);
	build_after(&import, prune);
	judge(&import, accept_changes);
	require_unprotected(&import);
	write_changes(&import);

	for (int i = 0; i < import.count; i++)
	{
		const Item *item = &import.items[i];

		actions = add_action(actions, item_id(item),
							 !item->exists ? "added" :
							 item->differs ? "replaced" : "unchanged");
	}
	foreach(lc, import.removed)
	{
		actions = add_action(actions, lfirst(lc), "removed");
	}
	foreach(lc, import.kept)
	{
		actions = add_action(actions, lfirst(lc), "kept");
	}
	return actions;
}
