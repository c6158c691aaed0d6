/*
 * lint_state.h
 *	  Which relations exist when a statement of the plan runs.
 *
 * A name is looked up among what earlier statements have created, renamed, and
 * dropped, then on the live database.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_LINT_STATE_H
#define CMIG_LINT_STATE_H

#include "postgres.h"
#include "inspect/lint_model.h"
#include "inspect/lint_rule.h"
#include "nodes/parsenodes.h"

typedef struct CmigLintState CmigLintState;

/* Start a call, and a revision. */
extern void cmig_lint_state_begin(CmigLint *lint, const char *search_path);
extern void cmig_lint_state_begin_revision(CmigLint *lint);

/*
 * The relation of this name. If it is not found, the result is a relation of
 * which nothing is known (CMIG_LINT_UNKNOWN), or with missing_ok, NULL; it is
 * also NULL if the plan has dropped the relation.
 */
extern CmigLintTable *cmig_lint_state_find(CmigLint *lint, const RangeVar *name, bool missing_ok);

/*
 * The same for a statement with or without IF EXISTS.  Without facts, the
 * relation that it names is assumed to exist.
 */
extern CmigLintTable *cmig_lint_state_find_if(CmigLint *lint, const RangeVar *name, bool if_exists);

/* The same for a name in a DROP statement, a List of String. */
extern CmigLintTable *cmig_lint_state_find_names(CmigLint *lint, List *names, bool if_exists);

/* The relation if it has been looked up or created already, or NULL. */
extern CmigLintTable *cmig_lint_state_peek(CmigLint *lint, const RangeVar *name);

/*
 * The live relation that had the name before the plan, and no longer has it,
 * or NULL.
 */
extern CmigLintTable *cmig_lint_state_original(CmigLint *lint, const RangeVar *name);

/* Note a GRANT on all tables of a schema. */
extern void cmig_lint_state_grant_in_schema(CmigLint *lint, const char *schema);

/* Read the columns, constraints, and indexes of a relation. */
extern void cmig_lint_state_load(CmigLint *lint, CmigLintTable *table);

/* Add a relation that the plan creates. */
extern CmigLintTable *cmig_lint_state_add(CmigLint *lint, const RangeVar *name, char kind);

/* Note that a relation is dropped or renamed. */
extern void cmig_lint_state_remove(CmigLint *lint, CmigLintTable *table);
extern void cmig_lint_state_rename(CmigLint *lint, CmigLintTable *table,
								   const char *schema, const char *name);

/* The same for all relations of a schema that are known so far. */
extern void cmig_lint_state_remove_schema(CmigLint *lint, const char *schema);

/* Does a relation that has been looked up or created still exist? */
extern bool cmig_lint_state_exists(CmigLint *lint, const CmigLintTable *table);

/* The live relation with that OID, or NULL. */
extern CmigLintTable *cmig_lint_state_find_oid(CmigLint *lint, Oid oid);

/* Start to note what the current revision does with a table. */
extern void cmig_lint_state_touch(CmigLint *lint, CmigLintTable *table);

/* Can the actions of an ALTER TABLE be merged into an earlier one? */
extern bool cmig_lint_state_is_combinable(const AlterTableStmt *alter);

/*
 * Note that the current transaction holds an AccessExclusiveLock on the table.
 */
extern void cmig_lint_state_hold(CmigLint *lint, CmigLintTable *table);

/* Rename a schema, and with it the names of its relations. */
extern void cmig_lint_state_rename_schema(CmigLint *lint, const char *from, const char *to);

/* The number of statements of the plan so far. */
extern int	cmig_lint_state_statements(const CmigLint *lint);
extern void cmig_lint_state_count(CmigLint *lint);

/* Has the plan dropped a live relation? */
extern bool cmig_lint_state_is_gone(CmigLint *lint, Oid relation);

/* Does the relation of this name, or its column if one is given, exist now? */
extern bool cmig_lint_state_has(CmigLint *lint, Oid relation, const char *name, const char *column);

#endif							/* CMIG_LINT_STATE_H */
