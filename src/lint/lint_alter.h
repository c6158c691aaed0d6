/*
 * lint_alter.h
 *	  Updates the lint state of a table after ALTER TABLE, and for the
 *	  elements of CREATE TABLE.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_LINT_ALTER_H
#define CMIG_LINT_ALTER_H

#include "postgres.h"
#include "lint/lint_model.h"
#include "lint/lint_rule.h"
#include "nodes/parsenodes.h"

/*
 * Returns a constraint's name, or the name that PostgreSQL chooses if the
 * constraint is unnamed.  For a new table, "table" is NULL, and "table_name" is
 * the table's name.  For a column constraint, "column" is the column's name;
 * otherwise, "column" is NULL.  "earlier" is the list of constraint names that
 * the same statement has already added.
 */
extern char *cmig_lint_alter_constraint_name(const CmigLintTable *table, const char *table_name,
											 const Constraint *constraint, const char *column,
											 List *earlier);

/*
 * Add a constraint to a table.  For a column constraint, "column" is the
 * column's name; otherwise, "column" is NULL.
 */
extern void cmig_lint_alter_add_constraint(CmigLint *lint, CmigLintTable *table,
										   const Constraint *constraint, const char *column);

/* Add a column together with its column constraints. */
extern void cmig_lint_alter_add_column(CmigLint *lint, CmigLintTable *table, const ColumnDef *definition);

/* Rename a column.  "to" is not copied, so it must remain allocated. */
extern void cmig_lint_alter_rename_column(CmigLintTable *table, const char *from, const char *to);

/*
 * Remove a column together with its indexes and constraints, or remove a
 * constraint together with its index.
 */
extern void cmig_lint_alter_drop_column(CmigLintTable *table, const char *name);
extern void cmig_lint_alter_drop_constraint(CmigLintTable *table, const char *name);

/* Update the lint state of lint->target after an ALTER TABLE statement. */
extern void cmig_lint_alter_table(CmigLint *lint, AlterTableStmt *statement);

#endif							/* CMIG_LINT_ALTER_H */
