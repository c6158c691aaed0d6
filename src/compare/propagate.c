/*
 * propagate.c
 *	  Finds the objects that must be dropped temporarily.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "compare/children.h"
#include "compare/foreign.h"
#include "compare/propagate.h"
#include "compare/replace.h"
#include "kinds/kind_table.h"
#include "kinds/kinds.h"

static void
count_dependent(CmigDependents *dependents, const CmigObject *on)
{
	dependents->start[on->index + 1]++;
}

/*
 * Set *dependents to the dependents of each object in the image.  Children
 * count as dependents of their parent.
 */
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

/* Can the object be dropped and created again without loss? */
static bool
is_disposable(const CmigObject *object)
{
	return (object->kind->flags & CMIG_KIND_DISPOSABLE) != 0 ||
		(object->kind->is_disposable != NULL && object->kind->is_disposable(object));
}

/*
 * Must the dependent be dropped temporarily while the object that it depends
 * on is altered?
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

/*
 * Returns true if the dependent is altered so that it no longer depends on the
 * object of "change".
 */
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
 * Returns true for a column that is dropped by itself or together with its
 * table.  Columns that inherit from it may remain.
 */
static bool
goes_with_table(const CmigDifference *difference, const CmigChange *change)
{
	return change->from->kind == &cmig_kind_column &&
		(change->action == CMIG_DROP || difference->of_from[change->from->parent->index]->action == CMIG_AGAIN);
}

/*
 * Must the dependent be dropped or altered because it uses the object of
 * "change"?  "goes" is true if that object is dropped, and false if it is
 * altered.
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
	if (cmig_children_is_attached(dependent) && dependent->from->parent != change->from)
		return false;

	/*
	 * ignore a change of a base type's definition: the dependent also depends
	 * on the type itself, whose change affects it
	 */
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

/*
 * If the object of "change" can be replaced while dependents use it, change
 * the dependent accordingly.  Returns the change whose dependents must be
 * examined next, or NULL if the object cannot be replaced.
 */
static CmigChange *
find_way(CmigDifference *difference, CmigChange *change, CmigChange *dependent)
{
	if (change->from->kind->flags & CMIG_KIND_SWAPS)
		return cmig_replace_dependent(difference, change, dependent);
	if (change->from->kind->flags & CMIG_KIND_DETOUR)
		return cmig_replace_detour(change, dependent);
	return NULL;
}

/*
 * Add the change to the queue of changes whose dependents must be examined,
 * unless it was added before with the same action.
 */
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
 * For a column of a foreign table, returns the table's change, since the
 * column is re-created with the table.  Otherwise, returns the change itself.
 */
static CmigChange *
whole_of(const CmigDifference *difference, CmigChange *change)
{
	CmigChange *table = change->from->parent ? difference->of_from[change->from->parent->index] : NULL;

	if (change->from->kind != &cmig_kind_foreign_column || table->to == NULL || cmig_change_drops(table))
		return change;
	return table;
}

/*
 * Is the object an enum that gets new values, and keeps the order of the old
 * ones?
 */
static bool
only_gets_values(const CmigChange *change)
{
	return change->from->kind == &cmig_kind_enum && change->to != NULL && cmig_enum_added(change->from, change->to) != NIL;
}

/*
 * Decide what happens to a dependent of the object of "change".  "goes" is
 * true if that object is dropped.  Returns the change whose dependents must be
 * examined next, or NULL if there is none.  If the dependent prevents the
 * change, the change is marked as unsupported.
 */
static CmigChange *
disturb(CmigDifference *difference, CmigChange *change, CmigChange *dependent, bool goes)
{
	CmigChange *next;

	if ((goes || is_disturbed(change, dependent)) && cmig_foreign_stays(difference, dependent))
	{
		cmig_foreign_prevents(change, dependent);
		return NULL;
	}
	if (!is_affected(difference, change, dependent, goes))
		return NULL;
	if (is_created_again(change, dependent))
	{
		dependent = whole_of(difference, dependent);
		dependent->action = CMIG_AGAIN;
		dependent->ddl = NIL;
		return dependent;
	}
	if (!goes)
		return NULL;
	if (cmig_replace_successor(difference, change, dependent) != NULL)
		return cmig_replace_dependent(difference, change, dependent);
	next = cmig_replace_multirange(difference, change, dependent);
	if (next != NULL)
		return next;
	if (lets_go(difference, change, dependent))
	{
		cmig_replace_trade(difference, change, dependent);
		return NULL;
	}
	if (change->action != CMIG_AGAIN)
		return NULL;
	next = find_way(difference, change, dependent);
	if (next == NULL)
	{
		change->action = CMIG_UNSUPPORTED;
		change->reason = psprintf("it would have to be dropped, and %s %s depends on it%s",
								  dependent->from->kind->name, dependent->from->identity,
								  only_gets_values(change) ? "; add its new values in an earlier revision, without using them" : "");
	}
	return next;
}

/*
 * Is the object a composite type's attribute or a domain?  If such an object
 * uses a range type or its multirange type, the range type cannot be dropped.
 */
static bool
is_nested_use(const CmigObject *object)
{
	return object->kind == &cmig_kind_attribute || object->kind == &cmig_kind_domain;
}

/*
 * Mark the change of an object that uses a range type as unsupported, because
 * the object may need the new range type or its new multirange type.
 */
static void
refuse_use(const CmigDifference *difference, const CmigChange *range, CmigChange *change)
{
	const bool	changes = change->action != CMIG_NO_CHANGE;

	if (change->to == NULL)
		return;
	if (change->from->kind == &cmig_kind_attribute)
	{
		CmigChange *type = difference->of_from[change->from->parent->index];

		change->action = CMIG_NO_CHANGE;
		change = type;
	}
	if (!changes && change->action == CMIG_NO_CHANGE)
		return;
	change->action = CMIG_UNSUPPORTED;
	change->reason = psprintf("it uses %s %s, which cannot be changed", range->from->kind->name, range->from->identity);
}

/*
 * If objects that use a range type prevent it from being re-created, mark the
 * range type's change as unsupported, and also the changes of these objects,
 * because they may need the new multirange type.
 */
static void
refuse_range(const CmigDifference *difference, const CmigDependents *dependents, CmigChange *change)
{
	const int	start = dependents->start[change->from->index],
				end = dependents->start[change->from->index + 1];
	const CmigObject *user = NULL;

	if (change->from->kind != &cmig_kind_range || change->action != CMIG_AGAIN)
		return;
	for (int i = start; i < end && user == NULL; i++)
		if (is_nested_use(dependents->objects[i]) && difference->of_from[dependents->objects[i]->index]->to != NULL)
			user = dependents->objects[i];
	if (user == NULL)
		return;
	change->action = CMIG_UNSUPPORTED;
	change->reason = psprintf("it would have to be dropped, and %s %s depends on it", user->kind->name, user->identity);
	for (int i = start; i < end; i++)
		refuse_use(difference, change, difference->of_from[dependents->objects[i]->index]);
}

void
cmig_propagate(CmigDifference *difference)
{
	CmigDependents dependents;
	List	   *queue = NIL;
	const int	count = difference->from->count;

	find_dependents(difference->from, &dependents);
	cmig_replace_used(difference, &dependents);
	for (int i = 0; i < count; i++)
		refuse_range(difference, &dependents, difference->of_from[i]);
	for (int i = 0; i < count; i++)
	{
		CmigChange *change = difference->of_from[i];

		if (cmig_change_drops(change) || change->disturbs)
			queue = enqueue(queue, change);
	}
	/* the queue grows during the loop */
	for (int i = 0; i < list_length(queue); i++)
	{
		CmigChange *change = list_nth(queue, i);
		bool		goes = cmig_change_drops(change);
		const int	end = dependents.start[change->from->index + 1];

		for (int j = dependents.start[change->from->index]; j < end; j++)
		{
			CmigChange *dependent = difference->of_from[dependents.objects[j]->index];
			CmigChange *next = disturb(difference, change, dependent, goes);

			if (next != NULL)
				queue = enqueue(queue, next);
			else if (change->action == CMIG_UNSUPPORTED)
				break;
		}
	}
}
