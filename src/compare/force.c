/*
 * force.c
 *	  Lifts forced row security from tables while generated statements read
 *	  them.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "compare/force.h"
#include "kinds/kind_table.h"
#include "kinds/kinds.h"

static bool
is_forced(const CmigObject *table)
{
	return table != NULL && cmig_table_is_forced(table);
}

/*
 * Remove from a change the statements that set or reset FORCE ROW LEVEL
 * SECURITY.
 */
static void
drop_statements(CmigChange *change)
{
	List	   *kept = NIL;
	ListCell   *cell;

	foreach(cell, change->ddl)
		if (!cmig_table_is_force_statement(lfirst(cell)))
		kept = lappend(kept, lfirst(cell));
	change->ddl = kept;
}

/*
 * If the table has forced row security in either image, add the table to the
 * list, and remove the property from both images.
 */
static List *
lift(List *tables, CmigChange *change)
{
	CmigForce  *force;

	if (change == NULL || (!is_forced(change->from) && !is_forced(change->to)))
		return tables;
	force = palloc(sizeof(CmigForce));
	force->before = is_forced(change->from) ? change->from : NULL;
	force->after = is_forced(change->to) ? change->to : NULL;
	if (force->before != NULL)
		cmig_table_set_unforced(change->from);
	if (force->after != NULL)
		cmig_table_set_unforced(change->to);
	drop_statements(change);
	return lappend(tables, force);
}

/* Lift forced row security from both tables of a foreign key. */
static List *
lift_tables(const CmigDifference *difference, List *tables, const CmigObject *key, bool is_old)
{
	CmigChange **changes = is_old ? difference->of_from : difference->of_to;

	tables = lift(tables, changes[key->parent->index]);
	for (int i = 0; i < key->ndepends; i++)
	{
		const CmigObject *table = key->depends[i];

		while (table->parent != NULL)
			table = table->parent;
		if (table->kind == &cmig_kind_table)
			tables = lift(tables, changes[table->index]);
	}
	return tables;
}

/*
 * Does the list contain a statement that makes a sequence continue after the
 * values in a column?
 */
static bool
sets_sequence(const List *ddl)
{
	ListCell   *cell;

	foreach(cell, ddl)
	{
		const CmigDdl *entry = lfirst(cell);

		if (strstr(entry->sql, "pg_catalog.setval(") || (entry->undo && strstr(entry->undo, "pg_catalog.setval(")))
			return true;
	}
	return false;
}

/*
 * If "owner" is the owner of a sequence that is created or dropped, lift forced
 * row security from the table of the sequence's column.  "before" is the image
 * without the sequence.
 */
static List *
lift_sequence(const CmigDifference *difference, List *tables, const CmigObject *owner, const CmigImage *before)
{
	const char *name = cmig_sequence_owner_column(owner);
	const CmigObject *column = name ? cmig_image_lookup(before, &cmig_kind_column, name) : NULL;
	CmigChange **changes = before == difference->from ? difference->of_from : difference->of_to;

	return column != NULL ? lift(tables, changes[column->parent->index]) : tables;
}

/* Lift forced row security from the tables that a change's statements read. */
static List *
lift_change(const CmigDifference *difference, List *tables, const CmigChange *change)
{
	const CmigObject *object = change->to ? change->to : change->from;

	if (object->kind == &cmig_kind_foreign_key && object->parent != NULL && change->host == NULL)
	{
		if (change->from != NULL)
			tables = lift_tables(difference, tables, change->from, true);
		if (change->to != NULL)
			tables = lift_tables(difference, tables, change->to, false);
	}
	if (object->kind == &cmig_kind_sequence_owner)
	{
		if (cmig_change_creates(change))
			tables = lift_sequence(difference, tables, change->to, difference->from);
		if (cmig_change_drops(change))
			tables = lift_sequence(difference, tables, change->from, difference->to);
	}
	if (change->action == CMIG_ALTER && object->kind == &cmig_kind_column && sets_sequence(change->ddl))
		tables = lift(tables, difference->of_to[object->parent->index]);
	return tables;
}

List *
cmig_force_lift(CmigDifference *difference)
{
	List	   *tables = NIL;

	for (int i = 0; i < difference->count; i++)
	{
		const CmigChange *change = &difference->changes[i];

		if (change->action != CMIG_NO_CHANGE && change->action != CMIG_UNSUPPORTED)
			tables = lift_change(difference, tables, change);
	}
	return tables;
}

/*
 * Materialized views
 */

/*
 * Does the view read a table with forced row security, possibly through other
 * views?
 */
static bool
reads_forced(const CmigImage *image, const CmigObject *view)
{
	bool	   *seen = palloc0(sizeof(bool) * (image->count + 1));
	List	   *queue = list_make1(unconstify(CmigObject *, view));
	bool		found = false;

	while (queue != NIL && !found)
	{
		const CmigObject *object = llast(queue);

		queue = list_delete_last(queue);
		for (int i = 0; i < object->ndepends; i++)
		{
			CmigObject *on = object->depends[i];

			while (on->parent != NULL)
				on = on->parent;
			found |= is_forced(on);
			if (!seen[on->index] && (on->kind == &cmig_kind_view || on->kind == &cmig_kind_materialized_view))
				queue = lappend(queue, on);
			seen[on->index] = true;
		}
	}
	list_free(queue);
	pfree(seen);
	return found;
}

bool
cmig_force_filters(const CmigDifference *difference, const CmigChange *change)
{
	const CmigObject *object = change->to ? change->to : change->from;

	return object->kind == &cmig_kind_materialized_view &&
		((change->from && reads_forced(difference->from, change->from)) ||
		 (change->to && reads_forced(difference->to, change->to)));
}
