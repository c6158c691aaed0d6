/*
 * workload.h
 *	  What src/workload provides to other folders.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_WORKLOAD_H
#define CMIG_WORKLOAD_H

#include "move/move.h"
#include "versions/versions.h"

/* in workload.c */

/* Register cmig.workload_factor. */
extern void cmig_workload_init(void);

/* in workload_policy.c */

/* Register cmig.workload_policy and cmig.workload_min_calls. */
extern void cmig_workload_policy_init(void);

/*
 * Call this before the first step of a plan.  If queries of the application
 * break, raises MG024 or a warning, depending on the policy.
 */
extern void cmig_workload_policy_enforce(const CmigSituation *now, const CmigPlan *plan,
										 CmigBeforeUpgrade kind);

/* See cmig_expansion_find_calls. */
extern CmigOldCalls cmig_workload_old_calls(const CmigSituation *now, const CmigPlan *plan,
											const CmigExpansion *expansion);

#endif							/* CMIG_WORKLOAD_H */
