/*
 * lint_code.h
 *	  Code on the live database that uses a table or a column.
 *
 * Views and policies depend on what they use, and the server knows it.
 * Functions whose body is a text do not: their words are looked at.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_LINT_CODE_H
#define CMIG_LINT_CODE_H

#include "postgres.h"
#include "access/attnum.h"
#include "nodes/pg_list.h"

/* An object that depends on a column. */
typedef struct CmigLintDependent
{
	char	   *description;	/* "view v" */
	Oid			relation;		/* of a view, or the table of a policy */
	bool		is_view;
} CmigLintDependent;

/*
 * What depends on a column of a table, other than what belongs to the table: a
 * List of CmigLintDependent *.
 */
extern List *cmig_lint_code_dependents(Oid table, AttrNumber column);

/* A function whose body is a text. */
typedef struct CmigLintBody
{
	Oid			oid;
	char	   *name;
	char	   *source;
} CmigLintBody;

/* All of users' functions in SQL and PL/pgSQL: a List of CmigLintBody *. */
extern List *cmig_lint_code_bodies(void);

/* The functions that triggers of a table call: OIDs. */
extern List *cmig_lint_code_trigger_functions(Oid table);

/* A function as messages name it. */
extern char *cmig_lint_code_function_name(Oid function);

/* Is the word in a body, as an identifier? */
extern bool cmig_lint_code_names(const char *source, const char *word);

#endif							/* CMIG_LINT_CODE_H */
