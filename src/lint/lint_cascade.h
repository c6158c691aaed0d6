/*
 * lint_cascade.h
 *	  Finds the objects that depend on an object at some point in the plan,
 *	  and applies CASCADE to them.
 *
 * The dependencies of objects that exist in the database come from the
 * catalogs.  The dependencies of a view that the plan creates or replaces come
 * from the view's query.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_LINT_CASCADE_H
#define CMIG_LINT_CASCADE_H

#include "postgres.h"
#include "base/listing.h"
#include "lint/lint_code.h"
#include "lint/lint_rule.h"

/*
 * Has the plan dropped or changed the dependent object, so that the dependency
 * might no longer exist?
 */
extern bool cmig_lint_cascade_is_free(CmigLint *lint, const CmigLintDependent *dependent);

/* Record the query of a view that the plan creates or replaces. */
extern void cmig_lint_cascade_note_query(CmigLint *lint, CmigLintTable *view, Node *query);

/*
 * Returns the plan's views that use a relation or, if "column" is not NULL,
 * that column of the relation, as a List of CmigLintTable *.  If "maybe" is
 * true, the result includes views that might use the column.
 */
extern List *cmig_lint_cascade_views(CmigLint *lint, const CmigLintTable *table, const char *column,
									 bool maybe);

/*
 * Record the objects that CASCADE drops together with an object.  The object
 * itself is not recorded.
 */
extern void cmig_lint_cascade_relation(CmigLint *lint, CmigLintTable *table);
extern void cmig_lint_cascade_column(CmigLint *lint, CmigLintTable *table, const char *name);
extern void cmig_lint_cascade_constraint(CmigLint *lint, CmigLintTable *table, const char *name);
extern void cmig_lint_cascade_function(CmigLint *lint, const char *name);
extern void cmig_lint_cascade_type(CmigLint *lint, TypeName *name);

/*
 * Record the objects that CASCADE drops together with a schema, including the
 * schema's relations.
 */
extern void cmig_lint_cascade_schema(CmigLint *lint, const char *name);

/*
 * Record the objects that CASCADE drops together with an object of a kind for
 * which there is no function above.
 */
extern void cmig_lint_cascade_other(CmigLint *lint, ObjectType type, Node *name);

/*
 * Add to the listing the tables, views, and columns that CASCADE drops
 * together with an object.  Returns a description of the object, or NULL if
 * the object does not exist.
 */
extern char *cmig_lint_cascade_describe(CmigLint *lint, ObjectType type, Node *name, CmigListing *listing);

#endif							/* CMIG_LINT_CASCADE_H */
