/*
 * kind_other.c
 *	  Objects of kinds that are not supported: they are only reported.
 *
 * image_read.c finds them, so there is no query.  Two of them are equal only
 * if their whole catalog rows are, with names instead of oids.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "schema/kinds.h"

/* NULL if the meaning of the catalog row is not known. */
static const CmigProperty properties[] = {
	{"catalog row", CMIG_PROPERTY_CAREFUL},
};

/* Objects that differ are not supported. */
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
