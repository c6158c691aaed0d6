/*
 * lint_fix.h
 *	  Statements that do in parts what an ALTER TABLE does. They consist of
 *	  pieces of the statement's text, as its author wrote it.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_LINT_FIX_H
#define CMIG_LINT_FIX_H

#include "postgres.h"
#include "inspect/lint_rule.h"
#include "nodes/parsenodes.h"

/* For statements that must run in a revision that is not transactional. */
#define CMIG_LINT_STEPWISE "-- in a revision with \"transactional: false\"\n"

/*
 * The statement with another text for one of its actions (from 0), which is
 * left out if replacement is NULL.  Ends with a semicolon and a newline, unless
 * no action remains: then it is empty.
 */
extern char *cmig_lint_fix_replace(CmigLint *lint, int action, const char *replacement);

/* The text of all actions. */
extern char *cmig_lint_fix_actions(CmigLint *lint);

/* The text of an action. */
extern char *cmig_lint_fix_action(CmigLint *lint, int action);

/* The text of a clause of ADD COLUMN, such as DEFAULT. */
extern char *cmig_lint_fix_clause(CmigLint *lint, const ColumnDef *column, const Constraint *clause);

/* The text of an ADD COLUMN without some of its clauses, a List of Constraint *. */
extern char *cmig_lint_fix_without(CmigLint *lint, int action, const ColumnDef *column, List *clauses);

#endif							/* CMIG_LINT_FIX_H */
