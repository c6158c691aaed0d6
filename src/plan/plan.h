/*
 * plan.h
 *	  What src/plan provides to other folders.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_PLAN_H
#define CMIG_PLAN_H

#include "lint/lint.h"
#include "move/move.h"
#include "schema/schema.h"
#include "versions/versions.h"

/* in dry_run.c */

/*
 * Check the preconditions of a plan's steps.  If any of them is not met, raises
 * MG017 with a list of those that are not met.  If an earlier step might make a
 * precondition true, the precondition is not checked until its own step starts.
 */
extern void cmig_plan_preconditions_check(const CmigSituation *now, const CmigPlan *plan);

/* Plan an upgrade to the targets, or a downgrade, which must have one target. */
extern CmigPlan *cmig_plan_make(const CmigSituation *now, CmigDirection direction,
								const CmigNames *targets);

/* Register cmig.dry_run_timeout, and install the hooks. */
extern void cmig_dry_run_init(void);

/*
 * cmig.dry_run_timeout, in milliseconds; 0 means no limit.  If "guard" is not
 * NULL, the value that applies to this setting.
 */
extern int	cmig_dry_run_limit(const char *guard);

/* in lint.c */

/* The values of cmig.lint_policy and cmig.workload_policy. */
typedef enum CmigGate
{
	CMIG_GATE_OFF,
	CMIG_GATE_WARN,
	CMIG_GATE_ERROR
} CmigGate;

extern const struct config_enum_entry cmig_gate_options[];

/* Register cmig.lint_include, cmig.lint_ignore, and cmig.lint_policy. */
extern void cmig_lint_init(void);

/*
 * Call this before the first step of a plan.  If cmig.lint finds errors in the
 * plan, raises MG023 or a warning, depending on the policy.
 */
extern void cmig_lint_policy_enforce(const CmigSituation *now, const CmigPlan *plan, bool rehearse);

/* Do errors found by cmig.lint stop an upgrade? */
extern bool cmig_lint_policy_is_error(void);

/*
 * Check a plan's scripts against the live database, and count what lint finds,
 * without syntax errors and empty downgrades.  If "enforces" is true, use the
 * rule settings that apply to cmig.lint_policy.  If "rehearse" is true, the
 * scripts run on copies.
 */
extern void cmig_lint_policy_count(const CmigSituation *now, const CmigPlan *plan, bool enforces,
								   bool rehearse, int *errors, int *warnings);

/* in lint_rehearse.c */

/* Returns which revision of the plan is partially applied, as text, or NULL. */
extern char *cmig_plan_begun(const CmigSituation *now, const CmigPlan *plan);

/* Rehearse the plan's steps; see cmig_effects_read() and, for "guard", cmig_dry_run_limit(). */
extern CmigEffects *cmig_plan_rehearse(const CmigGraph *graph, const CmigPlan *plan,
									   CmigStepTexts *texts, bool certain,
									   const char *caller, const char *guard,
									   const CmigEffectsLook *look);

#endif							/* CMIG_PLAN_H */
