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
	char	   *value;
} CmigPlaceholder;

/* All placeholders that were given. */
typedef struct CmigPlaceholders
{
	int			count;
	CmigPlaceholder *items;
} CmigPlaceholders;

/* Replace ${name} everywhere except in comments. */
extern char *cmig_placeholder_fill_braces(const CmigPlaceholders *placeholders, const char *text,
										  const char *file_name);

/*
 * Replace :name, :'name', and :"name" as psql does.  everywhere: those with a
 * value are replaced in quotes, too.
 */
extern char *cmig_placeholder_fill_variables(const CmigPlaceholders *placeholders, const char *text,
											 const char *file_name, bool everywhere);

#endif							/* CMIG_PLACEHOLDER_H */
