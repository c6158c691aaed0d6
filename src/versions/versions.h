/*
 * versions.h
 *	  What other folders may call: the state of an expansion.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_VERSIONS_H
#define CMIG_VERSIONS_H

#include "store/store.h"

/* in live.c */

/* The rows of an expanded table */
typedef struct CmigExpansionRows
{
	bool		counted;		/* could the caller read all of them? */
	int64		filled;
	int64		left;
	int64		failed;
	char	   *why;			/* why a row failed, or they were not counted */
	char	   *last_write;		/* when the old build last wrote one, or NULL */
} CmigExpansionRows;

/* Count a table's rows for at most "limit" milliseconds. */
extern CmigExpansionRows cmig_expansion_rows(const CmigExpansion *expansion, const char *relation, int limit);

#endif							/* CMIG_VERSIONS_H */
