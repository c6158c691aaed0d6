/*
 * lint_code.h
 *	  Code on the live database that uses a table or a column.
 *
 * The server records what views and policies use, but not what functions use
 * whose body is a string; the words of such bodies are searched.
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
	Oid			relation;		/* the view, or the table of the policy */
	bool		is_view;
} CmigLintDependent;

/*
 * What depends on a column of a table, other than what belongs to the table: a
 * List of CmigLintDependent *.
 */
extern List *cmig_lint_code_dependents(Oid table, AttrNumber column);

/* A function whose body is a string. */
typedef struct CmigLintBody
{
	Oid			oid;
	char	   *name;
	char	   *source;
} CmigLintBody;

/* All user-defined functions in SQL and PL/pgSQL: a List of CmigLintBody *. */
extern List *cmig_lint_code_bodies(void);

/* The OIDs of the functions that triggers of a table call. */
extern List *cmig_lint_code_trigger_functions(Oid table);

/* The name of a function for messages. */
extern char *cmig_lint_code_function_name(Oid function);

/* Does the body contain the word as an identifier? */
extern bool cmig_lint_code_names(const char *source, const char *word);

#endif							/* CMIG_LINT_CODE_H */
