/*
 * force.c
 *	  Lifts forced row security while foreign keys change.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "schema/force.h"
#include "schema/kind_table.h"
#include "schema/kinds.h"

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

/* Lift forced row security from the tables that a foreign key connects. */
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

List *
cmig_force_lift(CmigDifference *difference)
{
	List	   *tables = NIL;

	for (int i = 0; i < difference->count; i++)
	{
		const CmigChange *change = &difference->changes[i];
		const CmigObject *key = change->to ? change->to : change->from;

		if (key->kind != &cmig_kind_foreign_key || key->parent == NULL || change->action == CMIG_NO_CHANGE ||
			change->action == CMIG_UNSUPPORTED || change->host != NULL)
			continue;
		if (change->from != NULL)
			tables = lift_tables(difference, tables, change->from, true);
		if (change->to != NULL)
			tables = lift_tables(difference, tables, change->to, false);
	}
	return tables;
}
