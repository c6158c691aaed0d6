/*
 * lint_run.h
 *	  Applies all rules to the statements of scripts.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_LINT_RUN_H
#define CMIG_LINT_RUN_H

#include "postgres.h"
#include "inspect/lint_rule.h"

/* Register cmig.lint_include and cmig.lint_ignore. */
extern void cmig_lint_run_init(void);

/*
 * Start a call in the current memory context, for the live database or as if
 * it were empty.  enforces: for cmig.lint_policy.
 */
extern CmigLint *cmig_lint_run_begin(bool reads_facts, bool enforces);

/* Examine the next script; revision is NULL for cmig.lint_sql. */
extern void cmig_lint_run_script(CmigLint *lint, const char *revision, const char *script,
								 bool transactional);

/*
 * To be called after the last script. Then the result is in lint->findings,
 * except for findings that are marked as dropped.
 */
extern void cmig_lint_run_end(CmigLint *lint);

#endif							/* CMIG_LINT_RUN_H */
