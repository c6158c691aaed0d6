/*
 * lint_run.h
 *	  Applies the lint rules to the statements of scripts.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_LINT_RUN_H
#define CMIG_LINT_RUN_H

#include "postgres.h"
#include "lint/lint_rule.h"

/* Register cmig.lint_include and cmig.lint_ignore. */
extern void cmig_lint_run_init(void);

/*
 * Start a lint call in the current memory context.  If "reads_facts" is true,
 * relations and types are looked up in the live database.  If "enforces" is
 * true, the rule settings that apply to cmig.lint_policy are used.
 */
extern CmigLint *cmig_lint_run_begin(bool reads_facts, bool enforces);

/* Check the next script.  "revision" is NULL for cmig.lint_sql. */
extern void cmig_lint_run_script(CmigLint *lint, const char *revision, const char *script,
								 bool transactional);

/*
 * Call this after the last script.  The findings are then in lint->findings.
 * The caller must ignore findings whose field "dropped" is true.
 */
extern void cmig_lint_run_end(CmigLint *lint);

#endif							/* CMIG_LINT_RUN_H */
