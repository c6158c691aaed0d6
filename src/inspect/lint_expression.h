/*
 * lint_expression.h
 *	  Columns and constants in expressions, as parsed.
 *
 * Pure.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_LINT_EXPRESSION_H
#define CMIG_LINT_EXPRESSION_H

#include "postgres.h"
#include "nodes/nodes.h"
#include "nodes/pg_list.h"

/* The columns that an expression, as parsed, names: a List of char *. */
extern List *cmig_lint_expression_columns(Node *expression);

/* The text of a constant, or NULL. */
extern const char *cmig_lint_expression_constant(Node *node);

#endif							/* CMIG_LINT_EXPRESSION_H */
