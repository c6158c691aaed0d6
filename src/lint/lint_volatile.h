/*
 * lint_volatile.h
 *	  Finds volatile functions in a script's expressions.
 *
 * Functions are looked up in the catalogs but never called.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_LINT_VOLATILE_H
#define CMIG_LINT_VOLATILE_H

#include "postgres.h"
#include "lint/lint_rule.h"

/*
 * Returns the name of a volatile function called in an expression, or NULL if
 * there is none.
 */
extern const char *cmig_lint_volatile_function(CmigLint *lint, Node *expression);

#endif							/* CMIG_LINT_VOLATILE_H */
