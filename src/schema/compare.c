/*
 * compare.c
 *	  Finds the differences between two images.
 *
 * Objects are matched by kind and identity.  Each kind decides what ALTER can
 * change.  If an object is dropped, or altered in a way that its dependents do
 * not survive, they are dropped before and created again afterwards.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "schema/annotate.h"
#include "schema/children.h"
#include "schema/compare.h"
#include "schema/family.h"
#include "schema/foreign.h"
#include "schema/kind_table.h"
#include "schema/keep.h"
#include "schema/kinds.h"
#include "schema/replace.h"
#include "schema/serial.h"
#include "schema/twins.h"

/*
 * Matching
 */

/* Do the objects differ in a property that is compared? */
static bool
differs(const CmigObject *from, const CmigObject *to)
{
	const CmigKind *kind = to->kind;

	for (int i = 0; i < kind->nproperties; i++)
		if (!cmig_kind_same_value(&kind->properties[i], from->values[i], to->values[i]))
			return true;
	return false;
}

/* Does the object exist in only one of the images? */
static bool
is_single(const CmigDifference *difference, const CmigObject *object)
{
	return (cmig_image_lookup(difference->from, object->kind, object->identity) == NULL) !=
		(cmig_image_lookup(difference->to, object->kind, object->identity) == NULL);
}

/*
 * Is the object created by inheritance from its parent, both before and after
 * the change?
 */
static bool
follows_parent(const CmigDifference *difference, const CmigObject *object)
{
	const CmigObject *parent = object->parent;

	if (!object->inherited || parent == NULL)
		return false;
	if (parent->kind == &cmig_kind_table &&
		!cmig_table_keeps_inheriting(difference->from, difference->to, object))
		return false;
	/* also for an object that belongs to an inherited column */
	if (parent->inherited && is_single(difference, parent) && follows_parent(difference, parent))
		return true;
	/* defaults of existing columns are changed table by table */
	if (object->kind == &cmig_kind_default)
		return false;
	return cmig_image_lookup(difference->from, parent->kind, parent->identity) != NULL &&
		cmig_image_lookup(difference->to, parent->kind, parent->identity) != NULL;
}

/*
 * Is it an index or a constraint of a partition that belongs to the
 * partitioned table's, before and after the change? Then it cannot be changed
 * by itself.
 */
static bool
is_of_parent(const CmigChange *change)
{
	return change->from != NULL && change->to != NULL &&
		change->from->inherited && change->to->inherited && !change->to->alone &&
		(change->to->kind == &cmig_kind_index || change->to->kind == &cmig_kind_constraint);
}

/* Decide what to do about an object that is in both images. */
static void
compare_pair(CmigDifference *difference, CmigChange *change)
{
	CmigAlter	alter = {.from = change->from,.to = change->to};

	if (differs(change->from, change->to))
	{
		if (change->to->kind->alter == NULL)
			alter.again = true;
		else
			change->to->kind->alter(&alter);
	}
	if (alter.unsupported != NULL)
	{
		change->action = CMIG_UNSUPPORTED;
		change->reason = alter.unsupported;
		return;
	}
	if (alter.again && is_of_parent(change))
		return;
	if (alter.again)
	{
		change->action = CMIG_AGAIN;
		return;
	}
	change->disturbs = alter.disturbs;
	change->recasts = alter.recasts;
	change->late = alter.late;
	change->ddl = cmig_annotate_alter(change->from, change->to, difference->options);
	change->ddl = alter.late ? list_concat(change->ddl, alter.ddl) : list_concat(alter.ddl, change->ddl);
	change->ddl = list_concat(cmig_annotate_sequence_gone(change->from, change->to, difference->options), change->ddl);
	change->first = alter.first;
	change->last = alter.last;
	if (change->ddl != NIL || change->first != NIL || change->last != NIL || change->disturbs)
		change->action = CMIG_ALTER;
}

/*
 * Is it a column of a table that has the same type before and after the
 * change?  Then it is added or dropped together with the attribute.
 */
static bool
follows_type(const CmigDifference *difference, const CmigObject *object)
{
	const CmigObject *table = object->parent;

	if (object->kind != &cmig_kind_column || cmig_table_type(table) == NULL)
		return false;
	return cmig_image_lookup(difference->from, table->kind, table->identity) != NULL &&
		cmig_image_lookup(difference->to, table->kind, table->identity) != NULL &&
		cmig_table_keeps_type(cmig_image_lookup(difference->from, table->kind, table->identity),
							  cmig_image_lookup(difference->to, table->kind, table->identity));
}

/*
 * The statements that remove the owner, privileges, and comments of an object,
 * and whose undo restores them after another statement has created it again.
 */
static List *
annotations(const CmigDifference *difference, const CmigObject *object)
{
	CmigDiffOptions options = *difference->options;
	List	   *ddl = NIL;
	ListCell   *cell;

	options.owners = options.privileges = options.comments = true;
	foreach(cell, cmig_annotate_create(object, &options))
	{
		const CmigDdl *entry = lfirst(cell);

		ddl = lcons(linitial(cmig_ddl_append(NIL, entry->undo, entry->sql)), ddl);
	}
	return ddl;
}

/*
 * Is it an index whose creation, with its comment, is part of the statements
 * that create the partitioned table's?
 */
static bool
is_created_with_partial(const CmigDifference *difference, const CmigChange *change)
{
	const CmigObject *object = change->to ? change->to : change->from;
	const CmigObject *parent = object->kind != &cmig_kind_index ? NULL :
	cmig_children_parent(change->to ? difference->to : difference->from, object);

	return parent != NULL && cmig_index_is_partial(parent);
}

/* Decide what to do about an object that only one image has. */
static void
compare_single(CmigDifference *difference, CmigChange *change)
{
	const CmigObject *object = change->to ? change->to : change->from;

	if (object->kind == &cmig_kind_other)
	{
		change->action = CMIG_UNSUPPORTED;
		change->reason = change->to ? "it is missing; objects of this kind are not compared yet" :
			"it is not in the target; objects of this kind are not compared yet";
	}
	else if (is_created_with_partial(difference, change))
		change->action = CMIG_NO_CHANGE;
	else if (follows_type(difference, object) || follows_parent(difference, object))
	{
		if (object->kind == &cmig_kind_column)
			change->ddl = cmig_column_deviations(object, change->to != NULL);
		if (change->to != NULL)
			change->ddl = list_concat(change->ddl, cmig_annotate_create(object, difference->options));
		else
			change->ddl = list_concat(annotations(difference, object), change->ddl);
		change->action = change->ddl != NIL ? CMIG_ALTER : CMIG_NO_CHANGE;
	}
	else
		change->action = change->to ? CMIG_CREATE : CMIG_DROP;
}

/* Keep the properties that ORMs cannot define and the target does not have. */
static void
keep_unknown(const CmigObject *from, CmigObject *to)
{
	const CmigKind *kind = to->kind;

	for (int i = 0; i < kind->nproperties; i++)
		if ((kind->properties[i].flags & CMIG_PROPERTY_NO_MODEL) != 0 && to->values[i] == NULL)
			to->values[i] = from->values[i];
}

/* Only a person can decide to drop an object that ORMs cannot define. */
static void
refuse_drop(CmigChange *change, const CmigObject *missing)
{
	change->action = CMIG_UNSUPPORTED;
	change->reason = psprintf("the target lacks %s %s, on which it depends", missing->kind->name, missing->identity);
}

/* Is the object, or the one to which it belongs, not dropped? */
static bool
is_refused(const CmigDifference *difference, const CmigObject *object)
{
	for (; object != NULL; object = object->parent)
	{
		const CmigChange *change = difference->of_from[object->index];

		if (change != NULL && change->action == CMIG_UNSUPPORTED && change->to == NULL)
			return true;
	}
	return false;
}

/* Is the object a privilege, and are privileges not compared? */
static bool
is_ignored(const CmigDifference *difference, const CmigObject *object)
{
	return !difference->options->privileges &&
		(object->kind == &cmig_kind_default_privileges || object->kind == &cmig_kind_member_privilege);
}

static void
add_change(CmigDifference *difference, CmigObject *from, CmigObject *to)
{
	CmigChange *change = &difference->changes[difference->count++];

	change->from = from;
	change->to = to;
	if (from != NULL)
		difference->of_from[from->index] = change;
	if (to != NULL)
		difference->of_to[to->index] = change;
	if (from != NULL && to != NULL && difference->options->models)
		keep_unknown(from, to);
	if (is_ignored(difference, from ? from : to))
		return;
	if (from != NULL && to != NULL)
		compare_pair(difference, change);
	else if (to == NULL && difference->options->models && is_refused(difference, from->parent))
		return;
	else if (to == NULL && difference->options->models && cmig_keep_missing(from, difference->to))
		refuse_drop(change, cmig_keep_missing(from, difference->to));
	else
		compare_single(difference, change);
}

/*
 * Is an index or a constraint inherited on one side only, and is the parent's
 * not the same on the other side?  Then it is dropped or created with the
 * parent's.
 */
static bool
is_of_gone_parent(const CmigDifference *difference, const CmigObject *from, const CmigObject *to)
{
	const CmigObject *parent,
			   *other;

	if (from->inherited == to->inherited || (from->kind != &cmig_kind_index && from->kind != &cmig_kind_constraint))
		return false;
	parent = from->inherited ? cmig_children_parent(difference->from, from) : cmig_children_parent(difference->to, to);
	if (parent == NULL)
		return false;
	other = cmig_image_lookup(from->inherited ? difference->to : difference->from, parent->kind, parent->identity);
	return other == NULL || !cmig_kind_same_value(&parent->kind->properties[0], parent->values[0], other->values[0]);
}

/*
 * Make a change for each object of either image; both are sorted in the same
 * way.
 */
static void
match(CmigDifference *difference)
{
	const CmigImage *from = difference->from,
			   *to = difference->to;
	int			i = 0,
				j = 0;

	while (i < from->count || j < to->count)
	{
		int			order = i == from->count ? 1 : j == to->count ? -1 :
		cmig_object_compare(from->objects[i], to->objects[j]);
		bool		apart;

		/* a column of a view is not one of a materialized view */
		apart = order == 0 && is_of_gone_parent(difference, from->objects[i], to->objects[j]);
		apart |= order == 0 && from->objects[i]->parent != NULL && to->objects[j]->parent != NULL &&
			difference->of_from[from->objects[i]->parent->index] !=
			difference->of_to[to->objects[j]->parent->index];
		add_change(difference, order <= 0 ? from->objects[i] : NULL,
				   order >= 0 && !apart ? to->objects[j] : NULL);
		if (apart)
			add_change(difference, NULL, to->objects[j]);
		i += order <= 0;
		j += order >= 0;
	}
}

/*
 * An object is no longer inherited if its table is detached from the parent, or
 * if the parent is created again.
 */
static void
part_from_parents(CmigDifference *difference)
{
	for (int i = 0; i < difference->count; i++)
	{
		CmigChange *change = &difference->changes[i];
		CmigObject *object = change->to ? change->to : change->from;
		const CmigImage *image = change->to ? difference->to : difference->from;
		CmigObject *link;
		CmigChange *link_change;

		if (!object->inherited || object->alone || object->parent == NULL ||
			object->parent->kind != &cmig_kind_table)
			continue;
		if ((change->from == NULL || change->to == NULL) &&
			change->action != CMIG_NO_CHANGE && change->action != CMIG_ALTER)
			continue;
		if (is_created_with_partial(difference, change))
			continue;
		link = cmig_image_lookup(image, &cmig_kind_partition, object->parent->identity);
		if (link == NULL)
			continue;
		link_change = change->to ? difference->of_to[link->index] : difference->of_from[link->index];
		if (link_change->action == CMIG_NO_CHANGE)
			continue;
		if (change->from == NULL || change->to == NULL)
		{
			change->action = change->to ? CMIG_CREATE : CMIG_DROP;
			change->ddl = NIL;
		}
		else if (change->action != CMIG_AGAIN)
		{
			change->from->alone = change->to->alone = true;
			compare_pair(difference, change);
		}
	}
}

/*
 * ATTACH PARTITION would create the indexes of the partitioned table in the
 * partition, including those that were created with ON ONLY and have no index
 * there.
 */
static void
renew_only_indexes(CmigDifference *difference, const CmigObject *link)
{
	const CmigObject *table = cmig_image_lookup(difference->to, &cmig_kind_table, cmig_partition_of(link));

	for (const CmigObject *child = table ? table->child : NULL; child != NULL; child = child->sibling)
	{
		CmigChange *change = difference->of_to[child->index];

		if (child->kind == &cmig_kind_index && (change->action == CMIG_NO_CHANGE || change->action == CMIG_ALTER) &&
			change->from != NULL && strstr(cmig_index_definition(child), " ON ONLY ") != NULL)
		{
			change->action = CMIG_AGAIN;
			change->ddl = NIL;
		}
	}
}

/* Re-create indexes that attaching or detaching partitions would change. */
static void
renew_indexes(CmigDifference *difference)
{
	for (int i = 0; i < difference->count; i++)
	{
		const CmigChange *change = &difference->changes[i];
		const CmigObject *link = change->to ? change->to : change->from;

		if (link->kind == &cmig_kind_partition && change->action != CMIG_NO_CHANGE)
			renew_only_indexes(difference, link);
	}
}

/* Dropping objects temporarily */

static void
count_dependent(CmigDependents *dependents, const CmigObject *on)
{
	dependents->start[on->index + 1]++;
}

/* Make a list of dependents for each object; children count as dependents. */
static void
find_dependents(const CmigImage *image, CmigDependents *dependents)
{
	int		   *fill;

	dependents->start = palloc0(sizeof(int) * (image->count + 1));
	for (int i = 0; i < image->count; i++)
	{
		const CmigObject *object = image->objects[i];

		for (int j = 0; j < object->ndepends; j++)
			count_dependent(dependents, object->depends[j]);
		if (object->parent != NULL)
			count_dependent(dependents, object->parent);
	}
	for (int i = 0; i < image->count; i++)
		dependents->start[i + 1] += dependents->start[i];
	dependents->objects = palloc(sizeof(CmigObject *) * Max(dependents->start[image->count], 1));
	fill = palloc0(sizeof(int) * (image->count + 1));
	for (int i = 0; i < image->count; i++)
	{
		CmigObject *object = image->objects[i];

		for (int j = 0; j <= object->ndepends; j++)
		{
			const CmigObject *on = j < object->ndepends ? object->depends[j] : object->parent;

			if (on != NULL)
				dependents->objects[dependents->start[on->index] + fill[on->index]++] = object;
		}
	}
	pfree(fill);
}

static bool
is_disposable(const CmigObject *object)
{
	return (object->kind->flags & CMIG_KIND_DISPOSABLE) != 0 ||
		(object->kind->is_disposable != NULL && object->kind->is_disposable(object));
}

/*
 * Must the dependent be dropped temporarily while the other object is altered?
 */
static bool
is_disturbed(const CmigChange *change, const CmigChange *dependent)
{
	int			flags = dependent->from->kind->flags;

	if (!change->disturbs)
		return false;
	if (flags & CMIG_KIND_RECAST)
		return change->recasts || dependent->action == CMIG_ALTER;
	return (flags & CMIG_KIND_DISTURBED) != 0;
}

/* Does the dependent no longer depend on that object after the change? */
static bool
lets_go(const CmigDifference *difference, const CmigChange *change, const CmigChange *dependent)
{
	const CmigObject *to = dependent->to;

	if (dependent->action != CMIG_ALTER)
		return false;
	for (int i = 0; i < to->ndepends; i++)
		if (difference->of_to[to->depends[i]->index] == change)
			return false;
	return to->parent == NULL || difference->of_to[to->parent->index] != change;
}

static bool
is_inherited_column(const CmigObject *object)
{
	return object->kind == &cmig_kind_column && object->inherited;
}

static bool
is_typed_column(const CmigObject *object)
{
	return object->kind == &cmig_kind_column && cmig_table_type(object->parent) != NULL;
}

/*
 * Is it a column that is dropped, or whose table is dropped?  Columns that
 * inherit from it remain.
 */
static bool
goes_with_table(const CmigDifference *difference, const CmigChange *change)
{
	return change->from->kind == &cmig_kind_column &&
		(change->action == CMIG_DROP || difference->of_from[change->from->parent->index]->action == CMIG_AGAIN);
}

/* Is the object dropped, at least temporarily? */
static bool
is_going(const CmigChange *change)
{
	return change->action == CMIG_DROP || change->action == CMIG_AGAIN;
}

/*
 * Must the dependent be changed, since an object that it uses changes, or if
 * "goes" is set, is dropped?
 */
static bool
is_affected(const CmigDifference *difference, const CmigChange *change, const CmigChange *dependent,
			bool goes)
{
	if (dependent->to == NULL || dependent->action == CMIG_AGAIN ||
		dependent->action == CMIG_UNSUPPORTED)
		return false;
	if (!goes && !is_disturbed(change, dependent))
		return false;
	if (is_of_parent(dependent) && dependent->from->parent != change->from)
		return false;
	/* it depends on the type, too */
	if (change->from->kind == &cmig_kind_base_definition)
		return false;
	if (change->from->kind == &cmig_kind_attribute && is_typed_column(dependent->from))
		return false;
	return !is_inherited_column(dependent->from) || !goes_with_table(difference, change);
}

/* Can the dependent be dropped and created again without losing data? */
static bool
is_created_again(const CmigChange *change, const CmigChange *dependent)
{
	return is_disposable(dependent->from) ||
		(is_inherited_column(dependent->from) && is_inherited_column(dependent->to) &&
		 change->action == CMIG_AGAIN && change->from->kind == &cmig_kind_column) ||
		(change->action == CMIG_AGAIN && dependent->from->parent == change->from);
}

/* A change that makes it possible to keep the dependent, or NULL. */
static CmigChange *
find_way(CmigDifference *difference, CmigChange *change, CmigChange *dependent)
{
	if (change->from->kind->flags & CMIG_KIND_SWAPS)
		return cmig_replace_dependent(difference, change, dependent);
	if (change->from->kind->flags & CMIG_KIND_DETOUR)
		return cmig_replace_detour(change, dependent);
	return NULL;
}

/* Examine the dependents of the change, unless that has been done. */
static List *
enqueue(List *queue, CmigChange *change)
{
	if (change->queued && change->queued_action == change->action)
		return queue;
	change->queued = true;
	change->queued_action = change->action;
	return lappend(queue, change);
}

/*
 * Find the dependents that must be altered or dropped temporarily, and their
 * dependents in turn.
 */
/* Columns of a foreign table are created again with the table. */
static CmigChange *
whole_of(const CmigDifference *difference, CmigChange *change)
{
	CmigChange *table = change->from->parent ? difference->of_from[change->from->parent->index] : NULL;

	if (change->from->kind != &cmig_kind_foreign_column || table->to == NULL || is_going(table))
		return change;
	return table;
}

static void
propagate(CmigDifference *difference)
{
	CmigDependents dependents;
	List	   *queue = NIL;
	const int	count = difference->from->count;

	find_dependents(difference->from, &dependents);
	cmig_replace_used(difference, &dependents);
	for (int i = 0; i < count; i++)
	{
		CmigChange *change = difference->of_from[i];

		if (is_going(change) || change->disturbs)
			queue = enqueue(queue, change);
	}
	/* the queue grows during the loop */
	for (int i = 0; i < list_length(queue); i++)
	{
		CmigChange *change = list_nth(queue, i);
		bool		goes = is_going(change);

		for (int j = dependents.start[change->from->index]; j < dependents.start[change->from->index + 1]; j++)
		{
			CmigChange *dependent = difference->of_from[dependents.objects[j]->index];

			if ((goes || is_disturbed(change, dependent)) && cmig_foreign_stays(difference, dependent))
			{
				cmig_foreign_prevents(change, dependent);
				break;
			}
			if (!is_affected(difference, change, dependent, goes))
				continue;
			if (is_created_again(change, dependent))
			{
				dependent = whole_of(difference, dependent);
				dependent->action = CMIG_AGAIN;
				dependent->ddl = NIL;
				queue = enqueue(queue, dependent);
			}
			else if (goes && change->action == CMIG_AGAIN && !lets_go(difference, change, dependent))
			{
				CmigChange *next = find_way(difference, change, dependent);

				if (next != NULL)
				{
					queue = enqueue(queue, next);
					continue;
				}
				change->action = CMIG_UNSUPPORTED;
				change->reason = psprintf("it would have to be dropped, and %s %s depends on it",
										  dependent->from->kind->name, dependent->from->identity);
				break;
			}
		}
	}
}

/*
 * Late changes
 */

/*
 * Does anything new use a label that is added to an enum?  It cannot be used
 * in the same transaction.
 */
static bool
uses_label(const CmigObject *object, const char *type, const char *label)
{
	for (int i = 0; i < object->kind->nproperties; i++)
	{
		const char *value = object->values[i];

		if (value != NULL && strstr(value, label) != NULL &&
			(object->kind == &cmig_kind_function || strstr(value, type) != NULL))
			return true;
	}
	return false;
}

static bool
is_label_used(const CmigDifference *difference, const CmigObject *type, const char *label)
{
	for (int i = 0; i < difference->count; i++)
	{
		const CmigChange *change = &difference->changes[i];

		if (change->to != NULL && change->to != type && change->action != CMIG_NO_CHANGE &&
			uses_label(change->to, type->identity, label))
			return true;
	}
	return false;
}

/*
 * Replace enums whose new labels cannot be added at the end, since something
 * uses them.
 */
static void
decide_late(CmigDifference *difference)
{
	for (int i = 0; i < difference->count; i++)
	{
		CmigChange *change = &difference->changes[i];
		ListCell   *cell;

		if (!change->late)
			continue;
		foreach(cell, cmig_enum_added(change->from, change->to))
		{
			if (!difference->options->no_late && !is_label_used(difference, change->to, lfirst(cell)))
				continue;
			change->late = false;
			change->action = CMIG_AGAIN;
			change->ddl = NIL;
			break;
		}
	}
}

/* Is the object created by another object's statements? */

/* Does the change create the object? */
static bool
is_made(const CmigChange *change)
{
	return change->action == CMIG_CREATE || change->action == CMIG_AGAIN;
}

/* Does the change drop the object? */
static bool
is_dropped(const CmigChange *change)
{
	return change->action == CMIG_DROP || change->action == CMIG_AGAIN;
}

/* Can the object be part of its parent's CREATE statement? */
static bool
may_fold(const CmigObject *object)
{
	return (object->kind->flags & CMIG_KIND_FOLDS) != 0 && !object->apart && !object->unfolded &&
		(object->kind->folds == NULL || object->kind->folds(object));
}

/*
 * The change of the column from which a column is inherited, if both are
 * dropped and created again.
 */
static CmigChange *
inherited_change(const CmigDifference *difference, const CmigChange *change)
{
	const CmigObject *column = change->from;

	if (change->action != CMIG_AGAIN || column->kind != &cmig_kind_column ||
		!column->inherited || !change->to->inherited || change->to->alone)
		return NULL;
	for (int i = 0; i < column->ndepends; i++)
	{
		CmigChange *other = difference->of_from[column->depends[i]->index];

		if (other->from->kind == column->kind && other->from->parent != column->parent && other->action == CMIG_AGAIN)
			return other;
	}
	return NULL;
}

/* Parents come first in order of kinds, so the parent's host is known. */
static void
find_host(CmigDifference *difference, CmigChange *change)
{
	CmigObject *object = change->to ? change->to : change->from;
	CmigChange *parent;

	change->host = NULL;
	for (parent = inherited_change(difference, change); parent != NULL; parent = inherited_change(difference, parent))
		change->host = parent;
	if (change->host != NULL)
		return;
	if (change->to)
		change->to->folded = false;
	if (change->from)
		change->from->folded = false;
	if (object->parent == NULL || (!is_made(change) && !is_dropped(change)))
		return;
	parent = change->to ? difference->of_to[object->parent->index] : difference->of_from[object->parent->index];
	if (parent->action != change->action &&
		!(parent->action == CMIG_AGAIN && may_fold(object)))
		return;
	if (may_fold(object))
	{
		if (change->to)
			change->to->folded = true;
		if (change->from)
			change->from->folded = true;
	}
	else if (change->action != CMIG_DROP || object->apart ||
			 !(object->kind->flags & CMIG_KIND_GONE_WITH_PARENT))
		return;
	change->host = parent->host ? parent->host : parent;
	if (!object->folded)
		change->host->riders = lappend(change->host->riders, change);
}

/* Note that dropping one object also drops the other. */
static void
take(CmigChange *change, CmigChange *taken)
{
	if (!is_dropped(taken))
		return;
	taken->dropped_by = change;
	change->takes = lappend(change->takes, taken);
}

/* DROP TYPE drops the functions of a base type, too. */
static void
take_functions(const CmigDifference *difference, CmigChange *change)
{
	const CmigObject *definition = change->from->child;

	change->takes = NIL;
	if (!is_dropped(change) || definition == NULL)
		return;
	for (int i = 0; i < definition->ndepends; i++)
		if (definition->depends[i]->kind == &cmig_kind_function)
			take(change, difference->of_from[definition->depends[i]->index]);
	take(change, difference->of_from[definition->index]);
	change->riders = NIL;
}

/* Reverting the creation of a base type drops its functions, too. */
static void
mark_functions(const CmigDifference *difference, const CmigChange *change)
{
	const CmigObject *definition = change->to->child;

	for (int i = 0; definition != NULL && i < definition->ndepends; i++)
		if (definition->depends[i]->kind == &cmig_kind_function)
			difference->of_to[definition->depends[i]->index]->taken = is_made(change);
}

void
cmig_compare_hosts(CmigDifference *difference)
{
	for (int i = 0; i < difference->count; i++)
		difference->changes[i].riders = NIL;
	for (int i = 0; i < difference->count; i++)
		find_host(difference, &difference->changes[i]);
	for (int i = 0; i < difference->count; i++)
	{
		CmigChange *change = &difference->changes[i];

		if (change->from != NULL && change->from->kind == &cmig_kind_base_type)
			take_functions(difference, change);
		if (change->to != NULL && change->to->kind == &cmig_kind_base_type)
			mark_functions(difference, change);
	}
	cmig_twins_sort(difference);
	cmig_serial_mark(difference);
}

/* If an object is re-created, copy the properties that are not compared. */
static void
keep_annotations(CmigDifference *difference)
{
	const CmigDiffOptions *options = difference->options;

	for (int i = 0; i < difference->count; i++)
	{
		CmigChange *change = &difference->changes[i];

		if (change->action != CMIG_AGAIN)
			continue;
		if (!options->owners)
			change->to->owner = change->from->owner;
		if (!options->privileges)
		{
			change->to->grants = change->from->grants;
			change->to->sequence_grants = change->from->sequence_grants;
		}
		if (!options->comments)
			cmig_annotate_keep_comments(change->from, change->to);
		change->to->keeps = true;
	}
}

CmigDifference *
cmig_compare(CmigImage *from, CmigImage *to, const CmigDiffOptions *options)
{
	CmigDifference *difference = palloc0(sizeof(CmigDifference));

	if (options->models)
		cmig_keep_unknown(from, to);
	difference->from = from;
	difference->to = to;
	difference->options = options;
	difference->changes = MemoryContextAllocHuge(CurrentMemoryContext,
												 sizeof(CmigChange) * Max(from->count + to->count, 1));
	memset(difference->changes, 0, sizeof(CmigChange) * (from->count + to->count));
	difference->of_from = palloc0(sizeof(CmigChange *) * Max(from->count, 1));
	difference->of_to = palloc0(sizeof(CmigChange *) * Max(to->count, 1));
	match(difference);
	cmig_foreign_refuse(difference);
	cmig_family_exclude(difference);
	decide_late(difference);
	part_from_parents(difference);
	propagate(difference);
	part_from_parents(difference);
	cmig_children_keep(difference);
	renew_indexes(difference);
	for (int i = 0; i < difference->count; i++)
		if (difference->changes[i].away != NULL)
			cmig_replace_finish(difference, &difference->changes[i]);
	keep_annotations(difference);
	cmig_twins_unfold(difference);
	cmig_compare_hosts(difference);
	return difference;
}
