/*
 * column_inherit.c
 *	  Columns that are inherited from a parent table.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "kinds/column_inherit.h"
#include "kinds/column_property.h"
#include "kinds/kind_default.h"
#include "kinds/kinds.h"

const CmigObject *
cmig_column_find(const CmigObject *table, const char *name)
{
	for (const CmigObject *child = table->child; child != NULL; child = child->sibling)
		if (child->kind == &cmig_kind_column && strcmp(child->name, name) == 0)
			return child;
	return NULL;
}

const CmigObject *
cmig_column_parent(const CmigObject *column)
{
	const CmigObject *table = column->parent;

	if (column->alone)
		return NULL;
	for (int i = 0; i < column->ndepends; i++)
		if (column->depends[i]->kind == &cmig_kind_column && column->depends[i]->parent != table)
			return column->depends[i];

	/*
	 * If the table itself also defines the column, the column does not depend
	 * on the parent's column, so look for it in the parent tables.
	 */
	for (int i = 0; i < table->ndepends; i++)
	{
		const CmigObject *found = table->depends[i]->kind == table->kind ? cmig_column_find(table->depends[i], column->name) : NULL;

		if (found != NULL)
			return found;
	}
	return NULL;
}

bool
cmig_column_stays_inherited(const CmigObject *from, const CmigObject *to)
{
	if (!from->inherited || !to->inherited || to->alone)
		return false;
	if (cmig_column_parent(from) == NULL || cmig_column_parent(to) == NULL)
		return true;
	for (int i = 0; i < from->ndepends; i++)
		for (int j = 0; j < to->ndepends; j++)
			if (from->depends[i]->kind == &cmig_kind_column && from->depends[i]->parent != from->parent &&
				to->depends[j]->kind == &cmig_kind_column && to->depends[j]->parent != to->parent &&
				strcmp(from->depends[i]->identity, to->depends[j]->identity) == 0)
				return true;
	return false;
}

/*
 * Going up from parent to parent, returns the first column that its own table
 * defines.  ADD COLUMN for that column also adds "column".  Returns NULL if
 * the column has no parent.
 */
static const CmigObject *
find_top(const CmigObject *column)
{
	const CmigObject *top = cmig_column_parent(column);

	while (top != NULL && top->inherited && cmig_column_parent(top) != NULL)
		top = cmig_column_parent(top);
	return top;
}

bool
cmig_column_repeats_default(const CmigObject *value)
{
	const CmigObject *top = find_top(value->parent);
	const CmigObject *other = top ? cmig_default_of(top) : NULL;

	return other != NULL && strcmp(cmig_default_expression(value), cmig_default_expression(other)) == 0;
}

/*
 * Returns the action that sets the default, or drops it if "value" is NULL.
 */
static const char *
default_action(const CmigObject *value)
{
	return value ? psprintf("SET DEFAULT %s", cmig_default_expression(value)) : "DROP DEFAULT";
}

/*
 * ADD COLUMN for the topmost parent column has copied its default, "copied".
 * Append the statement that sets the column's own default, or drops the copied
 * one.  A default that is not inherited has statements of its own.
 */
static List *
append_default(List *ddl, const CmigObject *column, const CmigObject *copied)
{
	const CmigObject *value = cmig_default_of(column);

	if (value == NULL ? copied == NULL : !value->inherited || cmig_column_repeats_default(value))
		return ddl;
	return cmig_ddl_append(ddl, cmig_kind_column_sql(column, true, default_action(value)),
						   cmig_kind_column_sql(column, true, default_action(copied)));
}

List *
cmig_column_deviations(const CmigObject *column)
{
	const CmigObject *top = find_top(column);
	CmigObject *folded = cmig_object_copy(column);
	List	   *ddl = NIL;

	if (column->values[CMIG_COLUMN_NOT_NULL] && (top == NULL || top->values[CMIG_COLUMN_NOT_NULL] == NULL))
		ddl = cmig_ddl_append(ddl, cmig_kind_column_sql(column, false, "SET NOT NULL"),
							  cmig_kind_column_sql(column, false, "DROP NOT NULL"));
	ddl = append_default(ddl, column, top ? cmig_default_of(top) : NULL);
	folded->folded = true;
	return list_concat(ddl, column->kind->create(folded));
}
