/*
 * lint_apply.h
 *	  Updates the lint state after a statement, so that later statements are
 *	  checked against the new state.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_LINT_APPLY_H
#define CMIG_LINT_APPLY_H

#include "postgres.h"
#include "lint/lint_rule.h"

/* Update the lint state after a statement has been checked. */
extern void cmig_lint_apply(CmigLint *lint, Node *statement);

#endif							/* CMIG_LINT_APPLY_H */
