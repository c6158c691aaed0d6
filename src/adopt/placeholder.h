/*
 * placeholder.h
 *	  Replaces placeholders in other tools' scripts.
 *
 * If a placeholder has no value, MG013 is raised, with the placeholder's name
 * in the message.
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
	char	   *value;			/* NULL if ${name} is kept as a pg_cmig
								 * placeholder */
	bool		as_literal;		/* true if the placeholder was kept as a
								 * string literal */
	bool		as_identifier;	/* true if the placeholder was kept as an
								 * identifier */
} CmigPlaceholder;

/* The placeholders passed by the caller. */
typedef struct CmigPlaceholders
{
	int			count;
	CmigPlaceholder *items;
} CmigPlaceholders;

/*
 * Replace ${name} everywhere except in comments.  If a placeholder is kept,
 * the quotes around it are removed, and its field as_literal or as_identifier
 * is set.
 */
extern char *cmig_placeholder_fill_braces(const CmigPlaceholders *placeholders, const char *text,
										  const char *file_name);

/*
 * Replace environment variables as goose does: ${name}, ${name:-default},
 * ${name-default}, and ${name?message}.  Also replace each $name that has a
 * value.
 */
extern char *cmig_placeholder_fill_environment(const CmigPlaceholders *placeholders, const char *text,
											   const char *file_name);

/*
 * Replace :name, :'name', and :"name" as psql does.  If "everywhere" is true,
 * variables that have a value are also replaced within quotes.
 */
extern char *cmig_placeholder_fill_variables(const CmigPlaceholders *placeholders, const char *text,
											 const char *file_name, bool everywhere);

#endif							/* CMIG_PLACEHOLDER_H */
