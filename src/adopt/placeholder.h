/*
 * placeholder.h
 *	  Placeholders in the scripts of other tools.
 *
 * Pure.  A placeholder without a value raises MG013, which names it.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_PLACEHOLDER_H
#define CMIG_PLACEHOLDER_H

#include "postgres.h"

/* A placeholder and its value. */
typedef struct CmigPlaceholder
{
	char	   *name;
	char	   *value;			/* NULL: ${name} is kept, as a placeholder of
								 * pg_cmig */
	bool		as_literal;		/* it was kept in place of a string */
	bool		as_identifier;	/* it was kept in another place */
} CmigPlaceholder;

/* All placeholders that were given. */
typedef struct CmigPlaceholders
{
	int			count;
	CmigPlaceholder *items;
} CmigPlaceholders;

/*
 * Replace ${name} everywhere except in comments.  A placeholder that is kept
 * loses the quotes around it, and the place is noted in it.
 */
extern char *cmig_placeholder_fill_braces(const CmigPlaceholders *placeholders, const char *text,
										  const char *file_name);

/*
 * Replace :name, :'name', and :"name" as psql does.  everywhere: those with a
 * value are replaced in quotes, too.
 */
extern char *cmig_placeholder_fill_variables(const CmigPlaceholders *placeholders, const char *text,
											 const char *file_name, bool everywhere);

#endif							/* CMIG_PLACEHOLDER_H */
