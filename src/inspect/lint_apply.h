/*
 * lint_apply.h
 *	  What a statement changes for those that follow it.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_LINT_APPLY_H
#define CMIG_LINT_APPLY_H

#include "postgres.h"
#include "inspect/lint_rule.h"

/* The statement has been examined: carry it out in the state. */
extern void cmig_lint_apply(CmigLint *lint, Node *statement);

/*
 * The name that the server gives a constraint without one.  column is the one
 * that it was written behind, or NULL.
 */
extern char *cmig_lint_apply_constraint_name(const char *table, const Constraint *constraint,
											 const char *column);

/* The columns that an expression, as parsed, names: a List of char *. */
extern List *cmig_lint_apply_columns_in(Node *expression);

/* The text of a constant, or NULL. */
extern const char *cmig_lint_apply_constant(Node *node);

#endif							/* CMIG_LINT_APPLY_H */
