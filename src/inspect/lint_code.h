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
#include "catalog/objectaddress.h"
#include "nodes/pg_list.h"

/* What kind of object depends on a relation. */
typedef enum CmigLintDependentKind
{
	CMIG_LINT_VIEW,
	CMIG_LINT_POLICY,
	CMIG_LINT_FUNCTION,			/* a function whose body the server has parsed */
	CMIG_LINT_FOREIGN_KEY,		/* of another table */
	CMIG_LINT_COLUMN			/* of a type */
} CmigLintDependentKind;

/* An object that depends on a relation or a column. */
typedef struct CmigLintDependent
{
	CmigLintDependentKind kind;
	char	   *description;	/* "view v"; NULL if it was not asked for */
	Oid			relation;		/* the view, or the table of a policy or
								 * foreign key */
	char	   *name;			/* of a policy, function, or foreign key */
	AttrNumber	column;			/* number of the column */
	Oid			type;			/* type of the column */
} CmigLintDependent;

/* The object if it is one of these, without its description, or NULL. */
extern CmigLintDependent *cmig_lint_code_dependent(const ObjectAddress *object);

/*
 * Objects outside of the relation that depend on a column of it, or if the
 * column is 0, on any part of it: a List of CmigLintDependent *.
 */
extern List *cmig_lint_code_dependents(Oid table, AttrNumber column);

/* The columns that have a type, or an array of it: a List of CmigLintDependent *. */
extern List *cmig_lint_code_columns(Oid type);

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
