/*
 * kind_other.c
 *	  Objects of unsupported kinds, which are only reported.
 *
 * This kind has no query, because image_others.c finds its objects.  Two
 * objects are equal only if their whole catalog rows are equal, with names
 * instead of OIDs.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "kinds/kinds.h"

/*
 * The property "catalog row" is NULL if pg_cmig does not know how to interpret
 * the row.
 */
static const CmigProperty properties[] = {
	{"catalog row", CMIG_PROPERTY_CAREFUL},
};

/* Report objects that differ, or may differ, as unsupported. */
static void
alter_other(CmigAlter *alter)
{
	const char *old = alter->from->values[0];
	const char *new = alter->to->values[0];

	if (old == NULL || new == NULL)
		alter->unsupported = "it may differ; objects of this kind are not compared yet";
	else if (strcmp(old, new) != 0)
		alter->unsupported = "it differs; objects of this kind are not compared yet";
}

CmigKind	cmig_kind_other = {
	.name = "other",.word = "",
	CMIG_PROPERTIES(properties),
	.alter = alter_other,.place = 1000
};
