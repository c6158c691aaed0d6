/*
 * rename_guess.c
 *	  Finds changes that look like renames.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "compare/rename.h"
#include "compare/rename_guess.h"
#include "kinds/kind_column.h"
#include "kinds/kinds.h"

/* Returns a table's column names and types as text. */
static char *
signature(const CmigObject *table)
{
	StringInfoData buf;

	initStringInfo(&buf);
	for (const CmigObject *child = table->child; child != NULL; child = child->sibling)
		if (child->kind == &cmig_kind_column)
			appendStringInfo(&buf, "%s %s,", cmig_quote(child->name), cmig_column_type(child));
	return buf.data;
}

/* Could the created object be the dropped one under a new name? */
static bool
resembles(const CmigChange *gone, const CmigChange *new)
{
	const CmigObject *from = gone->from,
			   *to = new->to;

	if (from->kind != to->kind)
		return false;
	if (from->kind == &cmig_kind_table)
	{
		char	   *columns = signature(from);

		return *columns != '\0' && strcmp(columns, signature(to)) == 0;
	}
	return strcmp(from->parent->identity, to->parent->identity) == 0 &&
		strcmp(cmig_column_type(from), cmig_column_type(to)) == 0;
}

/* Could the drop or creation of the object be part of a rename? */
static bool
is_candidate(const CmigChange *change, CmigAction action)
{
	const CmigObject *object = action == CMIG_DROP ? change->from : change->to;

	return change->action == action && change->host == NULL && !object->inherited &&
		(object->kind == &cmig_kind_table || object->kind == &cmig_kind_column);
}

/*
 * Returns the only change that resembles "change", or NULL if there is none or
 * more than one.
 */
static const CmigChange *
find_like(const CmigDifference *difference, const CmigChange *change)
{
	bool		gone = change->action == CMIG_DROP;
	const CmigChange *found = NULL;

	for (int i = 0; i < difference->count; i++)
	{
		const CmigChange *other = &difference->changes[i];

		if (!is_candidate(other, gone ? CMIG_CREATE : CMIG_DROP) ||
			!(gone ? resembles(change, other) : resembles(other, change)))
			continue;
		if (found != NULL)
			return NULL;
		found = other;
	}
	return found;
}

List *
cmig_rename_guess(const CmigDifference *difference)
{
	List	   *result = NIL;

	for (int i = 0; i < difference->count; i++)
	{
		const CmigChange *change = &difference->changes[i];
		const CmigChange *other = is_candidate(change, CMIG_DROP) ? find_like(difference, change) : NULL;

		if (other == NULL || find_like(difference, other) != change ||
			strncmp(change->from->identity, other->to->identity, cmig_rename_name_offset(change->from)) != 0 ||
			cmig_rename_name_offset(change->from) != cmig_rename_name_offset(other->to))
			continue;
		result = lappend(result, psprintf("%s %s -> %s", change->from->kind->name, change->from->identity,
										  cmig_quote(other->to->name)));
	}
	return result;
}
