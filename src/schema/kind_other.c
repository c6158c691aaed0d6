/*
 * kind_other.c
 *	  Objects of kinds that are not compared: they are only named.
 *
 * image.c finds them; there is no query.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "schema/kinds.h"

CmigKind	cmig_kind_other = {
	.name = "other",.word = "",.place = 1000
};
