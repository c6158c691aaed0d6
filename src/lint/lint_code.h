/*
 * lint_code.h
 *	  Finds the code in the live database that uses a table or a column.
 *
 * PostgreSQL records the objects used by views and policies, but not the
 * objects used by a function whose body is a string.  Such function bodies are
 * searched for identifiers.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_LINT_CODE_H
#define CMIG_LINT_CODE_H

#include "postgres.h"
#include "access/attnum.h"
#include "catalog/objectaddress.h"
#include "nodes/pg_list.h"

/* Kinds of objects that can depend on a relation or a type. */
typedef enum CmigLintDependentKind
{
	CMIG_LINT_VIEW,
	CMIG_LINT_POLICY,
	CMIG_LINT_FUNCTION,			/* a function with a parsed body */
	CMIG_LINT_FOREIGN_KEY,		/* a foreign key of another table */
	CMIG_LINT_COLUMN			/* a column of a given type */
} CmigLintDependentKind;

/* An object that depends on a relation, a column, or a type. */
typedef struct CmigLintDependent
{
	CmigLintDependentKind kind;
	char	   *description;	/* such as "view v"; may be NULL */
	Oid			relation;		/* for a view, the view itself; for a policy,
								 * foreign key, or column, its table */
	char	   *name;			/* name of a policy, function, or foreign key */
	AttrNumber	column;			/* for a column, its attribute number */
	Oid			type;			/* for a column, its type */
} CmigLintDependent;

/*
 * Returns the dependent object at an address, without a description.  Returns
 * NULL if the object's kind is not in CmigLintDependentKind.
 */
extern CmigLintDependent *cmig_lint_code_dependent(const ObjectAddress *object);

/*
 * Returns the objects that depend on a column or, if "column" is 0, on any
 * part of the relation, as a List of CmigLintDependent *. Objects that belong
 * to the relation are left out, except for policies that use the column.
 */
extern List *cmig_lint_code_dependents(Oid table, AttrNumber column);

/*
 * Returns the columns whose type is the given type or its array type, as a List
 * of CmigLintDependent *.
 */
extern List *cmig_lint_code_columns(Oid type);

/* A function whose body is a string. */
typedef struct CmigLintBody
{
	Oid			oid;
	char	   *name;
	char	   *source;
} CmigLintBody;

/*
 * Returns all user-defined SQL and PL/pgSQL functions with a string body, as a
 * List of CmigLintBody *.
 */
extern List *cmig_lint_code_bodies(void);

/* Returns the OIDs of the functions that a table's triggers call. */
extern List *cmig_lint_code_trigger_functions(Oid table);

/* Returns a function's name for use in messages. */
extern char *cmig_lint_code_function_name(Oid function);

/* Does the body contain the word as an identifier? */
extern bool cmig_lint_code_names(const char *source, const char *word);

#endif							/* CMIG_LINT_CODE_H */
