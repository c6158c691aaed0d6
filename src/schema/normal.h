/*
 * normal.h
 *	  Brings printed expressions into a form that can be compared.
 *
 * Pure: does not read the database.  When an expression that the server has
 * printed is parsed and printed again, casts to text and parentheses may be in
 * other places.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_NORMAL_H
#define CMIG_NORMAL_H

#include "postgres.h"

/* Do two printed expressions, or definitions with expressions, mean the same? */
extern bool cmig_normal_same(const char *a, const char *b);

/*
 * Change a printed text, if possible, so that it is printed in the same form
 * after it has been loaded.  Returns the text itself, or a new one.
 */
extern char *cmig_normal_reloadable(char *text);

/* Replace a name with another one in a printed text, which may be NULL. */
extern char *cmig_normal_rename(char *text, const char *old, const char *new);

#endif							/* CMIG_NORMAL_H */
