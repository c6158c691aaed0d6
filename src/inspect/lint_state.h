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
 * The relation that a name stands for; it is made up if nothing is known about
 * it (CMIG_LINT_UNKNOWN).  NULL if the plan has dropped it, or, with missing_ok,
 * if it is not found.
 */
extern CmigLintTable *cmig_lint_state_find(CmigLint *lint, const RangeVar *name, bool missing_ok);

/* The same for a name as DROP has it, a List of String. */
extern CmigLintTable *cmig_lint_state_find_names(CmigLint *lint, List *names, bool missing_ok);

/* The relation if it has been looked up or created before, else NULL. */
extern CmigLintTable *cmig_lint_state_peek(CmigLint *lint, const RangeVar *name);

/*
 * The live relation that had the name before the plan, if it no longer has it;
 * else NULL.
 */
extern CmigLintTable *cmig_lint_state_original(CmigLint *lint, const RangeVar *name);

/* Something is granted on all tables of a schema. */
extern void cmig_lint_state_grant_in_schema(CmigLint *lint, const char *schema);

/* Its columns, constraints, and indexes. */
extern void cmig_lint_state_load(CmigLint *lint, CmigLintTable *table);

/* A relation that the plan creates, under a name that it did not have. */
extern CmigLintTable *cmig_lint_state_add(CmigLint *lint, const RangeVar *name, char kind);

/* It is dropped, or gets another name. */
extern void cmig_lint_state_remove(CmigLint *lint, CmigLintTable *table);
extern void cmig_lint_state_rename(CmigLint *lint, CmigLintTable *table,
								   const char *schema, const char *name);

/* The live relation with that OID, or NULL. */
extern CmigLintTable *cmig_lint_state_find_oid(CmigLint *lint, Oid oid);

/* Start to note what the current revision does with a table. */
extern void cmig_lint_state_touch(CmigLint *lint, CmigLintTable *table);

/* Can the actions of an ALTER TABLE be put into another one? */
extern bool cmig_lint_state_is_combinable(const AlterTableStmt *alter);

/* The current transaction holds an AccessExclusiveLock on the table. */
extern void cmig_lint_state_hold(CmigLint *lint, CmigLintTable *table);

/* A schema gets another name, and with it the relations in it. */
extern void cmig_lint_state_rename_schema(CmigLint *lint, const char *from, const char *to);

/* How many statements of the plan have been seen. */
extern int	cmig_lint_state_statements(const CmigLint *lint);
extern void cmig_lint_state_count(CmigLint *lint);

/* Has the plan dropped a live relation? */
extern bool cmig_lint_state_is_gone(CmigLint *lint, Oid relation);

/* Is there a relation of that name, or with a column the live relation, now? */
extern bool cmig_lint_state_has(CmigLint *lint, Oid relation, const char *name, const char *column);

#endif							/* CMIG_LINT_STATE_H */
