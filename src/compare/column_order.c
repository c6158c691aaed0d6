/*
 * column_order.c
 *	  Finds new columns whose position will differ from the target.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "compare/column_order.h"
#include "kinds/kinds.h"

#include "lib/stringinfo.h"

/* The maximum number of columns that the NOTICE names. */
#define MAX_NAMED 10

/* Is the column new, but followed by an existing column in the target? */
static bool
is_misplaced(const CmigDifference *difference, const CmigChange *change)
{
	const CmigObject *column = change->to;

	if (change->action != CMIG_CREATE || change->host != NULL || column->kind != &cmig_kind_column)
		return false;
	for (const CmigObject *next = column->sibling; next != NULL; next = next->sibling)
		if (next->kind == column->kind && next->address.sub > column->address.sub &&
			difference->of_to[next->index]->from != NULL)
			return true;
	return false;
}

void
cmig_column_order_tell(const CmigDifference *difference)
{
	StringInfoData list;
	int			count = 0;

	if (difference->options->models)
		return;
	initStringInfo(&list);
	for (int i = 0; i < difference->count; i++)
	{
		const CmigChange *change = &difference->changes[i];

		if (!is_misplaced(difference, change))
			continue;
		if (count++ < MAX_NAMED)
			appendStringInfo(&list, "%s%s", count > 1 ? "\n" : "", change->to->identity);
	}
	if (count > MAX_NAMED)
		appendStringInfo(&list, "\nand %d more", count - MAX_NAMED);
	if (count > 0)
		ereport(NOTICE,
				(errmsg("new columns are added at the end of the table, not at their position in the target"),
				 errdetail_internal("%s", list.data)));
}
