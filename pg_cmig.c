/*
 * pg_cmig.c
 *	  Schema migrations inside the database: the entry.
 *
 * The migration verbs as SQL-callable functions.  Each reads as the data
 * flows: take the run lock, read the graph and the version rows, resolve the
 * target, make the plan, fetch the scripts of its steps, run each, move the
 * version rows, write the journal.
 *
 * Everything happens in the caller's transaction and with the caller's
 * rights.  All results are materialized, so LIMIT cannot cut a run.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "access/parallel.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "commands/dbcommands.h"
#include "fmgr.h"
#include "funcapi.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "tcop/pquery.h"
#include "tcop/utility.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/guc.h"
#include "utils/memutils.h"

#include "audit/audit.h"
#include "audit/audit_retain.h"
#include "base/argument.h"
#include "base/compat.h"
#include "base/errors.h"
#include "base/settings.h"
#include "format/revision_file.h"
#include "graph/graph.h"
#include "graph/plan.h"
#include "graph/target.h"
#include "load/create.h"
#include "load/directory.h"
#include "load/load.h"
#include "move/move.h"
#include "move/stamp.h"
#include "move/stepwise.h"
#include "move/toplevel.h"
#include "rls/rls.h"
#include "run/run_limit.h"
#include "run/run_lock.h"
#include "run/runner.h"
#include "tables/catalog.h"
#include "tables/journal.h"

PG_MODULE_MAGIC;

void		_PG_init(void);

PG_FUNCTION_INFO_V1(cmig_upgrade);
PG_FUNCTION_INFO_V1(cmig_upgrade_array);
PG_FUNCTION_INFO_V1(cmig_upgrade_steps);
PG_FUNCTION_INFO_V1(cmig_downgrade);
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
PG_FUNCTION_INFO_V1(cmig_plan);
PG_FUNCTION_INFO_V1(cmig_plan_array);
PG_FUNCTION_INFO_V1(cmig_resolve);
PG_FUNCTION_INFO_V1(cmig_require);
PG_FUNCTION_INFO_V1(cmig_load);
PG_FUNCTION_INFO_V1(cmig_load_directory);
PG_FUNCTION_INFO_V1(cmig_create_revision);
PG_FUNCTION_INFO_V1(cmig_merge);
PG_FUNCTION_INFO_V1(cmig_merge_array);

void
_PG_init(void)
{
	cmig_settings_init();
	cmig_runner_init();
	cmig_toplevel_init();
	cmig_rls_check_init();
	cmig_stepwise_at_end = cmig_rls_gate;
	cmig_audit_init();
	MarkGUCPrefixReserved("cmig");
}

/*
 * Arguments
 */

/* A text[] argument as names. */
static CmigNames *
names_of_array(ArrayType *array)
{
	const char *hint = "Say ARRAY['<revision>', ...].";

	if (ARR_NDIM(array) != 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the list of revisions must be an array with one dimension and at least one element"),
				 errhint("%s", hint)));
	return cmig_argument_names(array, "the list of revisions", hint);
}

static CmigNames *
names_argument(FunctionCallInfo fcinfo, int n)
{
	if (PG_ARGISNULL(n))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the list of revisions must not be null"),
				 errhint("Say ARRAY['<revision>', ...].")));
	return names_of_array(PG_GETARG_ARRAYTYPE_P(n));
}

/*
 * One identifier as names.  A quoted literal without a cast arrives as text
 * even where an array was meant; no identifier holds a brace, so '{a,b}' is a
 * list.
 */
static CmigNames *
target_argument(FunctionCallInfo fcinfo, int n)
{
	CmigNames  *names;
	char	   *value;

	names = palloc0(sizeof(CmigNames));
	names->names = palloc(sizeof(char *));
	names->count = 1;
	value = cmig_argument_text(fcinfo, n);
	if (value && value[0] == '{')
		return names_of_array(DatumGetArrayTypeP(OidInputFunctionCall(F_ARRAY_IN, value,
																	  TEXTOID, -1)));
	names->names[0] = value;
	return names;
}

static CmigNames *
single_name(char *name)
{
	CmigNames  *names = palloc(sizeof(CmigNames));

	names->names = palloc(sizeof(char *));
	names->names[0] = name;
	names->count = 1;
	return names;
}

static bool
bool_argument(FunctionCallInfo fcinfo, int n)
{
	return PG_ARGISNULL(n) ? false : PG_GETARG_BOOL(n);
}

/* What every function that writes does first. */
static void
begin_change(const char *function)
{
	cmig_runner_require_idle(function);
	cmig_run_lock_transaction(function);
	cmig_run_limit_start();
	cmig_runner_begin();
	cmig_catalog_check_snapshot();
}

/* Run the plan and add its steps to the function's result. */
static void
run_plan(FunctionCallInfo fcinfo, const CmigSituation *now, const CmigPlan *plan, int *number)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	CmigStepTexts *texts = cmig_move_texts(now, plan);
	CmigJournalBatch *journal = cmig_journal_batch();
	MemoryContext context;
	MemoryContext old;

	cmig_move_check(texts);
	context = AllocSetContextCreate(CurrentMemoryContext, "pg_cmig step",
									ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(context);
	for (int i = 0; i < plan->count; i++)
	{
		const CmigPlanStep *step = &plan->steps[i];
		const CmigRevision *revision = now->graph->nodes[step->node].revision;
		CmigJournalEntry entry;
		Datum		values[4];
		bool		nulls[4] = {0};

		CHECK_FOR_INTERRUPTS();
		cmig_move_run_step(now, plan, step, cmig_move_text(texts, i), &entry);
		cmig_journal_add(journal, &entry);
		values[0] = Int32GetDatum(++*number);
		values[1] = CStringGetTextDatum(plan->direction == CMIG_UPGRADE ? "upgrade" : "downgrade");
		values[2] = CStringGetTextDatum(revision->id);
		values[3] = CStringGetTextDatum(revision->message);
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
		MemoryContextReset(context);
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	cmig_move_require_rows(now, plan);
	cmig_journal_end(journal);
}

/*
 * Moving
 */

static Datum
upgrade(FunctionCallInfo fcinfo, const CmigNames *targets)
{
	CmigSituation now;
	CmigPlan   *plan;
	int			number = 0;

	InitMaterializedSRF(fcinfo, 0);
	begin_change("cmig.upgrade()");
	now = cmig_move_read(true);
	plan = cmig_move_plan_upgrade(&now, targets);
	if (plan->count == 0)
		cmig_move_report_nothing(now.graph, now.applied->rows, "upgrade");
	run_plan(fcinfo, &now, plan, &number);
	cmig_rls_gate();
	cmig_audit_retain_after_upgrade();
	return (Datum) 0;
}

/* Words that people type for one step down. */
static void
require_target(const char *target, const char *call)
{
	if (target == NULL || strcmp(target, "previous") == 0 ||
		strcmp(target, "prev") == 0 || strcmp(target, "last") == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 target ? errmsg("\"%s\" is not a downgrade target", target)
				 : errmsg("downgrade needs a target"),
				 errhint("%s('-1') takes back the last revision; name a revision to go back to it, or base to take back all.",
						 call)));
}

static Datum
downgrade(FunctionCallInfo fcinfo, const char *target)
{
	CmigSituation now;
	CmigPlan   *plan;
	CmigDowngradeTarget *resolved;
	int			number = 0;

	InitMaterializedSRF(fcinfo, 0);
	require_target(target, "SELECT * FROM cmig.downgrade");
	begin_change("cmig.downgrade()");
	now = cmig_move_read(true);
	plan = cmig_move_plan_downgrade(&now, target, &resolved);
	cmig_move_require_unprotected(&now, plan, resolved->node < 0,
								  resolved->node < 0 ? "a downgrade to base" : "a downgrade", false);
	if (plan->count == 0)
		cmig_move_report_nothing(now.graph, now.applied->rows, "downgrade");
	run_plan(fcinfo, &now, plan, &number);
	return (Datum) 0;
}

Datum
cmig_upgrade(PG_FUNCTION_ARGS)
{
	return upgrade(fcinfo, target_argument(fcinfo, 0));
}

Datum
cmig_upgrade_array(PG_FUNCTION_ARGS)
{
	return upgrade(fcinfo, names_argument(fcinfo, 0));
}

/* A number of steps as a relative identifier. */
static char *
steps_up(FunctionCallInfo fcinfo, bool stepwise)
{
	int			steps = PG_ARGISNULL(0) ? 0 : PG_GETARG_INT32(0);

	if (steps <= 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("an integer for upgrade is a number of steps and must be positive"),
				 stepwise ?
				 errhint("Quote a revision: CALL cmig.upgrade_stepwise('005'); CALL cmig.downgrade_stepwise(-1) goes down.") :
				 errhint("Quote a revision: cmig.upgrade('005'); cmig.downgrade(-1) goes down.")));
	return psprintf("+%d", steps);
}

static char *
steps_down(FunctionCallInfo fcinfo, bool stepwise)
{
	int			steps = PG_ARGISNULL(0) ? 0 : PG_GETARG_INT32(0);

	if (steps >= 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("an integer for downgrade is a number of steps and must be negative"),
				 stepwise ?
				 errhint("Quote a revision: CALL cmig.downgrade_stepwise('005'); CALL cmig.downgrade_stepwise(-1) takes back one.") :
				 errhint("Quote a revision: cmig.downgrade('005'); cmig.downgrade(-1) takes back one.")));
	return psprintf("%d", steps);
}

Datum
cmig_upgrade_steps(PG_FUNCTION_ARGS)
{
	return upgrade(fcinfo, single_name(steps_up(fcinfo, false)));
}

Datum
cmig_downgrade(PG_FUNCTION_ARGS)
{
	return downgrade(fcinfo, cmig_argument_text(fcinfo, 0));
}

Datum
cmig_downgrade_steps(PG_FUNCTION_ARGS)
{
	return downgrade(fcinfo, steps_down(fcinfo, false));
}

/* Refuse a destructive call unless it names the database. */
static void
require_confirmation(FunctionCallInfo fcinfo, int n, const char *call)
{
	char	   *confirm = cmig_argument_text(fcinfo, n);
	char	   *database = get_database_name(MyDatabaseId);

	if (confirm == NULL || strcmp(confirm, database) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("reset must be confirmed with the name of the database"),
				 errdetail("It takes back all revisions, with the data in what they made, and applies them anew."),
				 errhint("Type %s(confirm => %s)", call,
						 quote_literal_cstr(database))));
}

Datum
cmig_reset(PG_FUNCTION_ARGS)
{
	CmigSituation now;
	CmigPlan   *plan;
	CmigDowngradeTarget *resolved;
	int			number = 0;

	InitMaterializedSRF(fcinfo, 0);
	require_confirmation(fcinfo, 0, "SELECT * FROM cmig.reset");
	begin_change("cmig.reset()");
	now = cmig_move_read(true);
	plan = cmig_move_plan_downgrade(&now, "base", &resolved);
	cmig_move_require_unprotected(&now, plan, true, "a reset", false);
	run_plan(fcinfo, &now, plan, &number);

	now = cmig_move_read(true);
	run_plan(fcinfo, &now, cmig_move_plan_upgrade(&now, single_name("heads")), &number);
	if (number == 0)
		cmig_move_report_nothing(now.graph, now.applied->rows, "reset");
	cmig_rls_gate();
	return (Datum) 0;
}

/*
 * Moving with commits on the way
 */

static Datum
upgrade_stepwise(FunctionCallInfo fcinfo, const CmigNames *targets)
{
	cmig_stepwise_upgrade(fcinfo, targets, cmig_argument_text(fcinfo, 1));
	EnsurePortalSnapshotExists();
	cmig_audit_retain_after_upgrade();
	PG_RETURN_VOID();
}

Datum
cmig_upgrade_stepwise(PG_FUNCTION_ARGS)
{
	return upgrade_stepwise(fcinfo, target_argument(fcinfo, 0));
}

Datum
cmig_upgrade_stepwise_array(PG_FUNCTION_ARGS)
{
	return upgrade_stepwise(fcinfo, names_argument(fcinfo, 0));
}

Datum
cmig_upgrade_stepwise_steps(PG_FUNCTION_ARGS)
{
	return upgrade_stepwise(fcinfo, single_name(steps_up(fcinfo, true)));
}

Datum
cmig_downgrade_stepwise_steps(PG_FUNCTION_ARGS)
{
	cmig_stepwise_downgrade(fcinfo, steps_down(fcinfo, true), cmig_argument_text(fcinfo, 1));
	PG_RETURN_VOID();
}

Datum
cmig_downgrade_stepwise(PG_FUNCTION_ARGS)
{
	char	   *target = cmig_argument_text(fcinfo, 0);

	require_target(target, "CALL cmig.downgrade_stepwise");
	cmig_stepwise_downgrade(fcinfo, target, cmig_argument_text(fcinfo, 1));
	PG_RETURN_VOID();
}

Datum
cmig_reset_stepwise(PG_FUNCTION_ARGS)
{
	require_confirmation(fcinfo, 0, "CALL cmig.reset_stepwise");
	cmig_stepwise_reset(fcinfo, cmig_argument_text(fcinfo, 1));
	PG_RETURN_VOID();
}

/*
 * Stamping
 */

static Datum
stamp(FunctionCallInfo fcinfo, const CmigNames *targets, bool purge)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	CmigNames  *rows;

	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
	begin_change("cmig.stamp()");
	rows = cmig_stamp_targets(targets, purge);
	for (int i = 0; i < rows->count; i++)
	{
		Datum		values[1] = {CStringGetTextDatum(rows->names[i])};
		bool		nulls[1] = {false};

		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
	return (Datum) 0;
}

Datum
cmig_stamp(PG_FUNCTION_ARGS)
{
	if (PG_ARGISNULL(0))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the target must not be null"),
				 errhint("Name the revision that the schema matches, head if it has all of them: SELECT cmig.stamp('head')")));
	return stamp(fcinfo, target_argument(fcinfo, 0), bool_argument(fcinfo, 1));
}

Datum
cmig_stamp_array(PG_FUNCTION_ARGS)
{
	return stamp(fcinfo, names_argument(fcinfo, 0), bool_argument(fcinfo, 1));
}

/*
 * Asking
 */

static Datum
plan_rows(FunctionCallInfo fcinfo, const CmigNames *targets)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	char	   *direction = cmig_argument_direction(fcinfo, 0, "SELECT * FROM cmig.plan");
	CmigSituation now;
	CmigPlan   *plan;
	MemoryContext context;
	MemoryContext old;

	InitMaterializedSRF(fcinfo, 0);
	now = cmig_move_read(true);
	if (strcmp(direction, "upgrade") == 0)
		plan = cmig_move_plan_upgrade(&now, targets);
	else
	{
		CmigDowngradeTarget *resolved;

		if (targets->count != 1)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("a downgrade has one target"),
					 errhint("Downgrade one branch after the other: label@base.")));
		plan = cmig_move_plan_downgrade(&now, targets->names[0], &resolved);
	}
	if (plan->count == 0)
		cmig_move_report_nothing(now.graph, now.applied->rows, direction);

	context = AllocSetContextCreate(CurrentMemoryContext, "pg_cmig plan row",
									ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(context);
	for (int i = 0; i < plan->count; i++)
	{
		const CmigRevision *revision = now.graph->nodes[plan->steps[i].node].revision;
		Datum		values[7];
		bool		nulls[7] = {0};

		values[0] = Int32GetDatum(i + 1);
		values[1] = CStringGetTextDatum(revision->id);
		values[2] = cmig_catalog_names_datum(&revision->parents);
		values[3] = BoolGetDatum(revision->transactional);
		values[4] = BoolGetDatum(revision->irreversible);
		values[5] = (Datum) 0;
		if (revision->created_by)
			values[5] = DirectFunctionCall1(namein, CStringGetDatum(revision->created_by));
		else
			nulls[5] = true;
		values[6] = CStringGetTextDatum(revision->message);
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
	CmigNames  *target = target_argument(fcinfo, 1);

	if (target->names[0] == NULL)
	{
		if (strcmp(cmig_argument_direction(fcinfo, 0, "SELECT * FROM cmig.plan"), "downgrade") == 0)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("a downgrade needs a target"),
					 errhint("SELECT * FROM cmig.plan('downgrade', '-1')")));
		target->names[0] = "head";
	}
	return plan_rows(fcinfo, target);
}

Datum
cmig_plan_array(PG_FUNCTION_ARGS)
{
	return plan_rows(fcinfo, names_argument(fcinfo, 1));
}

Datum
cmig_resolve(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	CmigSituation now;
	ListCell   *lc;

	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
	now = cmig_move_read(false);
	foreach(lc, cmig_target_absolute(now.graph, cmig_argument_text(fcinfo, 0)))
	{
		Datum		values[1] = {CStringGetTextDatum(cmig_graph_id(now.graph, lfirst_int(lc)))};
		bool		nulls[1] = {false};

		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
	return (Datum) 0;
}

Datum
cmig_require(PG_FUNCTION_ARGS)
{
	char	   *target = cmig_argument_text(fcinfo, 0);
	CmigSituation now = cmig_move_read(true);
	List	   *nodes = cmig_target_absolute(now.graph, target);
	CmigPlan   *pending;
	StringInfoData ids;
	bool		stepwise = false;	/* cmig.upgrade refuses one of them */

	cmig_target_require_known_rows(now.graph, now.applied);
	cmig_target_require_sound_rows(now.graph, now.applied, true);
	if (now.graph->count == 0 && strcmp(target, "base") != 0)
		ereport(ERROR,
				(errcode(ERRCODE_CMIG_NOT_UP_TO_DATE),
				 errmsg("target database is not up to date"),
				 errdetail("No revision is loaded in database \"%s\".",
						   get_database_name(MyDatabaseId)),
				 errhint("Load the revision files with cmig.load, then SELECT * FROM cmig.upgrade(%s)",
						 quote_literal_cstr(target))));
	pending = cmig_plan_upgrade(now.graph, now.applied, nodes);
	if (pending->count == 0)
		PG_RETURN_VOID();

	for (int i = 0; i < pending->count && !stepwise; i++)
		stepwise = !now.graph->nodes[pending->steps[i].node].revision->transactional;
	initStringInfo(&ids);
	for (int i = 0; i < pending->count && i < 20; i++)
		appendStringInfo(&ids, "%s\"%s\"", i > 0 ? ", " : "",
						 cmig_graph_id(now.graph, pending->steps[i].node));
	if (pending->count > 20)
		appendStringInfo(&ids, " and %d more", pending->count - 20);
	ereport(ERROR,
			(errcode(ERRCODE_CMIG_NOT_UP_TO_DATE),
			 errmsg("target database is not up to date"),
			 errdetail_plural("%d revision is pending: %s.", "%d revisions are pending: %s.",
							  pending->count, pending->count, ids.data),
			 stepwise ? errhint("CALL cmig.upgrade_stepwise(%s)", quote_literal_cstr(target))
			 : errhint("SELECT * FROM cmig.upgrade(%s)", quote_literal_cstr(target))));
}

/*
 * Writing revisions
 */

Datum
cmig_create_revision(PG_FUNCTION_ARGS)
{
	CmigNewRevision new = {0};

	new.text.edges.message = cmig_argument_text(fcinfo, 0);
	new.text.upgrade_sql = cmig_argument_text(fcinfo, 1);
	new.text.downgrade_sql = cmig_argument_text(fcinfo, 2);
	new.text.verify_sql = cmig_argument_text(fcinfo, 3);
	new.text.edges.id = cmig_argument_text(fcinfo, 4);
	new.head = cmig_argument_text(fcinfo, 5);
	new.splice = bool_argument(fcinfo, 6);
	new.label = cmig_argument_text(fcinfo, 7);
	if (!PG_ARGISNULL(8) && ARR_NDIM(PG_GETARG_ARRAYTYPE_P(8)) > 0)
		new.depends = names_argument(fcinfo, 8);
	new.text.edges.transactional = PG_ARGISNULL(9) ? true : PG_GETARG_BOOL(9);

	begin_change("cmig.create_revision()");
	PG_RETURN_TEXT_P(cstring_to_text(cmig_create_new(&new)));
}

static Datum
merge(FunctionCallInfo fcinfo, const CmigNames *revisions)
{
	char	   *message = cmig_argument_text(fcinfo, 1);
	char	   *id = cmig_argument_text(fcinfo, 2);
	bool		splice = bool_argument(fcinfo, 3);
	char	   *label = cmig_argument_text(fcinfo, 4);

	begin_change("cmig.merge()");
	PG_RETURN_TEXT_P(cstring_to_text(cmig_create_merge(revisions, message, id, splice, label)));
}

Datum
cmig_merge(PG_FUNCTION_ARGS)
{
	return merge(fcinfo, target_argument(fcinfo, 0));
}

Datum
cmig_merge_array(PG_FUNCTION_ARGS)
{
	return merge(fcinfo, names_argument(fcinfo, 0));
}

/*
 * Loading
 */

static Datum
load(FunctionCallInfo fcinfo, const char *function, List *files)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	List	   *actions;
	ListCell   *lc;

	InitMaterializedSRF(fcinfo, 0);
	begin_change(function);
	actions = cmig_load_files(files, bool_argument(fcinfo, 1), bool_argument(fcinfo, 2));
	foreach(lc, actions)
	{
		const CmigLoadAction *action = lfirst(lc);
		Datum		values[2];
		bool		nulls[2] = {0};

		values[0] = CStringGetTextDatum(action->revision);
		values[1] = CStringGetTextDatum(action->action);
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
	return (Datum) 0;
}

Datum
cmig_load(PG_FUNCTION_ARGS)
{
	char	   *script = cmig_argument_text(fcinfo, 0);
	List	   *files;

	if (script == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the script must not be null"),
				 errhint("Pass the text of one or more revision files.")));
	files = cmig_revision_file_parse(script, NULL);
	pfree(script);
	return load(fcinfo, "cmig.load()", files);
}

Datum
cmig_load_directory(PG_FUNCTION_ARGS)
{
	char	   *path = cmig_argument_text(fcinfo, 0);

	if (path == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the path must not be null"),
				 errhint("Pass the path of a directory on the server.")));
	return load(fcinfo, "cmig.load_directory()", cmig_directory_read(path));
}
