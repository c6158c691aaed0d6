/*
 * lint_objects.h
 *	  Types, functions, and schemas that the plan creates, changes, or drops.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_LINT_OBJECTS_H
#define CMIG_LINT_OBJECTS_H

#include "postgres.h"
#include "inspect/lint_rule.h"
#include "nodes/pg_list.h"
#include "utils/hsearch.h"

/* The key of relations and types in hash tables, padded with zeros. */
typedef struct CmigLintKey
{
	char		schema[NAMEDATALEN];
	char		name[NAMEDATALEN];
} CmigLintKey;

extern CmigLintKey cmig_lint_objects_key(const char *schema, const char *name);

/* A hash table in the memory context of the call. */
extern HTAB *cmig_lint_objects_table(CmigLint *lint, const char *name, Size key, Size entry);

/* A type, domain, or enumeration that the plan creates or changes. */
typedef struct CmigLintType
{
	const char *schema;			/* NULL if it is not known */
	const char *name;
	bool		is_new;
	bool		has_constraint; /* a domain */
	bool		has_default;
} CmigLintType;

/* A function that the plan creates. */
typedef struct CmigLintFunction
{
	const char *name;
	bool		is_volatile;
	bool		is_dropped;
	int			created_at;		/* its number among all statements of the plan */
} CmigLintFunction;

typedef struct CmigLintObjects CmigLintObjects;

/* Start a call. */
extern void cmig_lint_objects_begin(CmigLint *lint);

/* Types; adding one that exists returns its entry. */
extern CmigLintType *cmig_lint_objects_type(CmigLint *lint, List *names);
extern CmigLintType *cmig_lint_objects_add_type(CmigLint *lint, List *names);

/* Schemas that the plan creates. */
extern bool cmig_lint_objects_is_new_schema(CmigLint *lint, const char *schema);
extern void cmig_lint_objects_add_schema(CmigLint *lint, const char *schema);

/* The first schema in search_path, in which new objects are created. */
extern const char *cmig_lint_objects_creation_schema(const CmigLint *lint);

/* Policies of live tables that the plan drops or changes. */
extern void cmig_lint_objects_change_policy(CmigLint *lint, Oid table, const char *name);
extern bool cmig_lint_objects_is_policy_changed(CmigLint *lint, Oid table, const char *name);

/* Functions that the plan creates, by their names without schemas. */
extern CmigLintFunction *cmig_lint_objects_function(CmigLint *lint, const char *name);
extern CmigLintFunction *cmig_lint_objects_add_function(CmigLint *lint, const char *name);

/* Does the plan drop the function, without creating it again? */
extern void cmig_lint_objects_drop_function(CmigLint *lint, const char *name);
extern bool cmig_lint_objects_is_dropped_function(CmigLint *lint, const char *name);

/*
 * The bodies of live functions, a List of CmigLintBody *; they are read once.
 */
extern List *cmig_lint_objects_bodies(CmigLint *lint);

#endif							/* CMIG_LINT_OBJECTS_H */
