/*
 * lint_state.h
 *	  Determines which relations exist when a statement of the plan runs.
 *
 * A name is looked up first among the relations that earlier statements have
 * created, renamed, or dropped, and then in the live database.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_LINT_STATE_H
#define CMIG_LINT_STATE_H

#include "postgres.h"
#include "lint/lint_model.h"
#include "lint/lint_rule.h"
#include "nodes/parsenodes.h"

typedef struct CmigLintState CmigLintState;

/* Start a lint call, or start the next revision of a lint call. */
extern void cmig_lint_state_begin(CmigLint *lint, const char *search_path);
extern void cmig_lint_state_begin_revision(CmigLint *lint);

/*
 * Returns the relation with this name.  Returns NULL if the plan has dropped or
 * renamed the relation.  If there was no such relation, the result depends on
 * "missing_ok".  If "missing_ok" is true, returns NULL; otherwise, returns a
 * new relation with origin CMIG_LINT_UNKNOWN.
 */
extern CmigLintTable *cmig_lint_state_find(CmigLint *lint, const RangeVar *name, bool missing_ok);

/*
 * Find the relation that a statement names.  "if_exists" is true if the
 * statement has an IF EXISTS clause.  In that case, the result is NULL if the
 * relation does not exist.  However, if the live database is not read, the
 * relation is assumed to exist.
 */
extern CmigLintTable *cmig_lint_state_find_if(CmigLint *lint, const RangeVar *name, bool if_exists);

/*
 * Like cmig_lint_state_find_if(), but for a relation's name in a DROP
 * statement, which is a List of String nodes.
 */
extern CmigLintTable *cmig_lint_state_find_names(CmigLint *lint, List *names, bool if_exists);

/*
 * Like cmig_lint_state_find(), but returns NULL if the relation is not found,
 * and never adds an unknown relation.
 */
extern CmigLintTable *cmig_lint_state_peek(CmigLint *lint, const RangeVar *name);

/*
 * If a live relation had this name before the plan but no longer has it,
 * returns the live relation.  Otherwise, returns NULL.
 */
extern CmigLintTable *cmig_lint_state_original(CmigLint *lint, const RangeVar *name);

/* Record a GRANT on all tables in a schema. */
extern void cmig_lint_state_grant_in_schema(CmigLint *lint, const char *schema);

/*
 * Read a relation's columns, constraints, and indexes if they have not been
 * read before.
 */
extern void cmig_lint_state_load(CmigLint *lint, CmigLintTable *table);

/* Add a relation that the plan creates. */
extern CmigLintTable *cmig_lint_state_add(CmigLint *lint, const RangeVar *name, char kind);

/* Record that a relation is dropped or renamed. */
extern void cmig_lint_state_remove(CmigLint *lint, CmigLintTable *table);
extern void cmig_lint_state_rename(CmigLint *lint, CmigLintTable *table,
								   const char *schema, const char *name);

/* Record that all known relations of a schema are dropped. */
extern void cmig_lint_state_remove_schema(CmigLint *lint, const char *schema);

/* Does this relation still exist under its name? */
extern bool cmig_lint_state_exists(CmigLint *lint, const CmigLintTable *table);

/* Returns the live relation with this OID, or NULL if there is none. */
extern CmigLintTable *cmig_lint_state_find_oid(CmigLint *lint, Oid oid);

/* Reset a table's per-revision fields if they belong to an earlier revision. */
extern void cmig_lint_state_touch(CmigLint *lint, CmigLintTable *table);

/* Can this ALTER TABLE be combined with another ALTER TABLE? */
extern bool cmig_lint_state_is_combinable(const AlterTableStmt *alter);

/*
 * Record that the current transaction holds an AccessExclusiveLock on the
 * table.
 */
extern void cmig_lint_state_hold(CmigLint *lint, CmigLintTable *table);

/* Record that a schema is renamed, together with all its known relations. */
extern void cmig_lint_state_rename_schema(CmigLint *lint, const char *from, const char *to);

/* Return, or increment, the number of statements of the plan read so far. */
extern int	cmig_lint_state_statements(const CmigLint *lint);
extern void cmig_lint_state_count(CmigLint *lint);

/* Has the plan dropped a live relation? */
extern bool cmig_lint_state_is_gone(CmigLint *lint, Oid relation);

/*
 * Is there a table with this name at this point in the plan and, if "column"
 * is not NULL, does it have this column?  "relation" is the OID of the live
 * table that had the name.
 */
extern bool cmig_lint_state_has(CmigLint *lint, Oid relation, const char *name, const char *column);

#endif							/* CMIG_LINT_STATE_H */
