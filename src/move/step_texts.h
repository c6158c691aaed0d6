/*
 * step_texts.h
 *	  The scripts of a plan's steps, read a few at a time.
 *
 * The scripts of a long plan take no more memory than those of a short one.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_STEP_TEXTS_H
#define CMIG_STEP_TEXTS_H

#include "postgres.h"
#include "base/compat.h"
#include "graph/graph.h"
#include "graph/plan.h"
#include "run/runner.h"

/* The scripts of a plan. */
typedef struct CmigStepTexts CmigStepTexts;

/* Allocated in the current memory context; graph and plan must outlive it. */
extern CmigStepTexts *cmig_step_texts_make(const CmigGraph *graph, const CmigPlan *plan);

/*
 * The scripts of a step of the plan, valid until those of another step are
 * requested.  Raises MG006 if it has no downgrade script and 55000 if the
 * revision was deleted.
 */
extern const CmigRunStep *cmig_step_texts_get(CmigStepTexts *texts, int number);

/*
 * Read the small scripts of a long plan all at once and keep them.  This takes
 * a few megabytes, but one scan of the table is cheaper than many lookups.
 */
extern void cmig_step_texts_read_small(CmigStepTexts *texts);

/* The scripts of one step, not cached, in the current memory context. */
extern CmigRunStep *cmig_step_texts_fetch(const CmigGraph *graph, const CmigPlan *plan, int node);

/* Raise 55000: the row of a revision was deleted. */
pg_noreturn extern void cmig_step_texts_deleted(const char *id);

#endif							/* CMIG_STEP_TEXTS_H */
