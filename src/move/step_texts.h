/*
 * step_texts.h
 *	  Reads the scripts of a plan's steps, a few at a time.
 *
 * Therefore, the scripts of a long plan need no more memory than those of a
 * short plan.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_STEP_TEXTS_H
#define CMIG_STEP_TEXTS_H

#include "postgres.h"
#include "base/compat.h"
#include "graph/graph.h"
#include "graph/plan.h"
#include "run/script_run.h"

/* Provides the scripts of a plan's steps. */
typedef struct CmigStepTexts CmigStepTexts;

/*
 * Prepare to read a plan's scripts.  The result is allocated in the current
 * memory context; "graph" and "plan" must outlive it.
 */
extern CmigStepTexts *cmig_step_texts_make(const CmigGraph *graph, const CmigPlan *plan);

/*
 * Returns the scripts of the step with this number.  The result is valid until
 * the scripts of another step are requested.  Raises error MG006 if the step
 * has no downgrade script, and 55000 if the revision has been deleted.
 */
extern const CmigRunStep *cmig_step_texts_get(CmigStepTexts *texts, int number);

/*
 * For a long plan, read all small scripts at once and keep them.  This takes a
 * few megabytes, but a single table scan is cheaper than many lookups.
 */
extern void cmig_step_texts_read_small(CmigStepTexts *texts);

/*
 * Returns the scripts of the step for this node, allocated in the current
 * memory context.  The scripts are read without a cache.
 */
extern CmigRunStep *cmig_step_texts_fetch(const CmigGraph *graph, const CmigPlan *plan, int node);

/* Raise error 55000 because the row of the revision "id" has been deleted. */
pg_noreturn extern void cmig_step_texts_deleted(const char *id);

#endif							/* CMIG_STEP_TEXTS_H */
