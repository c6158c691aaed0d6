/*
 * normal.h
 *	  Normalizes printed expressions so that they can be compared.
 *
 * When PostgreSQL parses an expression that it has printed, and prints it
 * again, casts to text and parentheses may move.  No database access.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_NORMAL_H
#define CMIG_NORMAL_H

#include "postgres.h"

/* Do two printed expressions, or definitions with expressions, mean the same? */
extern bool cmig_normal_same(const char *a, const char *b);

/*
 * Rewrite a printed expression, if possible, so that it is printed in the
 * same form after it has been reloaded.  Returns the argument or a new
 * string.
 */
extern char *cmig_normal_reloadable(char *text);

/*
 * Replace the name "old" in a printed expression or definition.  "text" may be
 * NULL.
 */
extern char *cmig_normal_rename(char *text, const char *old, const char *new);

#endif							/* CMIG_NORMAL_H */
