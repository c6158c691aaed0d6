/*
 * plan_checksum.h
 *	  Computes and checks a plan's checksum, which covers the plan's
 *	  revisions, their order, and their texts.
 *
 * The first 32 hexadecimal digits of a checksum cover the whole plan.  They are
 * followed by a hyphen and by six digits for each of the first steps, so that
 * an error can say which steps have changed.
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

/* Returns a plan's checksum.  A missing downgrade script is not an error. */
extern char *cmig_plan_checksum(const CmigSituation *now, const CmigPlan *plan, CmigStepTexts *texts);

/*
 * Returns the argument plan_checksum.  Raises 22023 if the argument is null or
 * not a checksum.  "hint" is the hint for a string that is not a checksum; if
 * "hint" is NULL, the default hint shows how to get a checksum.
 */
extern char *cmig_plan_checksum_argument(FunctionCallInfo fcinfo, int n, const char *hint);

/*
 * The scripts that a run is restricted to.  A NULL pointer means that there is
 * no restriction.
 */
typedef struct CmigAllowedTexts CmigAllowedTexts;

/*
 * Raises MG016, with a DETAIL that says what has changed, unless the plan has
 * this checksum.  Returns the texts that the checksum covers, allocated in the
 * current memory context, or NULL if "checksum" is NULL.
 */
extern CmigAllowedTexts *cmig_plan_checksum_require(const char *checksum, const CmigSituation *now,
													const CmigPlan *plan);

/* Raises MG016 if the texts of step i (counted from 0) have changed. */
extern void cmig_plan_checksum_require_step(const CmigAllowedTexts *allowed, int i,
											const CmigRunStep *step);

#endif							/* CMIG_PLAN_CHECKSUM_H */
