/*
 * host.c
 *	  Finds changes that are performed by another change's statement.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "compare/host.h"
#include "compare/serial.h"
#include "compare/twins.h"
#include "kinds/column_inherit.h"
#include "kinds/kinds.h"

/* Can the object be part of its parent's CREATE statement? */
static bool
may_fold(const CmigObject *object)
{
	return (object->kind->flags & CMIG_KIND_FOLDS) != 0 && !object->apart && !object->unfolded &&
		(object->kind->folds == NULL || object->kind->folds(object));
}

static bool
depends_on(const CmigObject *object, const CmigObject *on)
{
	for (int i = 0; i < object->ndepends; i++)
		if (object->depends[i] == on)
			return true;
	return false;
}

/*
 * Does "column" inherit from the column "parent" of a parent table?  If its
 * table also defines the column, only the tables depend on each other.
 */
static bool
inherits_from(const CmigObject *column, const CmigObject *parent)
{
	return depends_on(column, parent) || depends_on(column->parent, parent->parent);
}

/*
 * If the change re-creates an inherited column, but not its table, and the
 * parent's column is also re-created, returns the change of the parent's
 * column.  Otherwise returns NULL.
 */
static CmigChange *
inherited_change(const CmigDifference *difference, const CmigChange *change)
{
	const CmigObject *column = change->from;

	if (change->action != CMIG_AGAIN || column->kind != &cmig_kind_column ||
		!column->inherited || !change->to->inherited || change->to->alone ||
		difference->of_from[column->parent->index]->action == CMIG_AGAIN)
		return NULL;
	for (int i = 0; i < column->ndepends; i++)
	{
		CmigChange *other = difference->of_from[column->depends[i]->index];

		if (other->from->kind == column->kind && other->from->parent != column->parent && other->action == CMIG_AGAIN &&
			inherits_from(change->to, other->to))
			return other;
	}
	return NULL;
}

/*
 * Is the object created by the statement that creates its parent?  "parent" is
 * the parent's change.  ADD COLUMN for a parent table's column does not give
 * the child's column a default of its own, so such a default is not folded.
 */
static bool
folds(const CmigDifference *difference, const CmigChange *parent, const CmigObject *object)
{
	if (!may_fold(object))
		return false;
	return object->kind != &cmig_kind_default || object->inherited || inherited_change(difference, parent) == NULL ||
		cmig_column_repeats_default(object);
}

/*
 * Set the field "host" of a change and "folded" of its object, and add the
 * change to the riders of its host if necessary.  The host of the parent's
 * change is already known, because parents come before their children in the
 * order of kinds.
 */
static void
find_host(CmigDifference *difference, CmigChange *change)
{
	CmigObject *object = change->to ? change->to : change->from;
	CmigChange *parent;
	bool		folded;

	change->host = NULL;
	for (parent = inherited_change(difference, change); parent != NULL; parent = inherited_change(difference, parent))
		change->host = parent;
	if (change->host != NULL)
	{
		change->host->copies = lappend(change->host->copies, change);
		return;
	}
	if (change->to)
		change->to->folded = false;
	if (change->from)
		change->from->folded = false;
	if (object->parent == NULL || (!cmig_change_creates(change) && !cmig_change_drops(change)))
		return;
	parent = change->to ? difference->of_to[object->parent->index] : difference->of_from[object->parent->index];
	folded = folds(difference, parent, object) && (change->from == NULL || folds(difference, parent, change->from));
	if (parent->action != change->action && !(parent->action == CMIG_AGAIN && may_fold(object)))
		return;
	if (folded)
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

/*
 * Record that dropping the object of "change" also drops the object of
 * "taken".
 */
static void
take(CmigChange *change, CmigChange *taken)
{
	if (!cmig_change_drops(taken))
		return;
	taken->dropped_by = change;
	change->takes = lappend(change->takes, taken);
}

/*
 * Record that the DROP TYPE statement of a base type also drops the type's
 * functions and its definition.
 */
static void
take_functions(const CmigDifference *difference, CmigChange *change)
{
	const CmigObject *definition = change->from->child;

	change->takes = NIL;
	if (!cmig_change_drops(change) || definition == NULL)
		return;
	for (int i = 0; i < definition->ndepends; i++)
		if (definition->depends[i]->kind == &cmig_kind_function)
			take(change, difference->of_from[definition->depends[i]->index]);
	take(change, difference->of_from[definition->index]);
	change->riders = NIL;
}

/*
 * If the change creates a base type, set the field "taken" of the changes of
 * the type's functions.  Reverting the creation of the type also drops these
 * functions.
 */
static void
mark_functions(const CmigDifference *difference, const CmigChange *change)
{
	const CmigObject *definition = change->to->child;

	for (int i = 0; definition != NULL && i < definition->ndepends; i++)
		if (definition->depends[i]->kind == &cmig_kind_function)
			difference->of_to[definition->depends[i]->index]->taken = cmig_change_creates(change);
}

void
cmig_host_find(CmigDifference *difference)
{
	for (int i = 0; i < difference->count; i++)
		difference->changes[i].riders = difference->changes[i].copies = NIL;
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
