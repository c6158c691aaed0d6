/*
 * lint_uses.h
 *	  Finds the relations that queries read and write.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_LINT_USES_H
#define CMIG_LINT_USES_H

#include "postgres.h"
#include "lint/lint_rule.h"

/*
 * Returns the relations used in a SELECT, INSERT, UPDATE, DELETE, MERGE, or
 * COPY, or in the query of CREATE TABLE AS or EXPLAIN, as a List of RangeVar *.
 * WITH queries are left out.  Returns NIL for other statements.
 */
extern List *cmig_lint_uses_of(Node *statement);

/* Does the statement read or write a relation that existed before the plan? */
extern bool cmig_lint_uses_shared(CmigLint *lint, Node *statement);

/*
 * Returns the tables that the statement updates, as a List of CmigLintTable *.
 */
extern List *cmig_lint_uses_updated(CmigLint *lint, Node *statement);

#endif							/* CMIG_LINT_USES_H */
