/*
 * lint_fix.h
 *	  Builds the statements that a fix suggests in place of an ALTER TABLE.
 *
 * The fixes are composed of pieces of the statement's original text.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_LINT_FIX_H
#define CMIG_LINT_FIX_H

#include "postgres.h"
#include "lint/lint_rule.h"
#include "nodes/parsenodes.h"

/* Prefix for fixes that must run in a nontransactional revision. */
#define CMIG_LINT_STEPWISE "-- in a revision with \"transactional: false\"\n"

/*
 * Returns the ALTER TABLE statement that is being checked, with one action
 * (counted from 0) replaced.  If "replacement" is NULL, the action is removed.
 * The result ends with a semicolon and a newline.  If no action remains, the
 * result is empty.
 */
extern char *cmig_lint_fix_replace(CmigLint *lint, int action, const char *replacement);

/*
 * Returns the text of all actions of the ALTER TABLE statement that is being
 * checked.
 */
extern char *cmig_lint_fix_actions(CmigLint *lint);

/*
 * Returns the text of one action (counted from 0) of the ALTER TABLE statement
 * that is being checked.
 */
extern char *cmig_lint_fix_action(CmigLint *lint, int action);

/* Returns the text of a clause of ADD COLUMN, such as a DEFAULT clause. */
extern char *cmig_lint_fix_clause(CmigLint *lint, const ColumnDef *column, const Constraint *clause);

/*
 * Returns the text of an ADD COLUMN action without the given clauses.
 * "clauses" is a List of Constraint *.
 */
extern char *cmig_lint_fix_without(CmigLint *lint, int action, const ColumnDef *column, List *clauses);

#endif							/* CMIG_LINT_FIX_H */
