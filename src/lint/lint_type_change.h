/*
 * lint_type_change.h
 *	  Determines how a column type change affects the table.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_LINT_TYPE_CHANGE_H
#define CMIG_LINT_TYPE_CHANGE_H

#include "postgres.h"
#include "lint/lint_rule.h"

/* The effect of a column type change on the table. */
typedef enum CmigLintChange
{
	CMIG_LINT_CHANGE_NOTHING,
	CMIG_LINT_CHANGE_REWRITE,
	CMIG_LINT_CHANGE_SCAN,		/* scans the table to recheck CHECK
								 * constraints */
	CMIG_LINT_CHANGE_INDEX		/* rebuilds indexes */
} CmigLintChange;

/* Returns the effect of changing a column's type to the type in "to". */
extern CmigLintChange cmig_lint_type_change(CmigLint *lint, CmigLintTable *table,
											const CmigLintColumn *column, const ColumnDef *to);

#endif							/* CMIG_LINT_TYPE_CHANGE_H */
