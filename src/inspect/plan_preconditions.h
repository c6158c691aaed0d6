/*
 * plan_preconditions.h
 *	  Checks a plan's preconditions before any step runs.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_PLAN_PRECONDITIONS_H
#define CMIG_PLAN_PRECONDITIONS_H

#include "postgres.h"
#include "move/move.h"

/*
 * Raises MG017, which names each failure, if a precondition is not true. A
 * precondition that an earlier step may make true is not checked until its step
 * starts.
 */
extern void cmig_plan_preconditions_check(const CmigSituation *now, const CmigPlan *plan);

#endif							/* CMIG_PLAN_PRECONDITIONS_H */
