/*
 * load.c
 *	  Loads revisions from files into cmig.revision: cmig.load.
 *
 * All revisions are compared with the stored ones, and the graph is checked as
 * it would be after loading, before anything is stored.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "commands/dbcommands.h"
#include "funcapi.h"

#include "base/errors.h"
#include "store/internal.h"

/* A revision from a file, and how it differs from the stored one. */
typedef struct LoadItem
{
	CmigRevisionFile *file;
	bool		exists;			/* is the revision already stored? */
	char	   *other_message;	/* the stored message if it differs from the
								 * new one; otherwise NULL */
	bool		differs;		/* would the stored row change? */
	bool		runs_differently;	/* would the upgrade script or the
									 * transactional flag change? */
	char	   *ran_sql;		/* the stored upgrade script, if it would
								 * change and is what ran */
	bool		moved;			/* are its file or the positions in it not the
								 * stored ones? */
	bool		applied;
	bool		needs_repair;	/* is the change accepted although the journal
								 * contains a different checksum? */
} LoadItem;

/*
 * The state of a call to cmig.load: its arguments, the revisions from the
 * files, and the graph before and after loading.
 */
typedef struct Load
{
	bool		prune;
	bool		accept_changes;
	int			count;
	LoadItem   *items;			/* in the order of the files */
	LoadItem  **sorted;			/* the same items, sorted by id */
	CmigGraph  *before;			/* graph of the stored revisions */
	CmigGraph  *after;			/* graph as it will be after loading */
	CmigApplied *applied;		/* applied nodes of the graph "before" */
	CmigMarks  *applied_after;	/* applied nodes of the graph "after" */
	List	   *removed;		/* of char *: ids of revisions that prune
								 * removes, sorted */
	List	   *kept;			/* of char *: ids of revisions that prune does
								 * not remove although no file contains them,
								 * sorted */
} Load;

/* The id of an item. */
#define item_id(item) ((item)->file->text.edges.id)

PG_FUNCTION_INFO_V1(cmig_load);

void		(*cmig_load_at_end) (const CmigRevisionText *const *added, int count) = NULL;

/*
 * A qsort comparator by id.  Items with the same id keep the order of the
 * files.
 */
static int
compare_items(const void *a, const void *b)
{
	const LoadItem *one = *(LoadItem *const *) a;
	const LoadItem *other = *(LoadItem *const *) b;
	int			result = strcmp(item_id(one), item_id(other));

	if (result == 0)
		result = one < other ? -1 : 1;
	return result;
}

/* Returns the position of an item's header: line 17 of file "003.sql". */
static char *
item_place(const LoadItem *item)
{
	if (item->file->text.file_name)
		return psprintf("line %d of file \"%s\"", item->file->line, item->file->text.file_name);
	return psprintf("line %d", item->file->line);
}

/*
 * Take the revisions from the files (a List of CmigRevisionFile *).  Raises
 * error MG013 if a placeholder cannot be replaced at its position in a script,
 * or if an id occurs twice.
 */
static void
take_files(Load *load, List *files)
{
	load->items = palloc0(sizeof(LoadItem) * list_length(files));
	load->sorted = palloc(sizeof(LoadItem *) * list_length(files));
	foreach_ptr(CmigRevisionFile, each, files)
	{
		LoadItem   *item = &load->items[load->count];
		CmigRevisionText *text;

		item->file = each;
		text = &item->file->text;
		for (int i = CMIG_SECTION_UPGRADE; i <= CMIG_SECTION_VERIFY; i++)
			cmig_substitute_script(*cmig_section_of(text, i), &text->placeholders, text->edges.id,
								   cmig_marker_sections[i], NULL, NULL);
		cmig_substitute_script(text->precondition_sql, &text->placeholders, text->edges.id,
							   "precondition", NULL, NULL);
		load->sorted[load->count++] = item;
	}
	qsort(load->sorted, load->count, sizeof(LoadItem *), compare_items);

	/*
	 * If the messages of two revisions with the same id differ, show both,
	 * because two version-control branches have probably chosen the same id.
	 */
	for (int i = 1; i < load->count; i++)
	{
		const LoadItem *first = load->sorted[i - 1];
		const LoadItem *second = load->sorted[i];
		const char *one = first->file->text.edges.message;
		const char *other = second->file->text.edges.message;

		if (strcmp(item_id(first), item_id(second)) == 0)
			ereport(ERROR,
					(errcode(ERRCODE_CMIG_BAD_FILE),
					 errmsg("revision \"%s\" occurs twice", item_id(first)),
					 strcmp(one, other) == 0 ?
					 errdetail("Its headers are at %s and %s.", item_place(first),
							   item_place(second)) :
					 errdetail("The one at %s has the message \"%s\". The one at %s has the message \"%s\".",
							   item_place(first), one, item_place(second), other),
					 errhint("Give one of them another id, or leave one of them out.")));
	}
}

/* A bsearch comparator: compare an id with that of an item. */
static int
compare_id(const void *id, const void *item)
{
	return strcmp(id, item_id(*(LoadItem *const *) item));
}

/* Returns the item for the revision with this id, or NULL if there is none. */
static LoadItem *
find_item(const Load *load, const char *id)
{
	LoadItem  **found = bsearch(id, load->sorted, load->count, sizeof(LoadItem *), compare_id);

	return found ? *found : NULL;
}

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
 * Compare a stored revision with the item that has the same id, and record the
 * differences in the item.  "arg" is the Load.
 */
static void
compare_stored(const CmigRevisionText *row, void *arg)
{
	LoadItem   *item = find_item(arg, row->edges.id);
	const CmigRevisionText *text = &item->file->text;
	CmigRevisionText stored = *row;

	cmig_revision_canonicalize(&stored);
	item->exists = true;
	item->moved = text->file_name != NULL &&
		(!cmig_text_same(stored.file_name, text->file_name) ||
		 memcmp(stored.file_lines, text->file_lines, sizeof(text->file_lines)) != 0);
	if (!cmig_text_same(stored.edges.message, text->edges.message))
		item->other_message = pstrdup(stored.edges.message);
	item->runs_differently =
		stored.edges.transactional != text->edges.transactional ||
		!cmig_text_same(stored.upgrade_sql, text->upgrade_sql);
	if (item->runs_differently)
	{
		const char *run = cmig_journal_read_checksum(row->edges.id);

		if (run != NULL &&
			strcmp(run, cmig_script_checksum(stored.upgrade_sql, stored.edges.transactional)) == 0)
			item->ran_sql = pstrdup(stored.upgrade_sql);
	}
	item->differs = item->runs_differently ||
		stored.edges.malformed ||
		cmig_header_difference(&stored, text) != NULL ||
		!cmig_text_same(stored.description, text->description) ||
		!cmig_text_same(stored.downgrade_sql, text->downgrade_sql) ||
		!cmig_text_same(stored.verify_sql, text->verify_sql);

	/*
	 * When the script of a repeatable revision changes, keep the script that
	 * ran last, because a replay needs it until the new script has run.  The
	 * script that ran last is the stored one or the one that was stored
	 * before it.
	 */
	if (item->differs && row->edges.repeatable && text->edges.repeatable)
	{
		if (has_run(row->edges.id, row->upgrade_sql))
			item->file->text.previous_sql = pstrdup(row->upgrade_sql);
		else if (has_run(row->edges.id, row->previous_sql))
			item->file->text.previous_sql = pstrdup(row->previous_sql);
	}
}

static void
append_names(CmigNames *names, const CmigNames *more)
{
	names->names = names->names == NULL ? palloc(sizeof(char *) * more->count) :
		repalloc(names->names, sizeof(char *) * (names->count + more->count));
	memcpy(names->names + names->count, more->names, sizeof(char *) * more->count);
	names->count += more->count;
}

/*
 * Find the revisions that others replace.  *done are those that are no longer
 * needed, because the revision that replaces them counts as applied.  *waiting
 * are those that are still needed, because only some of the revisions in the
 * same "replaces" list are applied.  "all" are the revisions from the files, and
 * the stored ones that the files do not contain.
 */
static void
find_replaced(const Load *load, const CmigRevision *all, int count, CmigNames *done,
			  CmigNames *waiting)
{
	CmigPlace	place = {load->applied->rows};

	if (!cmig_replaces_any(all, count))
		return;
	place.begun = cmig_progress_begun();
	for (int i = 0; i < count; i++)
	{
		const CmigNames *old = &all[i].replaces;
		CmigReplacesState state;

		if (old->count == 0)
			continue;
		state = cmig_replaces_state(all, count, &place, &all[i]);
		if (state == CMIG_REPLACES_SOME)
			append_names(waiting, old);
		else if (state >= CMIG_REPLACES_TURN && !cmig_active_needed_in_scopes(old))
			append_names(done, old);
	}
	cmig_names_sort(done);
	cmig_names_sort(waiting);
}

/*
 * Add repeatable revisions to load->after: those from the files, and the
 * stored ones that are not removed.  Prune keeps those that are partially
 * applied, and those on which another kept revision depends.
 */
static void
add_repeatables(Load *load, List *begun)
{
	const CmigGraph *before = load->before;
	CmigRevision *revisions =
	palloc(sizeof(CmigRevision) * (load->count + before->repeatable_count + 1));
	const CmigRevision **stored = palloc(sizeof(CmigRevision *) * (before->repeatable_count + 1));
	bool	   *kept = palloc0(sizeof(bool) * (before->repeatable_count + 1));
	int			count = 0;

	for (int i = 0; i < load->count; i++)
		if (load->items[i].file->text.edges.repeatable)
			revisions[count++] = load->items[i].file->text.edges;

	/* go backward, because revisions come after their dependencies */
	for (int i = before->repeatable_count - 1; i >= 0; i--)
	{
		stored[i] = before->nodes[before->count + i].revision;
		kept[i] = !load->prune || cmig_progress_find(begun, stored[i]->id, CMIG_UPGRADE, 0);
		for (int j = i + 1; j < before->repeatable_count && !kept[i]; j++)
			for (int k = 0; kept[j] && k < stored[j]->depends.count; k++)
				kept[i] |= strcmp(stored[j]->depends.names[k], stored[i]->id) == 0;
	}
	for (int i = 0; i < before->repeatable_count; i++)
	{
		if (find_item(load, stored[i]->id))
			continue;
		if (kept[i])
			revisions[count++] = *stored[i];
		if (!kept[i])
			load->removed = lappend(load->removed, stored[i]->id);
		else if (load->prune)
			load->kept = lappend(load->kept, stored[i]->id);
	}
	cmig_repeatables_add(load->after, revisions, count);
}

/*
 * Set load->applied_after, the revisions that count as applied after loading:
 * those that were applied before, and those that were unknown before but have
 * a version row, with their ancestors.
 */
static void
mark_applied_after(Load *load)
{
	load->applied_after = cmig_graph_marks(load->after);
	foreach_ptr(char, name, load->applied->unknown)
	{
		int			node = cmig_graph_find_id(load->after, name);

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
build_after(Load *load)
{
	CmigRevision *revisions;
	int			all = 0;
	int			count;
	List	   *begun = load->prune ? cmig_progress_everywhere() : NIL;
	CmigPlace	place = {load->applied->rows};
	CmigNames	replaced = {0};
	CmigNames	waiting = {0};

	revisions = palloc_extended(sizeof(CmigRevision) *
								(Size) (load->count + load->before->count),
								MCXT_ALLOC_HUGE);
	for (int i = 0; i < load->count; i++)
		if (!load->items[i].file->text.edges.repeatable)
			revisions[all++] = load->items[i].file->text.edges;
	count = all;
	for (int node = 0; node < load->before->count; node++)
		if (!find_item(load, cmig_graph_id(load->before, node)))
			revisions[all++] = *load->before->nodes[node].revision;
	if (load->prune)
		find_replaced(load, revisions, all, &replaced, &waiting);
	for (int i = count; i < all; i++)
	{
		char	   *id = revisions[i].id;

		/*
		 * Do not remove a partially applied revision, which could not be
		 * finished without its script.  Also keep a revision that must be
		 * applied before another revision can replace it.
		 */
		if (load->prune &&
			(!load->applied->applied->set[cmig_graph_find_id(load->before, id)] ||
			 cmig_names_has(&replaced, id)) &&
			!cmig_progress_find(begun, id, CMIG_UPGRADE, 0) && !cmig_names_has(&waiting, id))
		{
			load->removed = lappend(load->removed, id);
			continue;
		}
		if (load->prune)
			load->kept = lappend(load->kept, id);
		revisions[count++] = revisions[i];
	}
	cmig_replaces_require_sound(revisions, count);
	if (cmig_replaces_any(revisions, count))
		place.begun = cmig_progress_begun();
	count = cmig_replaces_resolve(revisions, count, &place);
	load->after = cmig_graph_build(revisions, count);
	add_repeatables(load, begun);
	cmig_text_list_sort(load->removed);
	cmig_text_list_sort(load->kept);
	cmig_graph_require_sound(load->after);
	mark_applied_after(load);
}

/*
 * Compare the revisions from files with the stored ones, and check the graph
 * as it would be after loading.  If load->prune is true, stored revisions that the
 * files do not contain will be removed, unless they are still needed.  If
 * "unless_changed" is true and a revision from the files is not stored as it
 * is, returns false without checking the graph.  Otherwise returns true, or
 * raises error MG005 if the graph would be broken.
 */
static bool
compare(Load *load, bool unless_changed)
{
	CmigRevisionSet *set = cmig_catalog_read_revisions(false);
	CmigNames	ids = {load->count, palloc(sizeof(char *) * load->count)};

	for (int i = 0; i < load->count; i++)
	{
		CmigRevisionFile *file = load->items[i].file;

		file->text.previous_sql = NULL;
		memset(&load->items[i], 0, sizeof(LoadItem));
		load->items[i].file = file;
	}
	load->removed = load->kept = NIL;
	load->before = cmig_graph_build(set->revisions, set->count);
	cmig_repeatables_add(load->before, set->repeatables, set->repeatable_count);
	load->applied = cmig_applied_find(load->before, cmig_version_rows_of(CMIG_ROWS_EVERYWHERE));
	for (int i = 0; i < ids.count; i++)
		ids.names[i] = item_id(load->sorted[i]);
	cmig_catalog_each_text(&ids, compare_stored, load);
	for (int i = 0; unless_changed && i < load->count; i++)
		if (!load->items[i].exists || load->items[i].differs)
			return false;
	build_after(load);
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

/* Returns the node of an item in the graph after loading. */
static const CmigNode *
new_node(const Load *load, const LoadItem *item)
{
	return &load->after->nodes[cmig_graph_find_id(load->after, item_id(item))];
}

/* Does one of the edges lead to the revision with this id? */
static bool
has_edge(const Load *load, const CmigEdges *edges, const char *id)
{
	int			node = cmig_graph_find_id(load->after, id);

	for (int i = 0; i < edges->count; i++)
		if (edges->nodes[i] == node)
			return true;
	return false;
}

/*
 * Raise an error if an applied revision's edges would change in a way that is
 * not allowed: it must not lose an edge, though a dependency may become a
 * parent, nor gain one to a revision that is not applied.
 */
static void
check_edges(const Load *load, const LoadItem *item)
{
	int			before = cmig_graph_find_id(load->before, item_id(item));
	const CmigNode *old;
	const CmigNode *new;

	if (before < 0)
		return;
	old = &load->before->nodes[before];
	new = new_node(load, item);
	for (int depends = 0; depends < 2; depends++)
	{
		const char *key = depends ? "depends_on" : "down_revision";
		const CmigEdges *lost = depends ? &old->depends : &old->parents;
		const CmigEdges *gained = depends ? &new->depends : &new->parents;

		for (int i = 0; i < lost->count; i++)
		{
			const char *id = cmig_graph_id(load->before, lost->nodes[i]);

			if (!has_edge(load, &new->parents, id) &&
				!(depends && has_edge(load, &new->depends, id)))
				ereport(ERROR,
						(errcode(ERRCODE_CMIG_CHANGED_REVISION),
						 errmsg("applied revision \"%s\" must not lose its %s \"%s\"",
								item_id(item), key, id),
						 errdetail("The header at %s does not list it.", item_place(item)),
						 errhint("Restore the reference, or downgrade below \"%s\" before loading.",
								 item_id(item))));
		}
		for (int i = 0; i < gained->count; i++)
		{
			const char *id = cmig_graph_id(load->after, gained->nodes[i]);

			if (!load->applied_after->set[gained->nodes[i]])
				ereport(ERROR,
						(errcode(ERRCODE_CMIG_CHANGED_REVISION),
						 errmsg("applied revision \"%s\" must not gain the %s \"%s\"",
								item_id(item), key, id),
						 errdetail("The header at %s lists it, but it is not applied.",
								   item_place(item)),
						 errhint("Apply \"%s\" first, or downgrade below \"%s\" before loading.",
								 id, item_id(item))));
		}
	}
}

/*
 * Does the item's script differ from the script that ran, according to the
 * checksum in the journal?
 */
static bool
contradicts_journal(const LoadItem *item)
{
	const CmigRevisionText *text = &item->file->text;
	char	   *run = cmig_journal_read_checksum(item_id(item));

	return run != NULL &&
		strcmp(run, cmig_script_checksum(text->upgrade_sql, text->edges.transactional)) != 0;
}

/* Was a parent of the stored revision left out of the item's new header? */
static bool
has_lost_parent(const Load *load, const LoadItem *item)
{
	int			before = cmig_graph_find_id(load->before, item_id(item));
	const CmigNode *old;

	if (before < 0)
		return false;			/* another revision replaces the stored
								 * revision */
	old = &load->before->nodes[before];
	for (int i = 0; i < old->parents.count; i++)
		if (!has_edge(load, &new_node(load, item)->parents,
					  cmig_graph_id(load->before, old->parents.nodes[i])))
			return true;
	return false;
}

/*
 * Report that a different revision with the item's id is applied or partially
 * applied.  This can happen if two Git branches use the same id.
 */
static void
report_other(int level, const LoadItem *item, bool partially)
{
	ereport(level,
			(errcode(ERRCODE_CMIG_CHANGED_REVISION),
			 partially ? errmsg("a different revision \"%s\" is partially applied", item_id(item)) :
			 errmsg("a different revision \"%s\" is already applied", item_id(item)),
			 errdetail("The %s one has the message \"%s\". The one at %s has the message \"%s\", and its script or parents also differ.",
					   partially ? "partially applied" : "applied", item->other_message,
					   item_place(item), item->file->text.edges.message),
			 partially ?
			 cmig_hint("If two Git branches use the same id, give one of the two revisions a new id, or finish the partially applied one with the files of the other branch before loading these files. If it is the same revision with a new message, use `accept_changes => true` to accept it.") :
			 cmig_hint("If two Git branches use the same id, give one of the two revisions a new id, or downgrade below \"%s\" with the files of the other branch before loading these files. If it is the same revision with a new message, restore its script and parents, or use `accept_changes => true` to accept a changed script.",
					   item_id(item))));
}

/* Returns a sentence with the first line that differs from what ran, or nothing if that text is not stored. */
static const char *
changed_line(const LoadItem *item)
{
	const CmigRevisionText *text = &item->file->text;
	const char *now = text->upgrade_sql;
	const char *ran = item->ran_sql;
	int			line = text->file_name ? text->file_lines[0] : 1;

	if (ran == NULL || strcmp(ran, now) == 0)
		return "";
	for (; *now != '\0' && *ran != '\0'; line++)
	{
		size_t		length = strcspn(now, "\n");

		if (length != strcspn(ran, "\n") || strncmp(now, ran, length) != 0)
			break;
		now += length + (now[length] == '\n');
		ran += length + (ran[length] == '\n');
	}
	now = pnstrdup(now, strcspn(now, "\n"));
	ran = pnstrdup(ran, strcspn(ran, "\n"));
	return psprintf(" Line %d of %s is now \"%s\"; when it ran, it was \"%s\".", line,
					text->file_name ? psprintf("\"%s\"", text->file_name) :
					psprintf("the upgrade script of \"%s\"", item_id(item)),
					cmig_text_shortened(now, 100), cmig_text_shortened(ran, 100));
}

/* Report applied revisions whose script or transactional flag has changed. */
static void
report_changed(int level, const List *changed)
{
	CmigListing places;
	const LoadItem *first = linitial(changed);

	cmig_listing_init(&places, CMIG_LISTING_PLAIN);
	foreach_ptr(const LoadItem, item, changed)
		cmig_listing_add_format(&places, "revision \"%s\" (%s)",
								item_id(item), item_place(item));
	ereport(level,
			(errcode(ERRCODE_CMIG_CHANGED_REVISION),
			 list_length(changed) == 1 ?
			 errmsg("applied revision \"%s\" has changed", item_id(first)) :
			 errmsg("%d applied revisions have changed", list_length(changed)),
			 errdetail("Revisions whose upgrade script or transactional flag differs from what was run in this database: %s.%s",
					   cmig_listing_text(&places), changed_line(first)),
			 first->ran_sql && first->ran_sql[strspn(first->ran_sql, " \t\r\n")] == '\0' && list_length(changed) == 1 ?
			 cmig_hint("It was empty when it ran. To run it now, revert what is stored, and upgrade again: `SELECT * FROM cmig.downgrade('-1')`, in the shell with --no-load. Or write a new revision.") :
			 cmig_hint("Restore the text and write a new revision for the change; or, if the database already matches the new text, load with `accept_changes => true`, which is recorded in the journal.")));
}

/*
 * Raise error MG008 for changes to applied revisions that are not allowed.
 * Depending on cmig.checksum_policy, changes to scripts cause only a warning
 * or are ignored.  If accept_changes is true, sets needs_repair in the items
 * whose new script must be recorded in the journal.
 */
static void
judge(Load *load)
{
	List	   *changed = NIL;
	CmigChecksumPolicy policy = cmig_settings_checksum_policy();
	int			level = policy == CMIG_CHECKSUM_WARN ? WARNING : ERROR;

	/*
	 * Scripts that this load adds or changes are always compared with the
	 * journal.  A script that does not change can differ from the journal,
	 * too: it may have been loaded with only a warning, or changed manually.
	 * Loading it again is not an error.  However, the policy "warn" repeats
	 * the warning, and accept_changes accepts the stored script.
	 */
	bool		judge_all = load->accept_changes || policy == CMIG_CHECKSUM_WARN;

	for (int i = 0; i < load->count; i++)
	{
		LoadItem   *item = &load->items[i];
		int			before = cmig_graph_find_id(load->before, item_id(item));
		int			node = cmig_graph_find_id(load->after, item_id(item));
		bool		other;

		if (item->file->text.edges.repeatable)
		{
			if (before >= 0 && load->applied->applied->set[before])
				ereport(ERROR,
						(errcode(ERRCODE_CMIG_CHANGED_REVISION),
						 errmsg("applied revision \"%s\" must not become repeatable",
								item_id(item)),
						 errdetail("Its header at %s contains \"repeatable: true\".",
								   item_place(item)),
						 errhint("Give the repeatable revision another id.")));
			continue;
		}
		if (node < 0)
			continue;			/* ignored, because another revision replaces
								 * it */
		item->applied = load->applied_after->set[node];

		/*
		 * The stored revision is a different one if its message differs and
		 * its script or a parent differs, too.  Of a partially applied
		 * revision, users may edit the script.
		 */
		other = !load->accept_changes && policy != CMIG_CHECKSUM_IGNORE &&
			cmig_text_is_given(item->other_message) &&
			*item->file->text.edges.message != '\0';
		if (!item->applied)
		{
			if (item->exists && item->runs_differently)
				cmig_expansion_keep(item_id(item));
			if (other && (item->runs_differently || has_lost_parent(load, item)) &&
				cmig_progress_find(cmig_progress_everywhere(), item_id(item), CMIG_UPGRADE, 0))
				report_other(level, item, true);
			continue;
		}
		other = other &&
			(item->runs_differently ? contradicts_journal(item) : has_lost_parent(load, item));
		if (other)
			report_other(level, item, false);
		if (!item->exists || item->differs)
			check_edges(load, item);
		if (!other && (!item->exists || item->runs_differently || judge_all) &&
			contradicts_journal(item))
			changed = lappend(changed, item);
	}

	if (load->accept_changes)
	{
		foreach_ptr(LoadItem, each, changed)
			each->needs_repair = true;
	}
	else if (changed != NIL && policy != CMIG_CHECKSUM_IGNORE)
		report_changed(level, changed);
}

/*
 * Raise error MG011 if loading would remove revisions and cmig.protect forbids
 * it.
 */
static void
require_unprotected(const Load *load)
{
	CmigListing removed;

	foreach_ptr(char, name, load->removed)
		cmig_expansion_keep(name);
	if (load->removed == NIL || cmig_settings_protect() == CMIG_PROTECT_OFF)
		return;
	cmig_listing_init(&removed, CMIG_LISTING_QUOTED);
	foreach_ptr(char, each, load->removed)
		cmig_listing_add(&removed, each);
	ereport(ERROR,
			(errcode(ERRCODE_CMIG_PROTECTED),
			 errmsg("prune is not allowed in database \"%s\"",
					get_database_name(MyDatabaseId)),
			 errdetail("cmig.protect is %s; prune would remove %s.",
					   cmig_settings_protect_name(false), cmig_listing_text(&removed)),
			 cmig_hint("Load without prune. %s", cmig_settings_unprotect_hint(false))));
}

/*
 * Delete the version rows that are superfluous because the item's new header
 * names their revisions as parents or dependencies.  The item's revision must
 * be applied.
 */
static void
drop_implied_rows(const Load *load, const LoadItem *item)
{
	const CmigNames *rows = cmig_version_rows_read();
	const CmigNode *node = new_node(load, item);

	foreach_int(number, load->applied->nodes)
	{
		const char *row = cmig_graph_id(load->before, number);

		if ((has_edge(load, &node->parents, row) || has_edge(load, &node->depends, row)) &&
			cmig_names_has(rows, row))
			cmig_version_rows_delete(row);
	}
}

/* Store new and changed revisions, and remove those that prune removes. */
static void
write_changes(const Load *load)
{
	const CmigRevisionText **added = palloc(sizeof(CmigRevisionText *) * load->count);
	int			count = 0;

	foreach_ptr(char, name, load->removed)
		cmig_revision_rows_delete(name);
	for (int i = 0; i < load->count; i++)
	{
		const LoadItem *item = &load->items[i];

		if (!item->exists)
			added[count++] = &item->file->text;
		else if (item->differs)
		{
			cmig_revision_rows_replace(&item->file->text);
			if (item->applied)
				drop_implied_rows(load, item);
		}
		if (item->needs_repair)
		{
			const CmigRevisionText *text = &item->file->text;
			CmigJournalEntry entry = {.revision = text->edges.id,.direction = "repair"};

			entry.checksum = cmig_script_checksum(text->upgrade_sql, text->edges.transactional);
			(void) cmig_journal_write(&entry);
		}
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
tell_waiting(const Load *load)
{
	CmigRevisionSet *set;
	const CmigPlace *place;

	if (!cmig_catalog_has_replacing())
		return;
	set = cmig_catalog_read_revisions(false);
	place = cmig_active_place();
	for (int i = 0; i < load->count; i++)
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
 * Store the positions of the scripts in their files, where they are not the
 * stored ones.
 */
static void
write_positions(const Load *load)
{
	const CmigRevisionText **moved = palloc(sizeof(CmigRevisionText *) * load->count);
	int			count = 0;

	for (int i = 0; i < load->count; i++)
	{
		const LoadItem *item = &load->items[i];

		if (item->file->text.file_name != NULL && (item->moved || item->differs || !item->exists))
			moved[count++] = &item->file->text;
	}
	cmig_revision_rows_place(moved, count);
}

/* Would loading change nothing? */
static bool
is_unneeded(void *arg)
{
	Load	   *load = arg;

	if (!compare(load, true) || load->removed != NIL || !cmig_active_is_settled())
		return false;
	judge(load);
	for (int i = 0; i < load->count; i++)
		if (load->items[i].needs_repair)
			return false;
	tell_waiting(load);
	return true;
}

/*
 * The rows are first the revisions from the files, in file order, then the
 * removed revisions, and then those that prune did not remove.  Removed and
 * remaining revisions are sorted by id.
 */
Datum
cmig_load_call(FunctionCallInfo fcinfo, const char *function, List *files)
{
	Load		load = {0};
	ListCell   *lc;

	InitMaterializedSRF(fcinfo, 0);
	take_files(&load, files);
	load.prune = cmig_argument_bool(fcinfo, 1, false);
	load.accept_changes = cmig_argument_bool(fcinfo, 2, false);
	if (!cmig_change_is_unneeded(function, true, is_unneeded, &load))
	{
		int			guc_level = cmig_change_begin_revisions(function);

		compare(&load, false);
		judge(&load);
		require_unprotected(&load);
		write_changes(&load);
		tell_waiting(&load);
		AtEOXact_GUC(false, guc_level);
	}
	write_positions(&load);

	for (int i = 0; i < load.count; i++)
	{
		const LoadItem *item = &load.items[i];

		cmig_result_add_text(fcinfo, item_id(item),
							 !item->exists ? "added" : item->differs ? "replaced" : "unchanged");
	}
	foreach(lc, load.removed)
		cmig_result_add_text(fcinfo, lfirst(lc), "removed");
	foreach(lc, load.kept)
		cmig_result_add_text(fcinfo, lfirst(lc), "kept");
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
