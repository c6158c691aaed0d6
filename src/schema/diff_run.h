/*
 * diff_run.h
 *	  Compares the live schema with the one that a script creates.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_DIFF_RUN_H
#define CMIG_DIFF_RUN_H

#include "postgres.h"
#include "compare/compare.h"
#include "schema/diff_line.h"
#include "schema/replay.h"
#include "shadow/managed.h"

/*
 * Returns a List of CmigDiffLine *: the statements that change the managed
 * schemas into those that target_sql creates.  "function" is used in error
 * messages, for example "cmig.diff()".  Raises error 22004 if target_sql is
 * NULL, the errors of cmig_shadow_run(), and any error raised by target_sql.
 */
extern List *cmig_diff_run(const CmigManaged *managed, const char *target_sql,
						   const CmigDiffOptions *options, const char *function);

/*
 * Like cmig_diff_run(), but starts from the schema that the revisions create,
 * so that the database need not be up to date.  Also raises error MG014 if a
 * script cannot be replayed.
 */
extern List *cmig_diff_run_replay(const CmigReplayPlan *plan, const CmigManaged *managed,
								  const char *target_sql, const CmigDiffOptions *options,
								  const char *function);

/*
 * Like cmig_diff_run(), but compares the schemas that two sets of revisions
 * create.
 */
extern List *cmig_diff_run_between(const CmigReplayPlan *from, const CmigReplayPlan *to,
								   const CmigManaged *managed, const CmigDiffOptions *options,
								   const char *function);

#endif							/* CMIG_DIFF_RUN_H */
