/*
 * plan_checksum.h
 *	  Computes and checks a plan's checksum, which covers the plan's revisions,
 *	  their order, and their texts.
 *
 * The first 32 hexadecimal digits of a checksum cover the whole plan.  They
 * are followed by a hyphen and by six digits for each of the first 100 steps,
 * so that an error can say which steps have changed.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_PLAN_CHECKSUM_H
#define CMIG_PLAN_CHECKSUM_H

#include "postgres.h"
#include "fmgr.h"
#include "graph/plan.h"
#include "move/move.h"
#include "move/step_texts.h"

/*
 * Returns a plan's checksum.  A revision without a downgrade script is not an
 * error.
 */
extern char *cmig_plan_checksum(const CmigSituation *now, const CmigPlan *plan, CmigStepTexts *texts);

/*
 * Returns plan_checksum, which is argument n of the SQL call.  Raises error
 * 22023 if it is null or not a checksum.  "hint" is the hint for a string that
 * is not a checksum; if "hint" is NULL, a default hint shows how to get a
 * checksum.
 */
extern char *cmig_plan_checksum_argument(FunctionCallInfo fcinfo, int n, const char *hint);

/*
 * The scripts to which a run is restricted because the caller has passed a
 * checksum.  A NULL pointer means that there is no restriction.
 */
typedef struct CmigAllowedTexts CmigAllowedTexts;

/*
 * Raises error MG016, with a detail that says what has changed, unless the
 * plan has the given checksum.  Returns the scripts that the checksum covers,
 * allocated in the current memory context, or NULL if "checksum" is NULL.
 */
extern CmigAllowedTexts *cmig_plan_checksum_require(const char *checksum, const CmigSituation *now,
													const CmigPlan *plan);

/*
 * Raises error MG016 if the texts of step i (counted from 0) have changed
 * since the checksum was checked.
 */
extern void cmig_plan_checksum_require_step(const CmigAllowedTexts *allowed, int i,
											const CmigRunStep *step);

#endif							/* CMIG_PLAN_CHECKSUM_H */
