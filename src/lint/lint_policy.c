/*
 * lint_policy.c
 *	  Implements cmig.lint_policy, which decides what an upgrade does if
 *	  cmig.lint finds errors.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/errors.h"
#include "base/listing.h"
#include "base/settings.h"
#include "lint/lint_policy.h"
#include "lint/lint_run.h"
#include "move/step_texts.h"

#include "utils/guc.h"
#include "utils/memutils.h"

/* The values of cmig.lint_policy. */
typedef enum Policy
{
	POLICY_OFF,
	POLICY_WARN,
	POLICY_ERROR
} Policy;

static int	lint_policy = POLICY_OFF;

static const struct config_enum_entry policies[] = {
	{"off", POLICY_OFF, false},
	{"warn", POLICY_WARN, false},
	{"error", POLICY_ERROR, false},
	{"false", POLICY_OFF, true},
	{NULL, 0, false}
};

void
cmig_lint_policy_init(void)
{
	/*
	 * cmig.lint_policy determines what an upgrade does if cmig.lint finds
	 * errors in its scripts.
	 */
	DefineCustomEnumVariable("cmig.lint_policy",
							 "Sets what an upgrade does if cmig.lint finds errors: off, warn, or error.",
							 NULL, &lint_policy, POLICY_OFF, policies, PGC_USERSET, 0, NULL, NULL, NULL);
}

/*
 * Are all revisions in the plan transactional, so that cmig.upgrade can run
 * the plan?
 */
static bool
is_one_transaction(const CmigSituation *now, const CmigPlan *plan)
{
	for (int i = 0; i < plan->count; i++)
	{
		if (!now->graph->nodes[plan->steps[i].node].revision->transactional)
			return false;
	}
	return true;
}

CmigLint *
cmig_lint_policy_examine(const CmigSituation *now, const CmigPlan *plan, bool enforces)
{
	CmigStepTexts *texts = cmig_step_texts_make(now->graph, plan);
	CmigLint   *lint = cmig_lint_run_begin(true, enforces);

	/*
	 * If the policy is enforced, the plan may belong to a stepwise run, which
	 * uses several transactions.
	 */
	lint->one_transaction = !enforces && is_one_transaction(now, plan);
	for (int i = 0; i < plan->count; i++)
	{
		const CmigRunStep *step = cmig_step_texts_get(texts, i);

		cmig_lint_run_script(lint, step->revision, step->sql, step->transactional);
	}
	cmig_lint_run_end(lint);
	return lint;
}

bool
cmig_lint_policy_is_error(void)
{
	return cmig_settings_guard_enum("cmig.lint_policy", lint_policy) == POLICY_ERROR;
}

void
cmig_lint_policy_enforce(const CmigSituation *now, const CmigPlan *plan)
{
	Policy		policy = cmig_settings_guard_enum("cmig.lint_policy", lint_policy);
	MemoryContext context;
	MemoryContext old;
	CmigLint   *lint;
	CmigListing detail;
	ListCell   *lc;

	if (policy == POLICY_OFF || plan->count == 0)
		return;
	context = AllocSetContextCreate(CurrentMemoryContext, "pg_cmig lint", ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(context);
	lint = cmig_lint_policy_examine(now, plan, true);
	cmig_listing_init(&detail, CMIG_LISTING_LINES);
	foreach(lc, lint->findings)
	{
		CmigLintFinding *finding = lfirst(lc);

		if (!finding->dropped && finding->rule->severity == CMIG_LINT_ERROR)
			cmig_listing_add_format(&detail, "%s, statement %d, line %d (%s): %s.", finding->revision,
									finding->statement, finding->line, finding->rule->name, finding->message);
	}
	if (detail.count > 0)
		ereport(policy == POLICY_ERROR ? ERROR : WARNING,
				(errcode(ERRCODE_CMIG_LINT),
				 errmsg_plural("lint finds %d error in the scripts of this upgrade",
							   "lint finds %d errors in the scripts of this upgrade", detail.count, detail.count),
				 errdetail_internal("%s", cmig_listing_text(&detail)),
				 errhint("To accept a finding, put a comment \"-- cmig:ignore rule\" before the statement. To see all findings and safer statements: SELECT * FROM cmig.lint(%s)",
						 plan->target ? plan->target : "'heads'")));
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
}
