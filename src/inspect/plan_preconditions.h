/*
 * plan_preconditions.h
 *	  The preconditions of a plan, checked before anything runs.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_PLAN_PRECONDITIONS_H
#define CMIG_PLAN_PRECONDITIONS_H

#include "postgres.h"
#include "move/move.h"

/*
 * Raise MG017, and name each failure, if a precondition is not true.  A
 * precondition that an earlier step may make true is checked when its step
 * starts.
 */
extern void cmig_plan_preconditions_check(const CmigSituation *now, const CmigPlan *plan);

#endif							/* CMIG_PLAN_PRECONDITIONS_H */
