/*
 * step_texts.h
 *	  The scripts of a plan's steps, read some at a time.
 *
 * A long plan takes no more memory for them than a short one.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_STEP_TEXTS_H
#define CMIG_STEP_TEXTS_H

#include "postgres.h"
#include "graph/graph.h"
#include "graph/plan.h"
#include "run/runner.h"

typedef struct CmigStepTexts CmigStepTexts;

/* It lives in the current memory context; graph and plan must outlive it. */
extern CmigStepTexts *cmig_step_texts_make(const CmigGraph *graph, const CmigPlan *plan);

/*
 * The texts of a step of the plan.  Raises MG006 if it has no way down and
 * 55000 if the revision is gone.  Valid until those of another step are asked
 * for.
 */
extern const CmigRunStep *cmig_step_texts_get(CmigStepTexts *texts, int number);

/*
 * Read the small texts of a long plan at once and keep them: takes a few
 * megabytes, but one scan of the table is cheaper than many lookups.
 */
extern void cmig_step_texts_read_small(CmigStepTexts *texts);

/* The texts of one step without a cache, in the current memory context. */
extern CmigRunStep *cmig_step_texts_fetch(const CmigGraph *graph, const CmigPlan *plan, int node);

/* Raise 55000: the row of a revision is gone. */
extern void cmig_step_texts_deleted(const char *id) pg_attribute_noreturn();

#endif							/* CMIG_STEP_TEXTS_H */
