/*
 * pg_cmig.c
 *	  Initialization, cmig.upgrade, cmig.downgrade, cmig.reset, cmig.stamp,
 *	  and the stepwise procedures.
 *
 * A run takes the run lock, reads the graph and the version rows, resolves the
 * target, plans the steps, runs their scripts, updates the version rows, and
 * writes the journal.  Each of the other SQL functions is in the folder for its
 * subject; doc/architecture.md tells how to find it.
 *
 * Everything runs with the caller's privileges and, except for the stepwise
 * procedures, in the caller's transaction.  All results are materialized, so
 * LIMIT cannot cut a run short.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "funcapi.h"
#include "tcop/pquery.h"
#include "utils/builtins.h"

#include "audit/audit.h"
#include "online/online.h"
#include "plan/plan.h"
#include "rls/rls.h"
#include "schema/schema.h"
#include "versions/versions.h"
#include "workload/workload.h"

PG_MODULE_MAGIC;

void		_PG_init(void);

PG_FUNCTION_INFO_V1(cmig_upgrade);
PG_FUNCTION_INFO_V1(cmig_upgrade_array);
PG_FUNCTION_INFO_V1(cmig_upgrade_steps);
PG_FUNCTION_INFO_V1(cmig_downgrade);
PG_FUNCTION_INFO_V1(cmig_upgrade_shown);
PG_FUNCTION_INFO_V1(cmig_upgrade_shown_array);
PG_FUNCTION_INFO_V1(cmig_downgrade_shown);
PG_FUNCTION_INFO_V1(cmig_downgrade_steps);
PG_FUNCTION_INFO_V1(cmig_reset);
PG_FUNCTION_INFO_V1(cmig_upgrade_stepwise);
PG_FUNCTION_INFO_V1(cmig_upgrade_stepwise_array);
PG_FUNCTION_INFO_V1(cmig_upgrade_stepwise_steps);
PG_FUNCTION_INFO_V1(cmig_downgrade_stepwise);
PG_FUNCTION_INFO_V1(cmig_downgrade_stepwise_steps);
PG_FUNCTION_INFO_V1(cmig_reset_stepwise);
PG_FUNCTION_INFO_V1(cmig_stamp);
PG_FUNCTION_INFO_V1(cmig_stamp_array);

/* Hook: the checks that precede the first step of an upgrade. */
static void
before_upgrade(const CmigSituation *now, const CmigPlan *plan, CmigBeforeUpgrade kind)
{
	if (kind != CMIG_BEFORE_CONTRACT)
		cmig_lint_policy_enforce(now, plan, kind != CMIG_BEFORE_RESET);
	cmig_workload_policy_enforce(now, plan, kind);
	if (kind != CMIG_BEFORE_RESET && kind != CMIG_BEFORE_CONTRACT)
		cmig_plan_preconditions_check(now, plan);
}

void
_PG_init(void)
{
	cmig_settings_init();
	cmig_runner_init();
	cmig_toplevel_init();
	cmig_added_init();
	cmig_restore_point_init();
	cmig_last_failure_init();
	cmig_log_run_init();
	cmig_rls_check_init();
	cmig_before_upgrade = before_upgrade;
	cmig_expansion_find_calls = cmig_workload_old_calls;
	cmig_stepwise_at_end = cmig_rls_gate;
	cmig_load_at_end = cmig_captured_loaded;
	cmig_downgrade_generate = cmig_generate_downgrade;
	cmig_ddl_exclude_check = cmig_exclude_check;
	cmig_audit_init();
	cmig_outside_init();
	cmig_versions_init();
	cmig_target_init();
	cmig_copied_init();
	cmig_diff_init();
	cmig_dry_run_init();
	cmig_ddl_allow_init();
	cmig_lint_init();
	cmig_workload_init();
	cmig_workload_policy_init();
	cmig_settings_loaded();
	MarkGUCPrefixReserved("cmig");
}

/*
 * The state for returning the steps of plans as rows.  A reset runs two plans.
 */
typedef struct StepRows
{
	ReturnSetInfo *result;
	int			number;			/* number of the last step returned so far */
} StepRows;

/* Callback: add a step to the result of the SQL function. */
static void
add_step_row(CmigDirection direction, const CmigRevision *revision, void *arg)
{
	StepRows   *rows = arg;
	Datum		values[4];
	bool		nulls[4] = {0};

	values[0] = Int32GetDatum(++rows->number);
	values[1] = CStringGetTextDatum(cmig_direction_name(direction));
	values[2] = CStringGetTextDatum(revision->id);
	values[3] = CStringGetTextDatum(revision->message);
	cmig_result_add(rows->result, lengthof(values), values, nulls);
}

/*
 * Run the plan, and add its steps to the result of the SQL function.  *number
 * is the number of the last step returned so far.
 */
static void
run_plan(FunctionCallInfo fcinfo, const CmigSituation *now, const CmigPlan *plan, int *number)
{
	StepRows	rows = {.result = (ReturnSetInfo *) fcinfo->resultinfo,.number = *number};
	CmigRunPlan run = {.now = now,.plan = plan,.report = add_step_row,.arg = &rows};

	run.begins = *number == 0;	/* false for the upgrade of a reset */
	cmig_run_plan(&run);
	*number = rows.number;
}

/*
 * Upgrade, downgrade, and reset
 */

/*
 * Implements all variants of cmig.upgrade.  If "checksum" is not NULL, the
 * upgrade fails unless the plan has this checksum.
 */
static Datum
upgrade(FunctionCallInfo fcinfo, const CmigNames *targets, const char *checksum)
{
	InitMaterializedSRF(fcinfo, 0);
	if (!cmig_pending_none("cmig.upgrade()", targets, checksum, false))
	{
		CmigSituation now;
		CmigPlan   *plan;
		int			number = 0;

		cmig_change_begin("cmig.upgrade()");
		now = cmig_move_read(true);
		plan = cmig_move_plan_upgrade(&now, targets);
		if (plan->count == 0)
			cmig_move_report_nothing(now.graph, now.applied->rows, "upgrade");
		cmig_plan_checksum_require(checksum, &now, plan);
		cmig_move_respect_expansion(&now, plan, false);
		run_plan(fcinfo, &now, plan, &number);
		cmig_active_settle();
	}
	cmig_rls_gate();
	cmig_audit_retain_after_upgrade();
	return (Datum) 0;
}

/*
 * Read the state of the database, plan a downgrade, and check that
 * cmig.protect allows it.  "to_base" is the name of the operation for
 * errors if the target is base.
 */
static CmigPlan *
plan_downgrade(CmigSituation *now, const char *target, const char *to_base)
{
	CmigPlan   *plan;
	CmigDowngradeTarget *resolved;
	bool		is_base;

	*now = cmig_move_read(true);
	plan = cmig_move_plan_downgrade(now, target, &resolved);
	is_base = resolved->node < 0;
	cmig_move_require_unprotected(now, plan, is_base, is_base ? to_base : "a downgrade", false);
	cmig_move_respect_expansion(now, plan, false);
	return plan;
}

/* Implements all variants of cmig.downgrade. */
static Datum
downgrade(FunctionCallInfo fcinfo, const char *target, const char *checksum)
{
	CmigSituation now;
	CmigPlan   *plan;
	int			number = 0;

	InitMaterializedSRF(fcinfo, 0);
	cmig_move_argument_require_target(target, "SELECT * FROM cmig.downgrade");
	cmig_change_begin("cmig.downgrade()");
	plan = plan_downgrade(&now, target, "a downgrade to base");
	if (plan->count == 0)
		cmig_move_report_nothing(now.graph, now.applied->rows, "downgrade");
	cmig_plan_checksum_require(checksum, &now, plan);
	run_plan(fcinfo, &now, plan, &number);
	return (Datum) 0;
}

Datum
cmig_upgrade(PG_FUNCTION_ARGS)
{
	return upgrade(fcinfo, cmig_argument_target(fcinfo, 0), NULL);
}

Datum
cmig_upgrade_array(PG_FUNCTION_ARGS)
{
	return upgrade(fcinfo, cmig_argument_revisions(fcinfo, 0), NULL);
}

/*
 * The hint for a call that passes a second revision where a checksum is
 * expected.
 */
#define SEVERAL_HINT \
	"To specify several revisions, pass an array: `SELECT * FROM cmig.upgrade(ARRAY['<revision>', '<revision>'])`"

/*
 * Returns the hint for a second argument that is not a checksum, or NULL if
 * there is no hint.  A short string is probably a second revision.
 */
static const char *
checksum_hint(const char *given)
{
	return given != NULL && given[0] != '\0' && strlen(given) <= 32 ? SEVERAL_HINT : NULL;
}

Datum
cmig_upgrade_shown(PG_FUNCTION_ARGS)
{
	return upgrade(fcinfo, cmig_argument_target(fcinfo, 0),
				   cmig_plan_checksum_argument(fcinfo, 1,
											   checksum_hint(cmig_argument_text(fcinfo, 1))));
}

Datum
cmig_upgrade_shown_array(PG_FUNCTION_ARGS)
{
	return upgrade(fcinfo, cmig_argument_revisions(fcinfo, 0),
				   cmig_plan_checksum_argument(fcinfo, 1, NULL));
}

Datum
cmig_upgrade_steps(PG_FUNCTION_ARGS)
{
	return upgrade(fcinfo, cmig_argument_one(cmig_move_argument_steps(fcinfo, CMIG_UPGRADE, false)),
				   NULL);
}

Datum
cmig_downgrade(PG_FUNCTION_ARGS)
{
	return downgrade(fcinfo, cmig_argument_text(fcinfo, 0), NULL);
}

Datum
cmig_downgrade_shown(PG_FUNCTION_ARGS)
{
	return downgrade(fcinfo, cmig_argument_text(fcinfo, 0),
					 cmig_plan_checksum_argument(fcinfo, 1,
												 "SELECT plan_checksum FROM cmig.plan('downgrade', '<revision>') LIMIT 1"));
}

Datum
cmig_downgrade_steps(PG_FUNCTION_ARGS)
{
	return downgrade(fcinfo, cmig_move_argument_steps(fcinfo, CMIG_DOWNGRADE, false), NULL);
}

Datum
cmig_reset(PG_FUNCTION_ARGS)
{
	CmigSituation now;
	CmigPlan   *plan;
	int			number = 0;

	InitMaterializedSRF(fcinfo, 0);
	cmig_move_argument_require_confirmation(fcinfo, "SELECT * FROM cmig.reset");
	cmig_change_begin("cmig.reset()");
	plan = plan_downgrade(&now, "base", "a reset");
	run_plan(fcinfo, &now, plan, &number);

	now = cmig_move_read(true);
	run_plan(fcinfo, &now, cmig_move_plan_upgrade(&now, cmig_argument_one("heads")), &number);
	if (number == 0)
		cmig_move_report_nothing(now.graph, now.applied->rows, "reset");
	cmig_rls_gate();
	return (Datum) 0;
}

/*
 * Stepwise procedures, which commit after each step
 */

/*
 * Returns the checksum that a stepwise procedure requires the plan to have, or
 * NULL if any plan may run.
 */
static char *
allowed_plan(FunctionCallInfo fcinfo)
{
	char	   *checksum = PG_NARGS() > 2 ? cmig_argument_text(fcinfo, 2) : NULL;

	if (PG_NARGS() <= 2 || (checksum != NULL && strcmp(checksum, "any") == 0))
		return NULL;
	return cmig_plan_checksum_argument(fcinfo, 2, NULL);
}

/* Implements all variants of cmig.upgrade_stepwise. */
static Datum
upgrade_stepwise(FunctionCallInfo fcinfo, const CmigNames *targets)
{
	(void) cmig_stepwise_run(fcinfo, "upgrade", targets, cmig_argument_text(fcinfo, 1),
							 allowed_plan(fcinfo), NULL);
	EnsurePortalSnapshotExists();
	cmig_audit_retain_after_upgrade();
	PG_RETURN_VOID();
}

Datum
cmig_upgrade_stepwise(PG_FUNCTION_ARGS)
{
	return upgrade_stepwise(fcinfo, cmig_argument_target(fcinfo, 0));
}

Datum
cmig_upgrade_stepwise_array(PG_FUNCTION_ARGS)
{
	return upgrade_stepwise(fcinfo, cmig_argument_revisions(fcinfo, 0));
}

Datum
cmig_upgrade_stepwise_steps(PG_FUNCTION_ARGS)
{
	return upgrade_stepwise(fcinfo,
							cmig_argument_one(cmig_move_argument_steps(fcinfo, CMIG_UPGRADE,
																	   true)));
}

Datum
cmig_downgrade_stepwise_steps(PG_FUNCTION_ARGS)
{
	(void) cmig_stepwise_run(fcinfo, "downgrade",
							 cmig_argument_one(cmig_move_argument_steps(fcinfo, CMIG_DOWNGRADE, true)),
							 cmig_argument_text(fcinfo, 1), NULL, NULL);
	PG_RETURN_VOID();
}

Datum
cmig_downgrade_stepwise(PG_FUNCTION_ARGS)
{
	char	   *target = cmig_argument_text(fcinfo, 0);

	cmig_move_argument_require_target(target, "CALL cmig.downgrade_stepwise");
	(void) cmig_stepwise_run(fcinfo, "downgrade", cmig_argument_one(target),
							 cmig_argument_text(fcinfo, 1), allowed_plan(fcinfo), NULL);
	PG_RETURN_VOID();
}

Datum
cmig_reset_stepwise(PG_FUNCTION_ARGS)
{
	cmig_move_argument_require_confirmation(fcinfo, "CALL cmig.reset_stepwise");
	(void) cmig_stepwise_run(fcinfo, "reset", NULL, cmig_argument_text(fcinfo, 1), NULL, NULL);
	PG_RETURN_VOID();
}

/*
 * Stamping
 */

/* Implements all variants of cmig.stamp. */
static Datum
stamp(FunctionCallInfo fcinfo, const CmigNames *targets, bool purge)
{
	CmigNames  *rows;

	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
	cmig_change_begin("cmig.stamp()");
	rows = cmig_stamp_targets(targets, purge);
	for (int i = 0; i < rows->count; i++)
		cmig_result_add_text(fcinfo, rows->names[i]);
	return (Datum) 0;
}

Datum
cmig_stamp(PG_FUNCTION_ARGS)
{
	if (PG_ARGISNULL(0))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the target must not be null"),
				 cmig_hint("Specify the revision that the schema matches, or head if it matches the latest one: `SELECT cmig.stamp('head')`")));
	return stamp(fcinfo, cmig_argument_target(fcinfo, 0), cmig_argument_bool(fcinfo, 1, false));
}

Datum
cmig_stamp_array(PG_FUNCTION_ARGS)
{
	return stamp(fcinfo, cmig_argument_revisions(fcinfo, 0), cmig_argument_bool(fcinfo, 1, false));
}

/*
 * Functions that the scripts of 1.0 and 1.1 declare and that 1.2 drops or
 * declares otherwise, with the suffix _1_2.  They are still in the library,
 * because pg_upgrade creates the functions of the version that the old cluster
 * has, and CREATE FUNCTION checks that they exist.
 */
#define REMOVED(name) \
	PG_FUNCTION_INFO_V1(name); \
	Datum name(PG_FUNCTION_ARGS) { cmig_library_version_refuse(); }

REMOVED(cmig_audit_as_of_wrong)
REMOVED(cmig_autogenerate)
REMOVED(cmig_capture)
REMOVED(cmig_check)
REMOVED(cmig_create_revision)
REMOVED(cmig_diff)
REMOVED(cmig_diff_schemas)
REMOVED(cmig_downgrade_wrong)
REMOVED(cmig_draft)
REMOVED(cmig_drift)
REMOVED(cmig_dry_run_wrong)
REMOVED(cmig_dry_run_wrong_target)
REMOVED(cmig_export_wrong)
REMOVED(cmig_graph_wrong)
REMOVED(cmig_history_wrong)
REMOVED(cmig_lint)
REMOVED(cmig_lint_wrong)
REMOVED(cmig_plan_wrong)
REMOVED(cmig_plan_wrong_target)
REMOVED(cmig_remove_revision_wrong)
REMOVED(cmig_repair_wrong)
REMOVED(cmig_require_schema)
REMOVED(cmig_require_wrong)
REMOVED(cmig_resolve_wrong)
REMOVED(cmig_rls_status)
REMOVED(cmig_round_trip_texts)
REMOVED(cmig_round_trip_wrong)
REMOVED(cmig_script_wrong)
REMOVED(cmig_set_ddl_policy)
REMOVED(cmig_show_wrong)
REMOVED(cmig_stamp_texts)
REMOVED(cmig_stamp_wrong)
REMOVED(cmig_too_many_arguments)
REMOVED(cmig_upgrade_wrong)
REMOVED(cmig_verify_texts)
REMOVED(cmig_verify_wrong)

/*
 * What applications' sessions call is in a library of its own.  The scripts of
 * 1.0 and 1.1 declare it here.
 */
#define MOVED(name) \
	PG_FUNCTION_INFO_V1(name); \
	Datum name(PG_FUNCTION_ARGS) \
	{ \
		static PGFunction function = NULL; \
		if (function == NULL) \
			function = (PGFunction) cmig_library_session_function(#name); \
		return function(fcinfo); \
	}

MOVED(cmig_audit_trigger)
MOVED(cmig_clear_context)
MOVED(cmig_context)
MOVED(cmig_current_tenant_id)
MOVED(cmig_current_user_id)
MOVED(cmig_require_tenant_id)
MOVED(cmig_require_user_id)
MOVED(cmig_set_context)
