/*
 * lint_policy.h
 *	  What an upgrade does if cmig.lint finds errors (cmig.lint_policy).
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_LINT_POLICY_H
#define CMIG_LINT_POLICY_H

#include "postgres.h"
#include "graph/plan.h"
#include "inspect/lint_rule.h"
#include "move/move.h"

/* Register the setting. */
extern void cmig_lint_policy_init(void);

/*
 * Before the first step of a plan: raise MG023, or a warning, if cmig.lint finds
 * errors in it and the policy asks for that.
 */
extern void cmig_lint_policy_enforce(const CmigSituation *now, const CmigPlan *plan);

/* Does a finding of an error stop an upgrade? */
extern bool cmig_lint_policy_is_error(void);

/*
 * Examine the scripts of a plan, against the live database.  enforces: use the
 * rules that apply to cmig.lint_policy.
 */
extern CmigLint *cmig_lint_policy_examine(const CmigSituation *now, const CmigPlan *plan,
										  bool enforces);

#endif							/* CMIG_LINT_POLICY_H */
