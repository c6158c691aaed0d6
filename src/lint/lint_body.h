/*
 * lint_body.h
 *	  Finds out whether a function body uses a table or one of its columns.
 *
 * The body is SQL or PL/pgSQL text.  The search processes the tokens of one
 * statement at a time.  It looks for the table's name and aliases, and
 * determines the table to which a column name belongs.  Strings are searched
 * only if the body executes dynamic SQL.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_LINT_BODY_H
#define CMIG_LINT_BODY_H

#include "postgres.h"

/*
 * The maximum nesting level of strings that are searched for dynamic SQL.
 * Strings that are nested more deeply are ignored.
 */
#define CMIG_LINT_MAX_NESTING 8

/* A name to search for in a body. */
typedef struct CmigLintName
{
	const char *schema;
	const char *table;
	const char *column;			/* NULL for the table itself */
} CmigLintName;

/*
 * Does the body use the table or the column?  "is_trigger" is true if the
 * function is called by a trigger on the table.  In that case, NEW and OLD are
 * rows of the table.
 */
extern bool cmig_lint_body_uses(const char *source, const CmigLintName *name, bool is_trigger);

#endif							/* CMIG_LINT_BODY_H */
