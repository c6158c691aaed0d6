/*
 * lint_volatile.h
 *	  Volatile functions in expressions of a script.
 *
 * Functions are looked up in the catalogs, and none is called.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_LINT_VOLATILE_H
#define CMIG_LINT_VOLATILE_H

#include "postgres.h"
#include "inspect/lint_rule.h"

/* The name of a volatile function in an expression, or NULL. */
extern const char *cmig_lint_volatile_function(CmigLint *lint, Node *expression);

#endif							/* CMIG_LINT_VOLATILE_H */
