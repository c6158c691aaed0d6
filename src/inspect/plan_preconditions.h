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
 * Raises MG017 if a precondition is not true. The error lists all failures. A
 * precondition that an earlier step might make true is not checked until its
 * step starts.
 */
extern void cmig_plan_preconditions_check(const CmigSituation *now, const CmigPlan *plan);

#endif							/* CMIG_PLAN_PRECONDITIONS_H */
