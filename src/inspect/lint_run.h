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
 * Start a call, in the current memory context; read the live database's facts,
 * or act as if it were empty.
 */
extern CmigLint *cmig_lint_run_begin(bool reads_facts);

/* One script after another; revision is NULL for a text. */
extern void cmig_lint_run_script(CmigLint *lint, const char *revision, const char *script,
								 bool transactional);

/* After the last one: what is in lint->findings and is not dropped counts. */
extern void cmig_lint_run_end(CmigLint *lint);

#endif							/* CMIG_LINT_RUN_H */
