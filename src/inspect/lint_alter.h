/*
 * lint_alter.h
 *	  What ALTER TABLE, and the elements of CREATE TABLE, change in a table.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_LINT_ALTER_H
#define CMIG_LINT_ALTER_H

#include "postgres.h"
#include "inspect/lint_model.h"
#include "inspect/lint_rule.h"
#include "nodes/parsenodes.h"

/*
 * The name that the server chooses for an unnamed constraint; column is the
 * one in whose definition it is, or NULL.
 */
extern char *cmig_lint_alter_constraint_name(const char *table, const Constraint *constraint,
											 const char *column);

/*
 * Add a constraint to a table; column is the one whose definition contains it, or
 * NULL.
 */
extern void cmig_lint_alter_add_constraint(CmigLint *lint, CmigLintTable *table,
										   const Constraint *constraint, const char *column);

/* Add a column, and the constraints in its definition. */
extern void cmig_lint_alter_add_column(CmigLint *lint, CmigLintTable *table, const ColumnDef *definition);

/* Rename a column; the new name must remain allocated. */
extern void cmig_lint_alter_rename_column(CmigLintTable *table, const char *from, const char *to);

/* Remove a column with its indexes and constraints, or a constraint with its index. */
extern void cmig_lint_alter_drop_column(CmigLintTable *table, const char *name);
extern void cmig_lint_alter_drop_constraint(CmigLintTable *table, const char *name);

/* Apply the actions to lint->target. */
extern void cmig_lint_alter_table(CmigLint *lint, AlterTableStmt *statement);

#endif							/* CMIG_LINT_ALTER_H */
