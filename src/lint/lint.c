/*
 * lint.c
 *	  Implements cmig.lint and cmig.lint_sql, which report what a script's
 *	  statements would do to a live database.
 *
 * These functions do not execute the statements and do not wait for locks.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "base/argument.h"
#include "base/compat.h"
#include "lint/lint_policy.h"
#include "lint/lint_run.h"
#include "move/move.h"
#include "tables/wrong_call.h"

PG_FUNCTION_INFO_V1(cmig_lint);
PG_FUNCTION_INFO_V1(cmig_lint_sql);
PG_FUNCTION_INFO_V1(cmig_lint_wrong);

/* Store a string, which may be NULL, in column number "i" of a row. */
static void
set_text(Datum *values, bool *nulls, int i, const char *text)
{
	nulls[i] = text == NULL;
	values[i] = text ? CStringGetTextDatum(text) : (Datum) 0;
}

/*
 * Return the findings as rows.  If "with_revision" is true, the first column
 * contains the revision.
 */
static void
return_findings(FunctionCallInfo fcinfo, CmigLint *lint, bool with_revision)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "pg_cmig lint row",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	ListCell   *lc;

	foreach(lc, lint->findings)
	{
		CmigLintFinding *finding = lfirst(lc);
		Datum		values[7];
		bool		nulls[7] = {0};
		int			i = 0;

		if (finding->dropped)
			continue;
		if (with_revision)
			set_text(values, nulls, i++, finding->revision);
		nulls[i] = finding->statement == 0;
		values[i++] = Int32GetDatum(finding->statement);
		nulls[i] = finding->line == 0;
		values[i++] = Int32GetDatum(finding->line);
		set_text(values, nulls, i++, finding->rule->name);
		set_text(values, nulls, i++, cmig_lint_severity_name(finding->rule->severity));
		set_text(values, nulls, i++, finding->message);
		set_text(values, nulls, i++, finding->fix);
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
		MemoryContextReset(context);
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
}

Datum
cmig_lint(PG_FUNCTION_ARGS)
{
	CmigNames  *targets = cmig_argument_target(fcinfo, 0);
	CmigSituation now;
	CmigLint   *lint;

	if (targets->names[0] == NULL)
		targets->names[0] = "heads";
	InitMaterializedSRF(fcinfo, 0);
	now = cmig_move_read(true);
	lint = cmig_lint_policy_examine(&now, cmig_move_plan_upgrade(&now, targets), false);
	return_findings(fcinfo, lint, true);
	return (Datum) 0;
}

Datum
cmig_lint_sql(PG_FUNCTION_ARGS)
{
	char	   *script = cmig_argument_text(fcinfo, 0);
	bool		transactional = cmig_argument_bool(fcinfo, 1, true);
	bool		facts = cmig_argument_bool(fcinfo, 2, true);
	CmigLint   *lint;

	cmig_argument_require(fcinfo, 0, "script", "SELECT * FROM cmig.lint_sql('<script>')");
	InitMaterializedSRF(fcinfo, 0);
	lint = cmig_lint_run_begin(facts, false);
	cmig_lint_run_script(lint, NULL, script, transactional);
	cmig_lint_run_end(lint);
	return_findings(fcinfo, lint, false);
	return (Datum) 0;
}

Datum
cmig_lint_wrong(PG_FUNCTION_ARGS)
{
	cmig_wrong_call(fcinfo, 0, PG_NARGS() - 1, "SELECT * FROM cmig.lint(", CMIG_SEVERAL_NONE);
}
