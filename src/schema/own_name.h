/*
 * own_name.h
 *	  Names of a schema in function bodies and in search_path.
 *
 * If a schema is read under another name, the server prints the other name
 * everywhere except in strings.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_OWN_NAME_H
#define CMIG_OWN_NAME_H

#include "postgres.h"
#include "kinds/image.h"

/*
 * Returns the text with the schema name "old" replaced with "new" where it
 * qualifies an object that exists in the schema, and in the search_path that a
 * function sets.  Returns "text" itself if there is nothing to replace.
 */
extern char *cmig_own_name_replace(char *text, Oid schema, const char *old, const char *new);

/* Replace the schema's name in the definitions of the image's functions. */
extern void cmig_own_name_replace_all(CmigImage *image, Oid schema, const char *old, const char *new);

#endif							/* CMIG_OWN_NAME_H */
