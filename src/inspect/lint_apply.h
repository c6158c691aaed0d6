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

/* Apply a statement that has been examined to the state. */
extern void cmig_lint_apply(CmigLint *lint, Node *statement);

#endif							/* CMIG_LINT_APPLY_H */
