/*
 * dry_run.c
 *	  cmig.dry_run.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "storage/lock.h"
#include "storage/proc.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/memutils.h"

#include "base/base.h"
#include "base/errors.h"
#include "graph/graph.h"
#include "move/move.h"
#include "plan/internal.h"
#include "rls/rls.h"
#include "run/run.h"
#include "store/store.h"

/* ----------------------------------------------------------------
 * Checks a plan's preconditions before any step runs.
 *
 * A precondition is not checked here if it reads something that an earlier
 * step creates or changes, or if an earlier step runs code that cannot be
 * analyzed.
 * ----------------------------------------------------------------
 */

/* The effects of the steps before the current step. */
typedef struct Before
{
	CmigPlannedLocks *names;
	List	   *locks;			/* of CmigPlannedLock * */
	bool		known;			/* is the list of locks complete? */
} Before;

/* Can a precondition be checked before the preceding steps have run? */
static bool
is_independent(Before *before, const char *sql)
{
	bool		known;
	List	   *reads = cmig_script_locks_list(before->names, sql, &known);
	ListCell   *lc;
	ListCell   *lc2;

	if (!before->known)
		return false;
	foreach(lc, reads)
	{
		const CmigPlannedLock *read = lfirst(lc);

		if (read->is_new)
			return false;
		/* does an earlier step write to the relation, or alter it? */
		foreach(lc2, before->locks)
		{
			const CmigPlannedLock *lock = lfirst(lc2);

			if (lock->oid == read->oid && lock->mode >= RowExclusiveLock)
				return false;
		}
	}
	return true;
}

/* Has an earlier call already begun the step of this revision? */
static bool
is_begun(List *progress, const char *revision)
{
	ListCell   *lc;

	foreach(lc, progress)
	{
		if (strcmp(((CmigProgressRow *) lfirst(lc))->revision, revision) == 0)
			return true;
	}
	return false;
}

/* Subtransaction callback: check one precondition. */
static void
check(void *step)
{
	cmig_runner_check_precondition(step);
}

/* The steps whose preconditions have failed. */
typedef struct Failures
{
	CmigListing list;
	ErrorData  *first;
} Failures;

/* Check the precondition of a step. */
static void
check_step(const CmigRunStep *step, Failures *failures)
{
	CmigRunStep copy = *step;
	ErrorData  *error = cmig_subtransaction_rehearse(check, &copy);

	if (error == NULL)
		return;
	if (error->sqlerrcode == ERRCODE_QUERY_CANCELED)
		ReThrowError(error);
	if (failures->first == NULL)
		failures->first = error;
	cmig_listing_add_format(&failures->list, "Revision \"%s\": %s", step->revision,
							error->sqlerrcode == ERRCODE_CMIG_PRECONDITION_FAILED ?
							step->precondition_sql : error->message);
}

void
cmig_plan_preconditions_check(const CmigSituation *now, const CmigPlan *plan)
{
	CmigStepTexts *texts;
	Before		before = {.known = true};
	Failures	failures = {.first = NULL};
	List	   *progress;

	if (plan->count == 0 || plan->direction != CMIG_UPGRADE || !cmig_catalog_has_preconditions())
		return;
	texts = cmig_step_texts_make(now->graph, plan);
	progress = cmig_progress_read();
	before.names = cmig_planned_locks_start();
	cmig_listing_init(&failures.list, CMIG_LISTING_LINES);
	for (int i = 0; i < plan->count; i++)
	{
		const CmigRunStep *step = cmig_step_texts_get(texts, i);
		bool		known;

		CHECK_FOR_INTERRUPTS();
		if (step->precondition_sql != NULL && !is_begun(progress, step->revision) &&
			is_independent(&before, step->precondition_sql))
			check_step(step, &failures);
		before.locks = cmig_planned_locks_merge(before.locks,
												cmig_script_locks_list(before.names, step->sql, &known));
		before.known &= known;
	}
	if (failures.list.count == 1)
		ReThrowError(failures.first);
	if (failures.list.count > 1)
		ereport(ERROR,
				(errcode(ERRCODE_CMIG_PRECONDITION_FAILED),
				 errmsg("the preconditions of %d revisions are not met", failures.list.count),
				 errdetail("%s", cmig_listing_text(&failures.list))));
}

/* ----------------------------------------------------------------
 * Implements cmig.dry_run, which runs a plan's steps and rolls everything
 * back.
 *
 * The steps run in a subtransaction.  Otherwise, they run as in cmig.upgrade,
 * with the same runner and the caller's privileges.  If a step fails, only the
 * steps that build on it are skipped.
 * ----------------------------------------------------------------
 */

PG_FUNCTION_INFO_V1(cmig_dry_run);

/* Lock timeout, unless the caller has set one. */
#define LOCK_TIMEOUT "1s"

static int	dry_run_timeout = 30000;

void
cmig_dry_run_init(void)
{
	DefineCustomIntVariable("cmig.dry_run_timeout",
							"Sets the maximum duration of a dry run.",
							"0 means no limit.",
							&dry_run_timeout, 30000, 0, INT_MAX, PGC_USERSET,
							GUC_UNIT_MS, NULL, NULL, NULL);
	cmig_refusal_init();
}

/* The arguments of cmig.dry_run, and the state of the dry run. */
typedef struct DryRun
{
	CmigTrial  *trial;
	CmigDirection direction;
	CmigNames  *targets;
	bool		waiters;		/* are waiting sessions reported? */
	bool		plain;			/* is CONCURRENTLY ignored? */
	int64		max_table_size; /* -1: no limit */
	char	   *checksum;		/* checksum of the plan; NULL if there is
								 * nothing to do */
} DryRun;

/* Plan an upgrade or a downgrade. */
static CmigPlan *
make_plan(const CmigSituation *now, CmigDirection direction, const CmigNames *targets)
{
	CmigDowngradeTarget *resolved;

	if (direction == CMIG_UPGRADE)
		return cmig_move_plan_upgrade(now, targets);
	if (targets->count != 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a downgrade must have exactly one target"),
				 errhint("Downgrade one branch at a time, for example to label@base.")));
	return cmig_move_plan_downgrade(now, targets->names[0], &resolved);
}

/*
 * Returns the first node in "edges" that has failed or was skipped.  Returns -1
 * if there is none.
 */
static int
find_missing(const CmigEdges *edges, const bool *missing)
{
	for (int i = 0; i < edges->count; i++)
	{
		if (missing[edges->nodes[i]])
			return edges->nodes[i];
	}
	return -1;
}

/*
 * Returns a node that the step for "node" requires but that has failed or was
 * skipped.  Returns -1 if there is none.
 */
static int
find_obstacle(const CmigTrial *trial, int node, const bool *missing)
{
	const CmigNode *of = &trial->now.graph->nodes[node];
	bool		up = trial->plan->direction == CMIG_UPGRADE;
	int			found = find_missing(up ? &of->parents : &of->children, missing);

	/* a repeatable revision requires all other revisions of the plan */
	for (int i = 0; i < trial->now.graph->count && cmig_repeatables_is(trial->now.graph, node); i++)
		if (missing[i])
			return i;
	return found >= 0 ? found : find_missing(up ? &of->depends : &of->dependents, missing);
}

/* Run one step, or report why the step is skipped. */
static void
take_step(CmigTrial *trial, bool *missing)
{
	int			node = trial->plan->steps[trial->number - 1].node;
	int			obstacle = find_obstacle(trial, node, missing);

	if (trial->stopped == NULL && obstacle < 0)
		missing[node] = !cmig_trial_run_step(trial);
	else
	{
		missing[node] = true;
		cmig_trial_pass_over(trial, 0, trial->stopped != NULL ? trial->stopped :
							 psprintf("revision \"%s\" has not been run",
									  cmig_graph_id(trial->now.graph, obstacle)));
	}
	trial->failed += missing[node];
}

/* Perform the checks that cmig.upgrade performs after its last step. */
static void
check_end(void *arg)
{
	CmigTrial  *trial = arg;

	cmig_move_require_rows(&trial->now, trial->plan);
	if (trial->plan->direction == CMIG_UPGRADE)
		cmig_rls_gate();
}

/* Run all steps, and perform the final checks if none fails. */
static void
take_steps(CmigTrial *trial)
{
	bool	   *missing = palloc0(sizeof(bool) * Max(trial->now.graph->count + trial->now.graph->repeatable_count, 1));
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "pg_cmig trial step",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	ErrorData  *error;

	for (int i = 0; i < trial->plan->count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		trial->number = i + 1;
		take_step(trial, missing);
		MemoryContextReset(context);
	}
	MemoryContextSwitchTo(old);
	trial->number = 0;
	if (trial->failed == 0 && (error = cmig_subtransaction_rehearse(check_end, trial)) != NULL)
	{
		CmigTrialRow row = {.error = cmig_trial_error_text(error)};

		cmig_trial_require_own_error(error);
		cmig_trial_add_row(trial, &row);
	}
}

/* Perform the dry run.  The caller rolls back the subtransaction. */
static void
dry_run(void *arg)
{
	DryRun	   *run = arg;
	CmigTrial  *trial = run->trial;

	if (LockTimeout == 0)
		cmig_settings_override("lock_timeout", LOCK_TIMEOUT);
	if (run->plain)
		cmig_settings_override("cmig.concurrent_ddl", "off");

	/*
	 * avoid parallel workers, because this backend's statistics do not count
	 * what the workers read
	 */
	cmig_settings_override("max_parallel_workers_per_gather", "0");
	cmig_settings_override("max_parallel_maintenance_workers", "0");

	cmig_change_begin("cmig.dry_run()");
	cmig_run_limit_tighten("cmig.dry_run_timeout",
						   cmig_settings_int("cmig.dry_run_timeout", dry_run_timeout));
	trial->now = cmig_move_read(true);
	trial->plan = make_plan(&trial->now, run->direction, run->targets);
	if (trial->plan->count == 0)
	{
		cmig_move_report_nothing(trial->now.graph, trial->now.applied->rows,
								 cmig_direction_name(run->direction));
		return;
	}
	trial->texts = cmig_step_texts_make(trial->now.graph, trial->plan);
	run->checksum = cmig_plan_checksum(&trial->now, trial->plan, trial->texts);
	trial->relations = cmig_existing_start();
	cmig_measure_start(trial->relations);
	if (run->waiters)
		cmig_waiters_watch();
	cmig_refusal_watch(run->max_table_size);
	take_steps(trial);
	cmig_refusal_unwatch();
}

/*
 * Report what the dry run leaves behind after the rollback: advanced sequences
 * and dead rows.
 */
static void
report_traces(const CmigTrial *trial)
{
	CmigListing moved;
	CmigListing dead;
	ListCell   *lc;

	cmig_listing_init(&moved, CMIG_LISTING_PLAIN);
	foreach(lc, trial->moved)
	{
		cmig_listing_add(&moved, ((CmigExisting *) lfirst(lc))->name);
	}
	cmig_listing_init(&dead, CMIG_LISTING_PLAIN);
	foreach(lc, cmig_existing_all(trial->relations))
	{
		CmigExisting *relation = lfirst(lc);
		int64		rows = cmig_existing_count(relation->oid).dead - relation->first.dead;

		if (relation->rewritten)
			rows = Min(rows, relation->dead);
		if (rows > 0)
			cmig_listing_add_format(&dead, "%s (" INT64_FORMAT ")", relation->name, rows);
	}
	if (moved.count > 0)
		ereport(NOTICE,
				(errmsg("the dry run has advanced sequences: %s", cmig_listing_text(&moved)),
				 errdetail("A rollback does not reset sequences.")));
	if (dead.count > 0)
		ereport(NOTICE,
				(errmsg("the dry run has left dead rows: %s", cmig_listing_text(&dead)),
				 errdetail("VACUUM removes them.")));
}

CMIG_READER(cmig_dry_run)
{
	DryRun		run = {0};
	ErrorData  *error;
	char	   *concurrently;

	InitMaterializedSRF(fcinfo, 0);
	run.direction = cmig_argument_direction(fcinfo, 0, "SELECT * FROM cmig.dry_run");
	run.targets = cmig_argument_target(fcinfo, 1);
	if (run.targets->names[0] == NULL)
		run.targets->names[0] = "head";

	/*
	 * reject "head", which is the default target, because a downgrade cannot
	 * reach it
	 */
	if (run.direction == CMIG_DOWNGRADE && strcmp(run.targets->names[0], "head") == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a downgrade requires a target"),
				 errhint("SELECT * FROM cmig.dry_run('downgrade', '-1')")));
	concurrently = cmig_argument_text(fcinfo, 2);
	run.plain = concurrently != NULL && strcmp(concurrently, "plain") == 0;
	if (!run.plain && (concurrently == NULL || strcmp(concurrently, "skip") != 0))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("concurrently must be skip or plain"),
				 errhint("SELECT * FROM cmig.dry_run(concurrently => 'skip')")));
	run.max_table_size = PG_ARGISNULL(3) ? -1 : PG_GETARG_INT64(3);
	if (!PG_ARGISNULL(3) && run.max_table_size < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("max_table_size must not be negative"),
				 errhint("SELECT * FROM cmig.dry_run(max_table_size => pg_size_bytes('100 MB'))")));
	run.waiters = cmig_argument_bool(fcinfo, 4, false);
	run.trial = palloc0(sizeof(CmigTrial));
	run.trial->fcinfo = fcinfo;
	error = cmig_subtransaction_rehearse(dry_run, &run);
	cmig_waiters_unwatch();
	if (run.trial->relations != NULL)
		cmig_existing_restore(run.trial->relations);
	if (error != NULL)
		ReThrowError(error);
	if (run.checksum != NULL)
	{
		ereport(NOTICE, (errmsg("plan_checksum is %s", run.checksum)));
		report_traces(run.trial);
	}
	return (Datum) 0;
}
