/*
 * internal.h
 *	  What the modules of src/lint share.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_LINT_INTERNAL_H
#define CMIG_LINT_INTERNAL_H

#include "lint/lint.h"

/* in lint_facts.c */

/* Returns the OIDs of the tables in a schema.  InvalidOid stands for all schemas. */
extern List *cmig_lint_catalog_tables_in(Oid schema);

/*
 * Returns the OIDs of the tables with columns whose type is the given type,
 * which may be InvalidOid, or its array type.
 */
extern List *cmig_lint_catalog_tables_with_type(Oid type);

/* Does any table have a column of the relation's row type? */
extern bool cmig_lint_catalog_type_is_used(Oid relation);

/*
 * Returns a description of a relation in the current memory context, with empty
 * lists and, unless "sizes" is true, with no rows.  Returns NULL if the
 * relation does not exist.
 */
extern CmigLintTable *cmig_lint_facts_read(Oid relation, bool sizes);

/*
 * Returns GRANT commands, separated by semicolons, that copy a relation's
 * privileges to the relation called "name".  The owner's privileges are left
 * out.  Returns NULL if there are no others.
 */
extern char *cmig_lint_facts_grants(Oid relation, const char *name);

/* Returns the columns of a partition key, without expressions. */
extern List *cmig_lint_facts_partition_key(Oid table);

/* The serial types, which create a sequence. */
typedef enum CmigLintSerial
{
	CMIG_LINT_NOT_SERIAL,
	CMIG_LINT_SMALLSERIAL,
	CMIG_LINT_SERIAL,
	CMIG_LINT_BIGSERIAL
} CmigLintSerial;

extern CmigLintSerial cmig_lint_types_serial(const TypeName *type);

/* What the name of a type means. */
typedef struct CmigLintMeaning
{
	Oid			oid;			/* InvalidOid if the type is not live, or is
								 * unknown */
	int32		typmod;
	const char *new_name;		/* its name, if the plan creates it; or NULL */
} CmigLintMeaning;

extern CmigLintMeaning cmig_lint_types_find(CmigLint *lint, const TypeName *type);

/* Does the plan create the type? */
extern bool cmig_lint_types_is_new(CmigLint *lint, List *names);

/* Is the type a domain with a CHECK or NOT NULL constraint, or with a default? */
extern bool cmig_lint_types_is_constrained_domain(CmigLint *lint, const TypeName *type);
extern bool cmig_lint_types_has_default(CmigLint *lint, const TypeName *type);

/*
 * Does the value in ALTER TYPE ... ADD VALUE IF NOT EXISTS already exist in the
 * live database?
 */
extern bool cmig_lint_types_has_value(CmigLint *lint, const AlterEnumStmt *alter);

/* Returns a type's name for use in messages. */
extern char *cmig_lint_types_name(CmigLint *lint, const TypeName *type);

/* in calls.c */

/* Returns an argument with this position or this name, or NULL. */
extern Node *cmig_call_argument(const FuncCall *call, int position, const char *name);

/* in lint_cascade.c */

/* Record the query of a view that the plan creates or replaces. */
extern void cmig_lint_cascade_note_query(CmigLint *lint, CmigLintTable *view, Node *query);

/* Record what a DROP statement, or one action of ALTER TABLE, drops or changes. */
extern void cmig_lint_cascade_drop(CmigLint *lint, DropStmt *drop);
extern void cmig_lint_cascade_alter(CmigLint *lint, CmigLintTable *table,
									const AlterTableCmd *command);

/* Record that a live object is changed, if there is one. */
extern void cmig_lint_cascade_changed(CmigLint *lint, Oid class, Oid oid);

/* in lint_tables.c */

/* Record how the calls of the statement change how Citus stores tables. */
extern void cmig_lint_citus_apply(CmigLint *lint);

/* in lint_losses.c */

/* Returns a text that identifies a trigger or a policy. */
extern char *cmig_lint_part_key(const CmigLintTable *table, bool is_policy, const char *name);

#endif							/* CMIG_LINT_INTERNAL_H */
