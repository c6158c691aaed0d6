/*
 * lint_policy.h
 *	  Implements cmig.lint_policy, which decides what an upgrade does if
 *	  cmig.lint finds errors.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_LINT_POLICY_H
#define CMIG_LINT_POLICY_H

#include "postgres.h"
#include "graph/plan.h"
#include "lint/lint_rule.h"
#include "move/move.h"

/* Register cmig.lint_policy. */
extern void cmig_lint_policy_init(void);

/*
 * Call this before the first step of a plan.  If cmig.lint finds errors in the
 * plan, raises MG023 or a warning, depending on the policy.
 */
extern void cmig_lint_policy_enforce(const CmigSituation *now, const CmigPlan *plan);

/* Do errors found by cmig.lint stop an upgrade? */
extern bool cmig_lint_policy_is_error(void);

/*
 * Check a plan's scripts against the live database.  If "enforces" is true, use
 * the rule settings that apply to cmig.lint_policy.
 */
extern CmigLint *cmig_lint_policy_examine(const CmigSituation *now, const CmigPlan *plan,
										  bool enforces);

#endif							/* CMIG_LINT_POLICY_H */
