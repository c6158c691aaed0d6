/*
 * family.c
 *	  Tables with children.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "schema/internal.h"

/* ----------------------------------------------------------------
 * Preserves the properties of child tables and partitions when their parent
 * changes.
 *
 * PostgreSQL changes children together with their parent.  What a child lacks
 * afterward is added when the statements are rehearsed, except for what this
 * would lose: DROP COLUMN also drops the values of a column that a child only
 * inherits, although its copy has it as its own.  Defaults are changed for all
 * children at once, because a partitioned table can have many.
 * ----------------------------------------------------------------
 */

/* Returns the partitioned table that the table is attached to, or NULL. */
static const CmigObject *
partitioned(const CmigImage *image, const CmigObject *table)
{
	const CmigObject *link = cmig_image_lookup(image, &cmig_kind_partition, table->identity);

	return link ? cmig_image_lookup(image, &cmig_kind_table, link->values[CMIG_PARTITION_OF]) :
		NULL;
}

/*
 * Returns the parent table's check constraint from which the object, a check
 * constraint with the same name, is inherited.  Returns NULL if there is none.
 */
static const CmigObject *
parent_check(const CmigImage *image, const CmigObject *object)
{
	const CmigObject *table = object->parent,
			   *whole = partitioned(image, table);
	const CmigObject *found = whole ?
	cmig_object_child(whole, &cmig_kind_constraint, object->name) : NULL;

	for (int i = 0; found == NULL && i < table->ndepends; i++)
		if (cmig_table_is(table->depends[i]))
			found = cmig_object_child(table->depends[i], &cmig_kind_constraint, object->name);
	return found;
}

static bool
is_check(const CmigObject *object)
{
	return cmig_constraint_type(object) == 'c';
}

/*
 * Returns the parent table's index or constraint from which the object is
 * inherited, or NULL if there is none.
 */
const CmigObject *
cmig_children_parent(const CmigImage *image, const CmigObject *object)
{
	if (!object->inherited)
		return NULL;
	return is_check(object) ? parent_check(image, object) : cmig_attached_parent(image, object);
}

/*
 * Is the changed object an index or constraint that is inherited both before
 * and after the change?  An example is a partition's index that stays attached
 * to the partitioned table's index.  Such an object cannot be changed
 * separately.
 */
bool
cmig_children_is_attached(const CmigChange *change)
{
	return change->from != NULL && change->to != NULL &&
		change->from->inherited && change->to->inherited && !change->to->alone &&
		(change->to->kind == &cmig_kind_index || change->to->kind == &cmig_kind_constraint);
}

/*
 * Is the object an inherited check constraint that is added to its table
 * together with the parent's constraint, after CREATE TABLE?  CREATE TABLE
 * cannot contain a NOT VALID constraint.  A statement of the child's own would
 * define the constraint there, too, and DROP CONSTRAINT refuses an inherited one.
 */
bool
cmig_children_added_later(const CmigImage *image, const CmigObject *object)
{
	const CmigObject *parent;

	if (!object->inherited || !is_check(object) ||
		!cmig_is_not_valid(object->values[CMIG_DEFINITION]) ||
		partitioned(image, object->parent) != NULL)
		return false;
	parent = parent_check(image, object);
	return parent != NULL && cmig_is_not_valid(parent->values[CMIG_DEFINITION]);
}

/*
 * Columns
 */

/*
 * If a column stays although its parent's column is dropped, the column is
 * dropped with ONLY from the parent, and from the parent's parents.  Set the
 * fields "only" and "left" of these columns' changes, so that it is dropped by
 * separate statements from their other children.
 */
static void
keep_column(const CmigDifference *difference, const CmigChange *change)
{
	const CmigObject *column = change->from;

	if (change->to->inherited || !column->inherited)
		return;
	while (column->inherited && (column = cmig_column_parent(column)) != NULL)
	{
		CmigChange *parent = column->change;

		if (parent->only || parent->to != NULL || column->parent->change->to == NULL)
			return;
		parent->only = true;
		for (int i = 0; i < difference->from->count; i++)
		{
			const CmigObject *child = difference->from->objects[i];
			const CmigObject *kept = difference->from->objects[i]->change->to;

			if (child->kind == column->kind && child->inherited &&
				cmig_column_parent(child) == column &&
				(kept == NULL || kept->inherited) && child->parent->change->to != NULL)
				parent->left = lappend(parent->left, difference->from->objects[i]->change);
		}
	}
}

/*
 * Defaults
 */

/* Does the column stay, in a table whose parents stay? */
static bool
is_settled(const CmigDifference *difference, const CmigChange *column)
{
	const CmigChange *table = column->to->parent->change;
	const CmigObject *link = cmig_image_lookup(difference->to, &cmig_kind_partition,
											   column->to->parent->identity);

	return column->from != NULL &&
		(column->action == CMIG_NO_CHANGE || column->action == CMIG_ALTER) &&
		(table->action == CMIG_NO_CHANGE || table->action == CMIG_ALTER) &&
		table->alter.first == NIL && table->alter.last == NIL &&
		(link == NULL || cmig_change_stays(link->change));
}

/* Returns the change of the column's default, or NULL if there is none. */
static CmigChange *
default_change(const CmigChange *column)
{
	const CmigObject *from = cmig_object_child(column->from, &cmig_kind_default, NULL),
			   *to = cmig_object_child(column->to, &cmig_kind_default, NULL);
	CmigChange *change = to ? to->change : from ? from->change : NULL;

	return change != NULL &&
		(change->action == CMIG_CREATE || change->action == CMIG_ALTER ||
		 change->action == CMIG_DROP) ?
		change : NULL;
}

/* Are both objects missing, or both defaults the same expression? */
static bool
same_default(const CmigObject *a, const CmigObject *b)
{
	return cmig_text_same(a ? a->values[0] : NULL, b ? b->values[0] : NULL);
}

/*
 * Do the defaults of all columns that inherit from the column change as
 * "value" does?  Children that are not compared count as different.  Appends
 * the changes to *others.
 */
static bool
reaches_same(const CmigDifference *difference, const CmigChange *column, const CmigChange *value,
			 List **others)
{
	const char *count = column->to->values[CMIG_COLUMN_CHILDREN];
	int			children = count ? atoi(count) : 0;

	if (!cmig_text_same(count, column->from->values[CMIG_COLUMN_CHILDREN]))
		return false;
	for (int i = 0; i < difference->to->count && children > 0; i++)
	{
		const CmigObject *object = difference->to->objects[i];
		const CmigChange *child = difference->to->objects[i]->change;
		CmigChange *other;

		if (object->kind != column->to->kind || strcmp(object->name, column->to->name) != 0 ||
			cmig_column_parent(object) != column->to)
			continue;
		if (!is_settled(difference, child) || cmig_column_parent(child->from) != column->from)
			return false;
		other = default_change(child);
		if (other == NULL || other->action != value->action ||
			!same_default(other->from, value->from) || !same_default(other->to, value->to) ||
			!reaches_same(difference, child, value, others))
			return false;
		*others = lappend(*others, other);
		children--;
	}
	return children == 0;
}

/*
 * If the defaults of all inheriting columns change in the same way, make one
 * statement change all of them.
 */
static void
spread_default(const CmigDifference *difference, const CmigChange *column)
{
	const CmigObject *parent = cmig_column_parent(column->to);
	CmigChange *value;
	List	   *others = NIL;

	if (column->from == NULL || column->to->values[CMIG_COLUMN_CHILDREN] == NULL)
		return;
	if (parent != NULL)
		spread_default(difference, parent->change);
	value = is_settled(difference, column) ? default_change(column) : NULL;
	if (value == NULL || !reaches_same(difference, column, value, &others))
		return;
	if (value->from != NULL)
		value->from->recurses = true;
	if (value->to != NULL)
		value->to->recurses = true;
	if (value->action == CMIG_ALTER)
	{
		CmigAlter	alter = {.from = value->from,.to = value->to};

		cmig_object_alter(&alter);
		value->alter.ddl = alter.ddl;
	}
	foreach_ptr(CmigChange, other, others)
	{
		other->action = CMIG_NO_CHANGE;
		other->alter.ddl = NIL;
	}
}

/*
 * If only the child's copy of a constraint is validated or becomes NOT VALID,
 * the latter is done by creating the topmost parent's constraint again.  It
 * must come before the statements for comments, so a rehearsal cannot add it.
 */
static void
renew_check(const CmigDifference *difference, CmigChange *change)
{
	const bool	validates = cmig_is_not_valid(change->from->values[CMIG_DEFINITION]);
	const CmigImage *image = cmig_image_of(difference, validates);
	const CmigObject *top = validates ? change->from : change->to;
	const CmigObject *parent = parent_check(image, top);
	StringInfoData again;

	if (!change->from->inherited || !change->to->inherited || parent == NULL ||
		parent->change->action != CMIG_NO_CHANGE ||
		validates == cmig_is_not_valid(change->to->values[CMIG_DEFINITION]))
		return;
	for (; parent != NULL; parent = parent_check(image, parent))
		top = parent;
	initStringInfo(&again);
	appendStringInfo(&again, "ALTER TABLE %s DROP CONSTRAINT %s, ADD ", top->parent->identity,
					 cmig_quote(top->name));
	cmig_constraint_definition(&again, top);
	foreach_ptr(CmigDdl, entry, change->alter.ddl)
	{
		if (entry->part == CMIG_DEFINITION)
			entry->undo = again.data;
	}
	if (!validates)
	{
		change->alter.ddl = cmig_ddl_append(change->alter.ddl, again.data,
											psprintf("ALTER TABLE %s VALIDATE CONSTRAINT %s",
													 change->to->parent->identity,
													 cmig_quote(change->to->name)));
		cmig_ddl_hazards(change->alter.ddl, CMIG_HAZARD_SCAN | CMIG_HAZARD_MAY_FAIL);
	}
	change->action = CMIG_ALTER;
}

/* Is the object a column that inherits from this one, directly or not? */
static bool
is_below(const CmigObject *object, const CmigObject *column)
{
	while (object != NULL && object->kind == column->kind)
	{
		object = cmig_column_parent(object);
		if (object == column)
			return true;
	}
	return false;
}

/* Is it a primary key of a partition alone, with a column that inherits from this one? */
static bool
is_key_below(const CmigObject *key, const CmigObject *column)
{
	if (cmig_constraint_type(key) != 'p' || key->inherited || key->parent == column->parent)
		return false;
	for (int i = 0; i < key->ndepends; i++)
		if (is_below(key->depends[i], column))
			return true;
	return false;
}

/*
 * DROP NOT NULL for a partitioned table also does so for its partitions, and
 * fails if one of them has a primary key with the column.  Such a key that stays
 * is dropped before, and created again after, in the same transaction.
 */
static void
renew_keys(const CmigDifference *difference, CmigChange *change)
{
	const CmigDiffOptions options = {.comments = true};
	const bool	drops = change->to->values[CMIG_COLUMN_NOT_NULL] == NULL;
	CmigDdl    *ddl = NULL;
	char	  **sql;
	StringInfoData before,
				after;

	foreach_ptr(CmigDdl, entry, change->alter.ddl)
	{
		if (entry->part == CMIG_COLUMN_NOT_NULL)
			ddl = entry;
	}
	initStringInfo(&before);
	initStringInfo(&after);
	for (int i = 0; ddl != NULL && change->from->parent->values[CMIG_TABLE_PARTITION_KEY] != NULL &&
		 i < difference->from->count; i++)
	{
		const CmigObject *key = difference->from->objects[i];

		if (key->change->action != CMIG_NO_CHANGE || !is_key_below(key, change->from))
			continue;
		appendStringInfo(&before, "%s;\n", cmig_kind_drop(key));
		foreach_ptr(const CmigDdl, entry,
					list_concat(key->kind->create(key), cmig_annotate_create(key, &options)))
			appendStringInfo(&after, ";\n%s", entry->sql);
	}
	if (before.len == 0)
		return;
	sql = drops ? &ddl->sql : &ddl->undo;
	*sql = psprintf("%s%s%s", before.data, *sql, after.data);
	if (difference->options->concurrently)
		*sql = psprintf("DO %s", cmig_literal(psprintf("BEGIN\n%s;\nEND", *sql)));
	if (drops)
		ddl->hazards |= CMIG_HAZARD_BLOCKS;
	else
		ddl->undo_hazards |= CMIG_HAZARD_BLOCKS;
}

/* Does the table have a primary key now? */
static bool
has_key(const CmigObject *table)
{
	for (const CmigObject *child = table->child; child != NULL; child = child->sibling)
		if (cmig_constraint_type(child) == 'p')
			return true;
	return false;
}

/*
 * From PostgreSQL 18 on, a partition that is NOT NULL because its parent is keeps it no
 * longer than that, unless it has a key.  An image does not tell this from NOT NULL of
 * its own, so set it again.
 */
static void
keep_not_null(const CmigDifference *difference, CmigChange *change)
{
	const bool	drops = change->to->values[CMIG_COLUMN_NOT_NULL] == NULL;

	foreach_ptr(CmigDdl, entry, CMIG_NOT_NULL_INHERITED_COMPAT &&
				change->from->parent->values[CMIG_TABLE_PARTITION_KEY] ? change->alter.ddl : NIL)
	{
		char	  **sql = drops ? &entry->sql : &entry->undo;

		for (int i = 0; entry->part == CMIG_COLUMN_NOT_NULL && i < difference->from->count; i++)
		{
			const CmigObject *child = difference->from->objects[i];

			if (is_below(child, change->from) && child->change->to != NULL &&
				child->values[CMIG_COLUMN_NOT_NULL] != NULL &&
				child->change->to->values[CMIG_COLUMN_NOT_NULL] != NULL && !has_key(child->parent))
				*sql = psprintf("%s;\nALTER TABLE %s ALTER COLUMN %s SET NOT NULL", *sql,
								child->parent->identity, cmig_quote(child->name));
		}
	}
}

void
cmig_children_keep(CmigDifference *difference)
{
	/*
	 * drop the constraint of a parent, from which it is inherited as NOT
	 * VALID, before the child tables, so that the downgrade creates it after
	 * them
	 */
	for (int i = 0; i < difference->from->count; i++)
	{
		const CmigObject *object = difference->from->objects[i];

		if (cmig_children_added_later(difference->from, object))
			unconstify(CmigObject *, parent_check(difference->from, object))->separate = true;
	}
	for (int i = 0; i < difference->count; i++)
	{
		CmigChange *change = &difference->changes[i];

		if (change->from != NULL && change->to != NULL && is_check(change->from) &&
			is_check(change->to) &&
			(change->action == CMIG_NO_CHANGE || change->action == CMIG_ALTER))
			renew_check(difference, change);
		if (change->to == NULL || change->to->kind != &cmig_kind_column)
			continue;
		spread_default(difference, change);
		if (change->from != NULL &&
			(change->action == CMIG_NO_CHANGE || change->action == CMIG_ALTER))
			keep_column(difference, change);
		if (change->action == CMIG_ALTER)
		{
			keep_not_null(difference, change);
			renew_keys(difference, change);
		}
	}
}

/* ----------------------------------------------------------------
 * Excludes from a difference the partitioned tables whose partition key
 * cannot be changed, and their partitions.
 * ----------------------------------------------------------------
 */

/* Returns the name of the table at the top of the partition tree. */
static const char *
root_of(const CmigImage *image, const CmigObject *table)
{
	const char *name = table->identity;
	const CmigObject *link;

	while ((link = cmig_image_lookup(image, &cmig_kind_partition, name)) != NULL)
		name = link->values[CMIG_PARTITION_OF];
	return name;
}

/* Does the object belong to a table whose partition tree has a root in "roots"? */
static bool
is_in_family(const CmigImage *image, CmigObject *object, const List *roots)
{
	const CmigObject *table = object ? cmig_object_root(object) : NULL;

	return table != NULL && cmig_table_is(table) &&
		cmig_text_list_has(roots, root_of(image, table));
}

/*
 * If a partition key column cannot be changed, mark the change of the
 * partitioned table as unsupported, and discard all other changes of the table
 * and its partitions.
 */
void
cmig_family_exclude(CmigDifference *difference)
{
	List	   *reasons = NIL;
	List	   *roots = NIL;	/* names of tables */
	ListCell   *cell,
			   *reason;

	for (int i = 0; i < difference->count; i++)
	{
		const CmigChange *change = &difference->changes[i];
		const char *root;

		if (change->action != CMIG_UNSUPPORTED || change->to == NULL ||
			change->to->kind != &cmig_kind_column)
			continue;
		root = root_of(difference->to, change->to->parent);
		if (cmig_text_list_has(roots, root))
			continue;
		roots = lappend(roots, unconstify(char *, root));
		reasons = lappend(reasons,
						  psprintf("%s: %s; the table and its partitions are left unchanged",
								   cmig_quote(change->to->name),
								   change->alter.unsupported));
	}
	for (int i = 0; i < difference->count && roots != NIL; i++)
	{
		CmigChange *change = &difference->changes[i];

		/* keep the change that reports why a table cannot be changed */
		if ((change->action == CMIG_UNSUPPORTED && change->to != NULL &&
			 cmig_table_is(change->to)) ||
			!(is_in_family(difference->from, change->from, roots) ||
			  is_in_family(difference->to, change->to, roots)))
			continue;
		/* what depends on new parts is not created, either */
		if (change->from == NULL)
			cmig_compare_refuse(difference, change, NULL);
		else
			cmig_change_refuse(change, NULL);
		change->action = CMIG_NO_CHANGE;
	}
	forboth(cell, roots, reason, reasons)
	{
		const CmigObject *table = cmig_image_lookup(difference->to, &cmig_kind_table, lfirst(cell));
		CmigChange *change = table ? table->change : NULL;

		if (change != NULL && change->action != CMIG_UNSUPPORTED)
			cmig_change_refuse(change, lfirst(reason));
	}
}
