/*
 * require.c
 *	  Implements cmig.plan, cmig.resolve, and cmig.require, which show what
 *	  an upgrade or downgrade would do.
 *
 * Targets are resolved and plans are created by the same functions as in
 * cmig.upgrade and cmig.downgrade.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "commands/dbcommands.h"
#include "fmgr.h"
#include "funcapi.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "base/argument.h"
#include "base/citus.h"
#include "base/compat.h"
#include "base/errors.h"
#include "base/result.h"
#include "graph/graph.h"
#include "graph/plan.h"
#include "graph/target.h"
#include "inspect/script_locks.h"
#include "move/move.h"
#include "move/plan_checksum.h"
#include "move/step_texts.h"
#include "move/pending.h"
#include "tables/catalog.h"
#include "tables/wrong_call.h"

PG_FUNCTION_INFO_V1(cmig_plan);
PG_FUNCTION_INFO_V1(cmig_plan_array);
PG_FUNCTION_INFO_V1(cmig_resolve);
PG_FUNCTION_INFO_V1(cmig_require);
PG_FUNCTION_INFO_V1(cmig_plan_wrong);
PG_FUNCTION_INFO_V1(cmig_plan_wrong_target);
PG_FUNCTION_INFO_V1(cmig_resolve_wrong);
PG_FUNCTION_INFO_V1(cmig_require_wrong);

/*
 * Returns a description of the locks that a step would take, or NULL if the
 * step cannot be run.
 */
static char *
step_locks(CmigStepTexts *texts, const CmigRevision *revision, CmigDirection direction, int i,
		   CmigPlannedLocks *planned)
{
	if (direction == CMIG_DOWNGRADE && revision->irreversible)
		return NULL;
	return cmig_script_locks(planned, cmig_step_texts_get(texts, i)->sql);
}

/*
 * Returns the plan that leads to the targets.  If the plan is empty, reports
 * that there is nothing to do.
 */
static CmigPlan *
make_plan(CmigSituation *now, CmigDirection direction, const CmigNames *targets)
{
	CmigPlan   *plan;
	CmigDowngradeTarget *resolved;

	if (direction == CMIG_UPGRADE)
		plan = cmig_move_plan_upgrade(now, targets);
	else if (targets->count == 1)
		plan = cmig_move_plan_downgrade(now, targets->names[0], &resolved);
	else
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a downgrade must have exactly one target"),
				 errhint("Downgrade one branch at a time, for example to label@base.")));
	if (plan->count == 0)
		cmig_move_report_nothing(now->graph, now->applied->rows, cmig_direction_name(direction));
	return plan;
}

/* Return the steps of a plan as rows. */
static Datum
plan_rows(FunctionCallInfo fcinfo, const CmigNames *targets)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	CmigDirection direction = cmig_argument_direction(fcinfo, 0, "SELECT * FROM cmig.plan");
	CmigSituation now;
	CmigPlan   *plan;
	CmigStepTexts *texts;
	CmigPlannedLocks *planned;
	char	   *checksum;
	MemoryContext context;
	MemoryContext old;

	InitMaterializedSRF(fcinfo, 0);
	now = cmig_move_read(true);
	plan = make_plan(&now, direction, targets);
	texts = cmig_step_texts_make(now.graph, plan);
	checksum = cmig_plan_checksum(&now, plan, texts);
	planned = cmig_planned_locks_start();
	context = AllocSetContextCreate(CurrentMemoryContext, "pg_cmig plan row",
									ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(context);
	for (int i = 0; i < plan->count; i++)
	{
		const CmigRevision *revision = now.graph->nodes[plan->steps[i].node].revision;
		const char *locks = step_locks(texts, revision, direction, i, planned);
		Datum		values[9];
		bool		nulls[9] = {0};

		values[0] = Int32GetDatum(i + 1);
		values[1] = CStringGetTextDatum(revision->id);
		values[2] = cmig_catalog_names_datum(&revision->parents);
		nulls[2] = revision->repeatable;
		values[3] = BoolGetDatum(revision->transactional);
		values[4] = BoolGetDatum(revision->irreversible);
		values[5] = (Datum) 0;
		if (revision->created_by)
			values[5] = DirectFunctionCall1(namein, CStringGetDatum(revision->created_by));
		else
			nulls[5] = true;
		values[6] = CStringGetTextDatum(revision->message);
		values[7] = locks != NULL ? CStringGetTextDatum(locks) : (Datum) 0;
		nulls[7] = locks == NULL;
		values[8] = CStringGetTextDatum(checksum);
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
		MemoryContextReset(context);
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	return (Datum) 0;
}

Datum
cmig_plan(PG_FUNCTION_ARGS)
{
	CmigNames  *target = cmig_argument_target(fcinfo, 1);

	if (target->names[0] == NULL)
	{
		if (cmig_argument_direction(fcinfo, 0, "SELECT * FROM cmig.plan") == CMIG_DOWNGRADE)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("a downgrade requires a target"),
					 errhint("SELECT * FROM cmig.plan('downgrade', '-1')")));
		target->names[0] = "head";
	}
	return plan_rows(fcinfo, target);
}

Datum
cmig_plan_array(PG_FUNCTION_ARGS)
{
	return plan_rows(fcinfo, cmig_argument_revisions(fcinfo, 1));
}

Datum
cmig_resolve(PG_FUNCTION_ARGS)
{
	CmigSituation now;
	ListCell   *lc;

	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
	now = cmig_move_read(false);
	foreach(lc, cmig_target_absolute(now.graph, cmig_argument_text(fcinfo, 0)))
	{
		cmig_result_add_text(fcinfo, cmig_graph_id(now.graph, lfirst_int(lc)));
	}
	return (Datum) 0;
}

Datum
cmig_require(PG_FUNCTION_ARGS)
{
	char	   *target = cmig_argument_text(fcinfo, 0);
	CmigSituation now;
	List	   *nodes;

	cmig_citus_require_coordinator("cmig.require");
	now = cmig_move_read(true);
	nodes = cmig_target_absolute(now.graph, target);
	cmig_applied_require_known(now.graph, now.applied);
	cmig_applied_require_sound(now.graph, now.applied, true);
	if (now.graph->count == 0 && strcmp(target, "base") != 0)
		ereport(ERROR,
				(errcode(ERRCODE_CMIG_NOT_UP_TO_DATE),
				 errmsg("target database is not up to date"),
				 errdetail("No revision is loaded in database \"%s\".",
						   get_database_name(MyDatabaseId)),
				 errhint("Load the revision files with cmig.load, then SELECT * FROM cmig.upgrade(%s)",
						 quote_literal_cstr(target))));
	cmig_pending_require(&now, nodes, target);
	PG_RETURN_VOID();
}

Datum
cmig_plan_wrong(PG_FUNCTION_ARGS)
{
	cmig_wrong_call(fcinfo, 0, PG_NARGS() - 1, "SELECT * FROM cmig.plan('upgrade', ", CMIG_SEVERAL_NONE);
}

Datum
cmig_plan_wrong_target(PG_FUNCTION_ARGS)
{
	bool		down = cmig_argument_direction(fcinfo, 0, "SELECT * FROM cmig.plan") == CMIG_DOWNGRADE;

	cmig_wrong_call(fcinfo, 1, PG_NARGS() - 1,
					down ? "SELECT * FROM cmig.plan('downgrade', " : "SELECT * FROM cmig.plan('upgrade', ",
					down ? CMIG_SEVERAL_NONE : CMIG_SEVERAL_ARRAY);
}

Datum
cmig_resolve_wrong(PG_FUNCTION_ARGS)
{
	cmig_wrong_call(fcinfo, 0, PG_NARGS() - 1, "SELECT * FROM cmig.resolve(", CMIG_SEVERAL_NONE);
}

Datum
cmig_require_wrong(PG_FUNCTION_ARGS)
{
	cmig_wrong_call(fcinfo, 0, PG_NARGS() - 1, "SELECT cmig.require(", CMIG_SEVERAL_NONE);
}
