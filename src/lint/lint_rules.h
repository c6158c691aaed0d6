/*
 * lint_rules.h
 *	  Lists all cmig.lint rules.
 *
 * Each topic has its own module with an array of rules.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_LINT_RULES_H
#define CMIG_LINT_RULES_H

#include "postgres.h"
#include "lint/lint_rule.h"

/* Arrays of rules.  An entry without a name ends each array. */
/* in lint_columns.c */
extern const CmigLintRule cmig_lint_columns[];

/* in lint_column_types.c */
extern const CmigLintRule cmig_lint_column_types[];

/* in lint_constraints.c */
extern const CmigLintRule cmig_lint_constraints[];

/* in lint_foreign_keys.c */
extern const CmigLintRule cmig_lint_foreign_keys[];

/* in lint_domains.c */
extern const CmigLintRule cmig_lint_domains[];

/* in lint_dependents.c */
extern const CmigLintRule cmig_lint_dependents[];

/* in lint_enums.c */
extern const CmigLintRule cmig_lint_enums[];

/* in lint_names.c */
extern const CmigLintRule cmig_lint_names[];

/* in lint_indexes.c */
extern const CmigLintRule cmig_lint_indexes[];

/*
 * If the statement contains CONCURRENTLY and fails because of this, returns the
 * partitioned table or index that is the reason.  Otherwise, returns NULL.
 */
extern CmigLintTable *cmig_lint_indexes_refuse_concurrently(CmigLint *lint, Node *node);

/* in lint_replaced.c */
extern const CmigLintRule cmig_lint_replaced[];

/* in lint_tables.c */
extern const CmigLintRule cmig_lint_tables[];

/* in lint_partitions.c */
extern const CmigLintRule cmig_lint_partitions[];

/* in lint_distribution.c */
extern const CmigLintRule cmig_lint_distribution[];

/* in lint_transactions.c */
extern const CmigLintRule cmig_lint_transactions[];

/* Rules whose findings are reported by lint_run.c itself. */
extern const CmigLintRule cmig_lint_rules_syntax_error;
extern const CmigLintRule cmig_lint_rules_unused_ignore;

/* cmig_lint_rules_each() calls the callback for each rule. */
typedef void (*CmigLintRuleCallback) (const CmigLintRule *rule, void *arg);
extern void cmig_lint_rules_each(CmigLintRuleCallback callback, void *arg);

/* Is there a rule with this name? */
extern bool cmig_lint_rules_exists(const char *name);

#endif							/* CMIG_LINT_RULES_H */
