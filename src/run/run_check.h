/*
 * run_check.h
 *	  Checks, before a step runs, that its statements can run.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_RUN_CHECK_H
#define CMIG_RUN_CHECK_H

#include "postgres.h"
#include "nodes/parsenodes.h"
#include "run/script_run.h"

/*
 * Raises an error if the step contains transaction control, COPY from or to the
 * client, DISCARD ALL, or a statement that must run at top level, or if the
 * revision is nontransactional and cmig.concurrent_ddl is on.  In steps with
 * top_level set, statements that must run at top level and nontransactional
 * revisions are allowed.  Errors name the revision, the statement, and its
 * line.  Nothing is executed.
 */
extern void cmig_run_check_step(const CmigRunStep *step);

/*
 * Raises an error if the statement cannot run in this step.  Otherwise returns
 * the parse tree to run, which is a modified copy if CONCURRENTLY was removed.
 */
extern RawStmt *cmig_run_check_statement(const CmigRunStep *step, RawStmt *raw);

#endif							/* CMIG_RUN_CHECK_H */
