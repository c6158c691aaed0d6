/*
 * lint_type_change.h
 *	  What a change of a column's type does to its table.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_LINT_TYPE_CHANGE_H
#define CMIG_LINT_TYPE_CHANGE_H

#include "postgres.h"
#include "inspect/lint_rule.h"

/* What a change of a column's type does to the table. */
typedef enum CmigLintChange
{
	CMIG_LINT_CHANGE_NOTHING,
	CMIG_LINT_CHANGE_REWRITE,
	CMIG_LINT_CHANGE_SCAN,		/* CHECK constraints are tested again */
	CMIG_LINT_CHANGE_INDEX		/* indexes are built again */
} CmigLintChange;

extern CmigLintChange cmig_lint_type_change(CmigLint *lint, CmigLintTable *table,
											const CmigLintColumn *column, const ColumnDef *to);

#endif							/* CMIG_LINT_TYPE_CHANGE_H */
