/*
 * lint_expression.h
 *	  Finds columns and constants in raw expressions.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_LINT_EXPRESSION_H
#define CMIG_LINT_EXPRESSION_H

#include "postgres.h"
#include "nodes/nodes.h"
#include "nodes/pg_list.h"

/*
 * Returns the names of the columns in a raw expression, without duplicates, as
 * a List of char *.
 */
extern List *cmig_lint_expression_columns(Node *expression);

/* Returns a constant's text, or NULL if the node is not a constant. */
extern const char *cmig_lint_expression_constant(Node *node);

#endif							/* CMIG_LINT_EXPRESSION_H */
