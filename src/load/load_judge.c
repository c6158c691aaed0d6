/*
 * load_judge.c
 *	  Checks whether changes to applied revisions are allowed.
 *
 * A revision that is not applied may change in any way.  An applied revision's
 * upgrade script and transactional flag may change only if, after the change,
 * they match the checksum in the journal.  Its edges may change only if all
 * ancestors of applied revisions remain applied: the revision may gain an edge
 * to an applied revision, but must not lose an edge.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/errors.h"
#include "base/listing.h"
#include "base/settings.h"
#include "load/load_judge.h"
#include "parse/script.h"
#include "tables/journal_read.h"
#include "tables/progress.h"

#include "lib/stringinfo.h"

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
			 errdetail("The header at %s does not list it.", cmig_load_place(item)),
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
			 errdetail("The header at %s lists it, but it is not applied.", cmig_load_place(item)),
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
					   item->other_message, cmig_load_place(item), item->file->text.edges.message),
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
					   item->other_message, cmig_load_place(item), item->file->text.edges.message),
			 errhint("If two Git branches use the same id, give one of the two revisions a new id, or finish the partially applied one with the files of the other branch before loading these files. If it is the same revision with a new message, use accept_changes => true to accept it.")));
}

/* Raise an error for an applied revision that would become repeatable. */
static void
refuse_repeatable(const CmigLoadItem *item)
{
	ereport(ERROR,
			(errcode(ERRCODE_CMIG_CHANGED_REVISION),
			 errmsg("applied revision \"%s\" must not become repeatable", cmig_load_id(item)),
			 errdetail("Its header at %s contains \"repeatable: true\".", cmig_load_place(item)),
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
								cmig_load_id(item), cmig_load_place(item));
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

void
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

bool
cmig_load_names(const CmigLoad *load, const CmigLoadItem *item, const char *id)
{
	Named		named = named_by(load, item);

	return names_at_all(load, &named, id);
}
