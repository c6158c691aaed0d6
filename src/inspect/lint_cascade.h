/*
 * lint_cascade.h
 *	  What depends on objects when a statement of the plan runs, and what CASCADE
 *	  drops with them.
 *
 * The catalogs tell what depends on live objects.  Of views that the plan
 * creates or replaces, the query tells which relations and columns they use.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_LINT_CASCADE_H
#define CMIG_LINT_CASCADE_H

#include "postgres.h"
#include "inspect/lint_code.h"
#include "inspect/lint_rule.h"

/*
 * Has the plan dropped or changed the dependent, so that it may no longer
 * depend on the object?
 */
extern bool cmig_lint_cascade_is_free(CmigLint *lint, const CmigLintDependent *dependent);

/* Note the query of a view that the plan creates or replaces. */
extern void cmig_lint_cascade_note_query(CmigLint *lint, CmigLintTable *view, Node *query);

/*
 * The views of the plan that use a relation, or a column of it if one is given:
 * a List of CmigLintTable *.  With maybe, also those that may use the column.
 */
extern List *cmig_lint_cascade_views(CmigLint *lint, const CmigLintTable *table, const char *column,
									 bool maybe);

/* Note what CASCADE drops with an object, but not the object itself. */
extern void cmig_lint_cascade_relation(CmigLint *lint, CmigLintTable *table);
extern void cmig_lint_cascade_column(CmigLint *lint, CmigLintTable *table, const char *name);
extern void cmig_lint_cascade_constraint(CmigLint *lint, CmigLintTable *table, const char *name);
extern void cmig_lint_cascade_function(CmigLint *lint, const char *name);
extern void cmig_lint_cascade_type(CmigLint *lint, TypeName *name);

/* The same for a schema, with its relations. */
extern void cmig_lint_cascade_schema(CmigLint *lint, const char *name);

#endif							/* CMIG_LINT_CASCADE_H */
