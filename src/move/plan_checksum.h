/*
 * plan_checksum.h
 *	  The checksum of a plan: its revisions, their order, and their texts.
 *
 * A checksum has 32 hexadecimal digits that stand for the whole plan.  After a
 * hyphen, six more digits for each of the first steps show which of them have
 * changed.
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

/* The checksum of a plan.  A revision without downgrade script has no text. */
extern char *cmig_plan_checksum(const CmigSituation *now, const CmigPlan *plan, CmigStepTexts *texts);

/* The argument plan_checksum; raises 22023 if it is null or not a checksum. */
extern char *cmig_plan_checksum_argument(FunctionCallInfo fcinfo, int n);

/* The texts to which a run is restricted; NULL if there is no restriction. */
typedef struct CmigAllowedTexts CmigAllowedTexts;

/*
 * Raise MG016, and say what has changed, unless the plan has this checksum,
 * which may be NULL.  Returns the texts for which that holds, in the current
 * memory context, or NULL if checksum is.
 */
extern CmigAllowedTexts *cmig_plan_checksum_require(const char *checksum, const CmigSituation *now,
													const CmigPlan *plan);

/* Raise MG016 if step i, counted from 0, has other texts. */
extern void cmig_plan_checksum_require_step(const CmigAllowedTexts *allowed, int i,
											const CmigRunStep *step);

#endif							/* CMIG_PLAN_CHECKSUM_H */
