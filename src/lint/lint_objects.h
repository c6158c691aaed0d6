/*
 * lint_objects.h
 *	  Tracks the types, functions, and schemas that the plan creates, changes,
 *	  or drops.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_LINT_OBJECTS_H
#define CMIG_LINT_OBJECTS_H

#include "postgres.h"
#include "lint/lint_rule.h"
#include "nodes/pg_list.h"
#include "utils/hsearch.h"

/* Hash key for relations and types, padded with zeros. */
typedef struct CmigLintKey
{
	char		schema[NAMEDATALEN];
	char		name[NAMEDATALEN];
} CmigLintKey;

/* Returns the hash key for a name. */
extern CmigLintKey cmig_lint_objects_key(const char *schema, const char *name);

/* Create a hash table in the memory context of the lint call. */
extern HTAB *cmig_lint_objects_table(CmigLint *lint, const char *name, Size key, Size entry);

/* A type, domain, or enum that the plan creates or changes. */
typedef struct CmigLintType
{
	const char *schema;			/* NULL if unknown */
	const char *name;
	bool		is_new;			/* true if the plan creates the type */
	bool		has_constraint; /* true if the type is a domain with a
								 * constraint */
	bool		has_default;
} CmigLintType;

/* A function that the plan creates or drops. */
typedef struct CmigLintFunction
{
	const char *name;
	bool		is_volatile;
	bool		is_dropped;
	int			created_at;		/* number of the statement that creates the
								 * function; 0 if the plan has dropped the
								 * function */
} CmigLintFunction;

typedef struct CmigLintObjects CmigLintObjects;

/* Start to track objects for a lint call. */
extern void cmig_lint_objects_begin(CmigLint *lint);

/*
 * cmig_lint_objects_type() finds a type.  cmig_lint_objects_add_type() adds a
 * type or, if the type was added before, returns its entry.
 */
extern CmigLintType *cmig_lint_objects_type(CmigLint *lint, List *names);
extern CmigLintType *cmig_lint_objects_add_type(CmigLint *lint, List *names);

/*
 * Has the plan created the schema?  cmig_lint_objects_add_schema() records this
 * fact.
 */
extern bool cmig_lint_objects_is_new_schema(CmigLint *lint, const char *schema);
extern void cmig_lint_objects_add_schema(CmigLint *lint, const char *schema);

/* Returns the schema in search_path in which new objects are created. */
extern const char *cmig_lint_objects_creation_schema(const CmigLint *lint);

/*
 * The first function records that the plan drops or changes a policy on a live
 * table.  The second one checks whether the plan has done so.
 */
extern void cmig_lint_objects_change_policy(CmigLint *lint, Oid table, const char *name);
extern bool cmig_lint_objects_is_policy_changed(CmigLint *lint, Oid table, const char *name);

/*
 * Find or add a function that the plan creates or drops.  "name" is the
 * function's name without the schema.
 */
extern CmigLintFunction *cmig_lint_objects_function(CmigLint *lint, const char *name);
extern CmigLintFunction *cmig_lint_objects_add_function(CmigLint *lint, const char *name);

/*
 * The first function records that the plan drops a function.  The second one
 * checks whether the plan has dropped a function and has not re-created it.
 */
extern void cmig_lint_objects_drop_function(CmigLint *lint, const char *name);
extern bool cmig_lint_objects_is_dropped_function(CmigLint *lint, const char *name);

/*
 * Returns the bodies of live functions as a List of CmigLintBody *.  The
 * catalog is read only once.
 */
extern List *cmig_lint_objects_bodies(CmigLint *lint);

#endif							/* CMIG_LINT_OBJECTS_H */
