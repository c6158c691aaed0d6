/*
 * diff_run.h
 *	  The differences between the live schema and the one that a script
 *	  creates.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_DIFF_RUN_H
#define CMIG_DIFF_RUN_H

#include "postgres.h"
#include "schema/compare.h"
#include "schema/diff_line.h"
#include "schema/managed.h"
#include "schema/replay.h"

/*
 * Find what changes the managed schemas into those that target_sql creates, a
 * List of CmigDiffLine *.  Errors name the function ("cmig.diff").  Raises
 * 22004 if target_sql is NULL, and what cmig_shadow_run() and target_sql
 * raise.
 */
extern List *cmig_diff_run(const CmigManaged *managed, const char *target_sql,
						   const CmigDiffOptions *options, const char *function);

/*
 * The same, starting from the schema that the revisions create, so that the
 * database need not be up to date.  Raises MG014, too.
 */
extern List *cmig_diff_run_replay(const CmigReplayPlan *plan, const CmigManaged *managed,
								  const char *target_sql, const CmigDiffOptions *options,
								  const char *function);

/*
 * The same for the schemas that two sets of revisions create.
 */
extern List *cmig_diff_run_between(const CmigReplayPlan *from, const CmigReplayPlan *to,
								   const CmigManaged *managed, const CmigDiffOptions *options,
								   const char *function);

#endif							/* CMIG_DIFF_RUN_H */
