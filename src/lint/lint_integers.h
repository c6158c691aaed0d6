/*
 * lint_integers.h
 *	  Finds integer columns that do not need a larger type.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_LINT_INTEGERS_H
#define CMIG_LINT_INTEGERS_H

#include "postgres.h"
#include "lint/lint_rule.h"
#include "nodes/parsenodes.h"

/*
 * Can an integer column in CREATE TABLE or ALTER TABLE keep its type?  It can
 * if a CHECK constraint compares the column with a constant, because such a
 * column contains a quantity rather than generated ids.  It also can if the
 * column references a column whose type is not larger.  "constraints" is a List
 * of Constraint * with the statement's table constraints.
 */
extern bool cmig_lint_integers_suffice(CmigLint *lint, const ColumnDef *column,
									   const char *name, List *constraints);

#endif							/* CMIG_LINT_INTEGERS_H */
