/*
 * replace.c
 *	  Replaces types while columns use them.
 *
 * The old type is renamed, the new one is created, the columns are changed to
 * the new type, and then the old type is dropped.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "mb/pg_wchar.h"

#include "schema/internal.h"

/* Does a relation or a type have this identity? */
static bool
is_taken(const CmigImage *image, const char *identity)
{
	for (int i = 0; i < image->count; i++)
		if ((image->objects[i]->kind->flags & (CMIG_KIND_TYPE | CMIG_KIND_RELATION)) != 0 &&
			strcmp(image->objects[i]->identity, identity) == 0)
			return true;
	return false;
}

/*
 * Give the old type of the change a temporary name that neither image uses,
 * unless it has one.
 */
static void
put_away(const CmigDifference *difference, CmigChange *change)
{
	const CmigObject *type = change->from;
	CmigObject *away = cmig_object_copy(type);
	char	   *schema = pnstrdup(type->identity,
								  strlen(type->identity) - strlen(cmig_quote(type->name)));
	int			length = pg_mbcliplen(type->name, strlen(type->name), NAMEDATALEN - 8);

	for (int i = 0; change->away == NULL; i++)
	{
		away->name = psprintf("%.*s_old%s", length, type->name, i == 0 ? "" : psprintf("%d", i));
		away->identity = psprintf("%s%s", schema, cmig_quote(away->name));
		if (!is_taken(difference->from, away->identity) &&
			!is_taken(difference->to, away->identity))
			change->away = away;
	}
}

const CmigObject *
cmig_replace_successor(const CmigChange *change, const CmigChange *dependent)
{
	if (!(change->from->kind->flags & CMIG_KIND_SWAPS) || change->action != CMIG_DROP ||
		dependent->from->kind != &cmig_kind_column ||
		strcmp(dependent->from->values[CMIG_COLUMN_TYPE],
			   dependent->to->values[CMIG_COLUMN_TYPE]) != 0)
		return NULL;
	for (int i = 0; i < dependent->to->ndepends; i++)
	{
		const CmigObject *type = dependent->to->depends[i];

		if (strcmp(type->identity, change->from->identity) == 0 &&
			type->change->action == CMIG_CREATE)
			return type;
	}
	return NULL;
}

/* Is the column's type an array? */
static bool
is_array(const CmigObject *column)
{
	const char *type = column->values[CMIG_COLUMN_TYPE];
	size_t		length = strlen(type);

	return length > 2 && strcmp(type + length - 2, "[]") == 0;
}

CmigChange *
cmig_replace_dependent(CmigDifference *difference, CmigChange *change, CmigChange *dependent)
{
	CmigChange *next = dependent;
	const CmigObject *to = change->to ? change->to : cmig_replace_successor(change, dependent);

	/* the text of a value contained in another one has no names */
	if (!cmig_type_can_convert(change->from, to) && dependent->from->kind != &cmig_kind_table &&
		(dependent->from->kind != &cmig_kind_column || is_array(dependent->from)))
		return NULL;
	put_away(difference, change);
	if (dependent->from->kind == &cmig_kind_column)
	{
		if (dependent->from->values[CMIG_COLUMN_IN_KEY] != NULL)
			return NULL;
		dependent->action = CMIG_ALTER;
		dependent->alter.disturbs = dependent->alter.recasts = true;
		dependent->swaps_type = change->to == NULL;
		if (!cmig_column_stays_inherited(dependent->from, dependent->to))
			dependent->alter.ddl = lcons(cmig_column_type_replace(dependent->from, dependent->to,
																  change->from, to,
																  change->away->identity),
										 dependent->alter.ddl);
		return dependent;
	}
	if (dependent->from->kind == &cmig_kind_table && change->from->kind == &cmig_kind_composite)
	{
		CmigAlter	alter = {.from = dependent->from,.to = dependent->to};

		/*
		 * Make a typed table an ordinary one while its type is replaced.
		 * Columns are then added and dropped by statements for the table.
		 */
		if (dependent->to == NULL || !cmig_table_keeps_type(dependent->from, dependent->to) ||
			(dependent->action != CMIG_NO_CHANGE && dependent->action != CMIG_ALTER))
			return NULL;
		if (dependent->untyped)
			return dependent;
		dependent->untyped = true;
		cmig_table_untype(&alter);
		dependent->action = CMIG_ALTER;
		dependent->alter.first = list_concat(dependent->alter.first, alter.first);
		dependent->alter.last = list_concat(dependent->alter.last, alter.last);
		for (const CmigObject *child = dependent->from->child; child != NULL; child = child->sibling)
			if (child->kind == &cmig_kind_column && child->change->to == NULL)
				child->change->action = CMIG_DROP;
		for (const CmigObject *child = dependent->to->child; child != NULL; child = child->sibling)
			if (child->kind == &cmig_kind_column && child->change->from == NULL)
				child->change->action = CMIG_CREATE;
		return dependent;
	}
	if (dependent->from->kind == &cmig_kind_attribute)
		next = dependent->from->parent->change;
	if (!(next->from->kind->flags & CMIG_KIND_SWAPS) || next->to == NULL ||
		next->action == CMIG_UNSUPPORTED)
		return NULL;
	next->action = CMIG_AGAIN;
	next->alter.ddl = NIL;
	next->alter.late = false;
	return next;
}

void
cmig_replace_trade(const CmigDifference *difference, CmigChange *change, CmigChange *dependent)
{
	bool		needed = false;

	if (!(change->from->kind->flags & CMIG_KIND_SWAPS) ||
		dependent->from->kind != &cmig_kind_column)
		return;

	/*
	 * If the new column uses a type that has the name of the old type, or
	 * another type that is replaced, the old type must exist under a
	 * temporary name until the column has changed.
	 */
	for (int i = 0; i < dependent->to->ndepends; i++)
	{
		const CmigObject *type = dependent->to->depends[i];

		needed |= strcmp(type->identity, change->from->identity) == 0 ||
			(change->action == CMIG_AGAIN && (type->kind->flags & CMIG_KIND_SWAPS) &&
			 type->change->action == CMIG_AGAIN);
	}
	if (!needed)
		return;
	dependent->swaps_type = true;
	put_away(difference, change);
	foreach_ptr(CmigDdl, ddl, dependent->alter.ddl)
	{
		ddl->undo = cmig_normal_rename(ddl->undo, change->from->identity, change->away->identity);
	}
}

/* Returns the list without the statements that change a column's type. */
static List *
without_retype(const List *ddl)
{
	List	   *others = NIL;

	foreach_ptr(CmigDdl, entry, ddl)
	{
		if (((entry->hazards | entry->undo_hazards) & CMIG_HAZARD_REWRITE) == 0)
			others = lappend(others, entry);
	}
	return others;
}

CmigChange *
cmig_replace_detour(CmigChange *change, CmigChange *dependent)
{
	bool		collation = change->from->kind == &cmig_kind_collation;
	CmigDdl    *part,
			   *join;

	if (dependent->from->kind != &cmig_kind_column ||
		dependent->from->values[CMIG_COLUMN_IN_KEY] != NULL)
		return NULL;
	dependent->alter.disturbs = dependent->alter.recasts = true;

	/*
	 * add no statements, because the parent table's statements change this
	 * column, too
	 */
	if (cmig_column_stays_inherited(dependent->from, dependent->to))
		return dependent;
	dependent->action = CMIG_ALTER;

	/*
	 * the statements below also change the column to another type, for
	 * example to a multirange type with a new name
	 */
	if (!collation && is_array(dependent->from) == is_array(dependent->to))
		dependent->alter.ddl = without_retype(dependent->alter.ddl);
	part = cmig_column_type_detour(dependent->from, collation);
	join = cmig_column_type_detour(dependent->to, collation);
	dependent->alter.first = lappend(dependent->alter.first, part);
	dependent->alter.last = cmig_ddl_append(dependent->alter.last, join->undo, join->sql);
	((CmigDdl *) llast(dependent->alter.last))->hazards = CMIG_HAZARD_REWRITE |
		CMIG_HAZARD_MAY_FAIL;
	return dependent;
}

/*
 * Does a new range type need the name of the dropped range type's multirange
 * type?
 */
static bool
needs_multirange(const CmigDifference *difference, const CmigChange *change)
{
	if (change->from->kind != &cmig_kind_range || !cmig_change_drops(change))
		return false;
	for (int i = 0; i < difference->to->count; i++)
	{
		const CmigObject *range = difference->to->objects[i];

		if (range->kind == &cmig_kind_range && difference->to->objects[i]->change != change &&
			cmig_change_creates(difference->to->objects[i]->change) &&
			cmig_text_same(cmig_object_index(change->from), cmig_object_index(range)))
			return true;
	}
	return false;
}

CmigChange *
cmig_replace_multirange(const CmigDifference *difference, CmigChange *change, CmigChange *dependent)
{
	List	   *others;

	if (!needs_multirange(difference, change))
		return NULL;
	others = without_retype(dependent->alter.ddl);
	if (cmig_replace_detour(change, dependent) == NULL)
		return NULL;
	dependent->alter.ddl = others;

	/*
	 * an inherited column has no statements of its own, and must not be
	 * altered after the new type is created
	 */
	if (others == NIL && dependent->alter.first == NIL && dependent->alter.last == NIL)
		dependent->action = CMIG_NO_CHANGE;
	return dependent;
}

/* Drop and re-create the type instead of altering it. */
static void
replace(const CmigObject *type)
{
	CmigChange *change = type->change;

	if (change->action == CMIG_DROP || change->action == CMIG_UNSUPPORTED)
		return;
	change->action = CMIG_AGAIN;
	change->alter.ddl = NIL;
}

/* Is the type used in a composite or range type, or in an array column? */
static bool
is_nested(const CmigDependents *dependents, const CmigObject *type)
{
	for (int i = dependents->start[type->index]; i < dependents->start[type->index + 1]; i++)
	{
		const CmigObject *object = dependents->objects[i];

		if (object->kind == &cmig_kind_attribute || object->kind == &cmig_kind_range ||
			(object->kind == &cmig_kind_column &&
			 strchr(object->values[CMIG_COLUMN_TYPE], '[') != NULL))
			return true;
	}
	return false;
}

/*
 * Does the change of a domain make PostgreSQL check existing values, in the
 * upgrade or in the downgrade?
 */
static bool
changes_checks(const CmigChange *change)
{
	if ((change->from->values[CMIG_DOMAIN_NOT_NULL] == NULL) != (change->to->values[CMIG_DOMAIN_NOT_NULL] == NULL))
		return true;
	for (const CmigObject *child = change->from->child; child != NULL; child = child->sibling)
		if (child->change->action != CMIG_NO_CHANGE &&
			child->change->alter.ddl == NIL)
			return true;
	for (const CmigObject *child = change->to->child; child != NULL; child = child->sibling)
		if (child->change->action == CMIG_CREATE)
			return true;
	return false;
}

/* The maximum depth of nested types in which a composite type is searched. */
#define MAX_NESTING 16

/* Does the object depend on the type, or on one of its attributes? */
static bool
uses(const CmigObject *object, const CmigObject *type)
{
	for (int i = 0; i < object->ndepends; i++)
		if (object->depends[i] == type || object->depends[i]->parent == type)
			return true;
	return false;
}

/* See cmig_replace_is_stored(); "depth" is how deeply the type is nested. */
static bool
is_stored(const CmigImage *image, const CmigObject *type, int depth)
{
	for (int i = 0; i < image->count; i++)
	{
		const CmigObject *object = image->objects[i];
		const CmigObject *outer = object->kind == &cmig_kind_attribute ? object->parent : object;

		if (uses(object, type) &&
			(object->kind == &cmig_kind_column ||
			 (outer != type && (outer->kind->flags & CMIG_KIND_TYPE) && depth < MAX_NESTING &&
			  is_stored(image, outer, depth + 1))))
			return true;
	}
	return false;
}

bool
cmig_replace_is_stored(const CmigImage *image, const CmigObject *type)
{
	return is_stored(image, type, 0);
}

/*
 * PostgreSQL can alter neither a composite type that columns use, nor the
 * checks of a domain that columns use in arrays or composite types.  Such
 * types are replaced.
 */
void
cmig_replace_used(CmigDifference *difference, const CmigDependents *dependents)
{
	for (int i = 0; i < difference->from->count; i++)
	{
		CmigChange *change = difference->from->objects[i]->change;
		const CmigObject *type = change->from->parent;

		if (change->from->kind == &cmig_kind_domain && change->to != NULL &&
			change->action != CMIG_AGAIN && is_nested(dependents, change->from) &&
			changes_checks(change))
			replace(change->from);
		if (change->from->kind != &cmig_kind_attribute || change->action != CMIG_ALTER ||
			!change->alter.disturbs)
			continue;
		if (!is_stored(difference->from, type, 0))
			continue;
		if (type->change->action == CMIG_UNSUPPORTED)
			cmig_change_refuse(change, psprintf("it is part of %s, which cannot be changed",
												cmig_object_title(type)));
		else
			replace(type);
	}
}

/*
 * In the properties of "copy", which is a copy of an old type or of its child,
 * replace the names of other old types with their temporary names.
 */
static void
name_away(const CmigObject *object, CmigObject *copy)
{
	for (int i = 0; i < object->ndepends; i++)
	{
		const CmigChange *other = object->depends[i]->change;
		const char *name = other->from->identity;

		if (other->away == NULL)
			continue;
		for (int j = 0; j < object->kind->nproperties; j++)
			cmig_object_set(copy, j,
							cmig_normal_rename(copy->values[j], name, other->away->identity));
	}
}

void
cmig_replace_finish(const CmigChange *change)
{
	CmigObject *away = change->away;
	CmigObject *last = NULL;

	name_away(change->from, away);
	away->child = NULL;
	for (const CmigObject *child = change->from->child; child != NULL; child = child->sibling)
	{
		CmigObject *copy = cmig_object_copy(child);

		name_away(child, copy);
		if (child->kind == &cmig_kind_attribute)
			copy->identity = psprintf("%s.%s", away->identity, cmig_quote(child->name));
		copy->parent = away;
		copy->sibling = NULL;
		copy->folded = true;
		if (last == NULL)
			away->child = copy;
		else
			last->sibling = copy;
		last = copy;
	}
}
