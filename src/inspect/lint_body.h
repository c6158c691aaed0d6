/*
 * lint_body.h
 *	  Whether the body of a function uses a table, or a column of it.
 *
 * The body is a text in SQL or PL/pgSQL.  Its tokens are examined, one
 * statement at a time: where the name of the table occurs, which alias it has,
 * and to which table the name of the column belongs.  Strings count only if
 * the body executes dynamic SQL.
 *
 * Pure.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_LINT_BODY_H
#define CMIG_LINT_BODY_H

#include "postgres.h"

/* A name to search for in a body. */
typedef struct CmigLintName
{
	const char *schema;
	const char *table;
	const char *column;			/* NULL for the table itself */
} CmigLintName;

/*
 * Does the body use it?  is_trigger: a trigger of the table calls the function,
 * so NEW and OLD are rows of it.
 */
extern bool cmig_lint_body_uses(const char *source, const CmigLintName *name, bool is_trigger);

#endif							/* CMIG_LINT_BODY_H */
