/*
 * family.c
 *	  Excludes from a difference the partitioned tables whose partition key
 *	  cannot be changed, and their partitions, and parent tables with a column
 *	  whose type cannot be changed.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/text_list.h"
#include "compare/family.h"
#include "kinds/column_inherit.h"
#include "kinds/kind_partition.h"
#include "kinds/kinds.h"

/* Returns the name of the table at the top of the partition tree. */
static const char *
root_of(const CmigImage *image, const CmigObject *table)
{
	const char *name = table->identity;
	const CmigObject *link;

	while ((link = cmig_image_lookup(image, &cmig_kind_partition, name)) != NULL)
		name = cmig_partition_of(link);
	return name;
}

/*
 * Returns the object itself if it is a table, or else the table that it
 * belongs to.  Returns NULL if there is no such table.
 */
static const CmigObject *
table_of(const CmigObject *object)
{
	while (object->parent != NULL)
		object = object->parent;
	return object->kind == &cmig_kind_table || object->kind == &cmig_kind_foreign_table ? object : NULL;
}

/*
 * Returns the names of the tables with a column that cannot be changed.  A
 * partition is represented by the root of its partition tree.  Appends the
 * reasons to *reasons.
 */
static List *
find_roots(const CmigDifference *difference, List **reasons)
{
	List	   *roots = NIL;

	for (int i = 0; i < difference->count; i++)
	{
		const CmigChange *change = &difference->changes[i];
		const char *root;

		if (change->action != CMIG_UNSUPPORTED || change->to == NULL || change->to->kind != &cmig_kind_column)
			continue;
		root = root_of(difference->to, change->to->parent);
		if (cmig_text_list_has(roots, root))
			continue;
		roots = lappend(roots, unconstify(char *, root));
		*reasons = lappend(*reasons, psprintf("%s: %s; the table and its partitions are left unchanged",
											  cmig_quote(change->to->name), change->reason));
	}
	return roots;
}

/*
 * Does the change affect a table in a partition tree whose root is in
 * "roots"?
 */
static bool
is_in_family(const CmigDifference *difference, const CmigChange *change, const List *roots)
{
	const CmigObject *old = change->from ? table_of(change->from) : NULL;
	const CmigObject *new = change->to ? table_of(change->to) : NULL;

	return (old != NULL && cmig_text_list_has(roots, root_of(difference->from, old))) ||
		(new != NULL && cmig_text_list_has(roots, root_of(difference->to, new)));
}

/*
 * Discard a change, unless it is the one that reports why a table cannot be
 * changed.
 */
static void
leave_out(CmigChange *change)
{
	if (change->action == CMIG_UNSUPPORTED && change->to != NULL && table_of(change->to) == change->to)
		return;
	change->action = CMIG_NO_CHANGE;
	change->ddl = change->first = change->last = NIL;
	change->disturbs = change->recasts = change->late = false;
}

/*
 * "column" is inherited from other columns, directly or indirectly.  Append to
 * "tops" those of them that are not inherited themselves.
 */
static List *
find_tops(List *tops, const CmigObject *column)
{
	const CmigObject *table = column->parent;
	bool		found = false;

	for (int i = 0; i < table->ndepends; i++)
	{
		const CmigObject *on = table->depends[i]->kind == table->kind ? cmig_column_find(table->depends[i], column->name) : NULL;

		if (on == NULL)
			continue;
		tops = find_tops(tops, on);
		found = true;
	}
	return found ? tops : list_append_unique_ptr(tops, unconstify(CmigObject *, column));
}

/*
 * PostgreSQL cannot change the type of a column that a table inherits from
 * several tables.  If the change affects such a column, mark as unsupported
 * the changes of the columns from which it is inherited.
 */
static void
refuse_merged(const CmigDifference *difference, const CmigChange *change)
{
	const CmigObject *column = change->from;
	List	   *tops;
	ListCell   *cell;

	if (column == NULL || change->to == NULL || column->kind != &cmig_kind_column || !change->disturbs ||
		list_length(find_tops(NIL, change->to)) < 2)
		return;
	tops = find_tops(NIL, column);
	foreach(cell, list_length(tops) < 2 ? NIL : tops)
	{
		CmigChange *top = difference->of_from[((const CmigObject *) lfirst(cell))->index];

		if (top->action != CMIG_ALTER || !top->disturbs)
			continue;
		top->action = CMIG_UNSUPPORTED;
		top->reason = psprintf("its type cannot be changed because %s inherits it from several tables", column->parent->identity);
	}
}

void
cmig_family_exclude(CmigDifference *difference)
{
	List	   *reasons = NIL;
	List	   *roots;
	ListCell   *cell,
			   *reason;

	for (int i = 0; i < difference->count; i++)
		refuse_merged(difference, &difference->changes[i]);
	roots = find_roots(difference, &reasons);
	for (int i = 0; i < difference->count && roots != NIL; i++)
		if (is_in_family(difference, &difference->changes[i], roots))
			leave_out(&difference->changes[i]);
	forboth(cell, roots, reason, reasons)
	{
		const CmigObject *table = cmig_image_lookup(difference->to, &cmig_kind_table, lfirst(cell));
		CmigChange *change = table ? difference->of_to[table->index] : NULL;

		if (change == NULL || change->action == CMIG_UNSUPPORTED)
			continue;
		change->action = CMIG_UNSUPPORTED;
		change->reason = lfirst(reason);
	}
}
