/*
 * family.c
 *	  Excludes from a difference the partitioned tables whose partition key
 *	  cannot be changed, and their partitions.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/text_list.h"
#include "compare/family.h"
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
 * Returns the names of the tables that cannot be changed, and appends the
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
		*reasons = lappend(*reasons, psprintf("%s: %s; the table and its partitions are left as they are",
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

void
cmig_family_exclude(CmigDifference *difference)
{
	List	   *reasons = NIL;
	List	   *roots = find_roots(difference, &reasons);
	ListCell   *cell,
			   *reason;

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
