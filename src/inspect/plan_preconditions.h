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
 * Check the preconditions of a plan's steps.  If any of them is not met, raises
 * MG017 with a list of those that are not met.  If an earlier step might make a
 * precondition true, the precondition is not checked until its own step starts.
 */
extern void cmig_plan_preconditions_check(const CmigSituation *now, const CmigPlan *plan);

#endif							/* CMIG_PLAN_PRECONDITIONS_H */
