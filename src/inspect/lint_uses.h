/*
 * lint_uses.h
 *	  Which relations queries read and write.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_LINT_USES_H
#define CMIG_LINT_USES_H

#include "postgres.h"
#include "inspect/lint_rule.h"

/*
 * The names of relations in a SELECT, INSERT, UPDATE, DELETE, MERGE, or COPY, or
 * in the query of CREATE TABLE AS, without those that WITH defines: a List of
 * RangeVar *.  NIL for other statements.
 */
extern List *cmig_lint_uses_of(Node *statement);

/* Does the statement read or write a relation that existed before the plan? */
extern bool cmig_lint_uses_shared(CmigLint *lint, Node *statement);

/* The tables that it updates: a List of CmigLintTable *. */
extern List *cmig_lint_uses_updated(CmigLint *lint, Node *statement);

#endif							/* CMIG_LINT_USES_H */
