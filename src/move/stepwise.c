/*
 * stepwise.c
 *	  Stepwise moves, which commit after each revision and, in nontransactional
 *	  revisions, after each statement.
 *
 * The step for a transactional revision is a single transaction.  It commits
 * the effects of the script and of verify_sql, the version rows, the change of
 * the step's journal row from "running" to "done", and the next step's journal
 * row with "running".  Therefore, the journal is correct after a crash at any
 * point, and a step needs only one WAL flush.
 *
 * The statements of a nontransactional revision are run by nontransactional.c.
 * A final transaction runs verify_sql, replaces the version rows, and clears
 * cmig.progress.
 *
 * The run lock prevents all other pg_cmig functions from writing the version
 * rows.  However, a session or a script may still change them manually between
 * two commits.  Therefore, they are compared with the expected rows before
 * each nontransactional step and before the end of each step.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_type.h"
#include "common/pg_prng.h"
#include "parser/analyze.h"
#include "storage/latch.h"
#include "storage/lmgr.h"
#include "tcop/pquery.h"
#include "tcop/tcopprot.h"
#include "tcop/utility.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timeout.h"
#include "utils/timestamp.h"
#include "utils/wait_event.h"

#include "base/errors.h"
#include "move/internal.h"

/* ----------------------------------------------------------------
 * Tools for procedures that commit
 *
 * Call these functions only from a CALL that is allowed to commit (see
 * cmig_toplevel_require()).  Everything that must survive a commit or rollback
 * must be allocated below PortalContext.
 *
 * PostgreSQL requires the following of code that commits within a CALL:
 *
 * - When a statement that commits by itself begins, SPI must be finished, and
 *   the only active snapshot must be the portal's, which is registered with the
 *   portal (EnsurePortalSnapshotExists).  If a snapshot has been pushed in any
 *   other way, commits in a nested CALL or DO fail.  If there is no snapshot,
 *   CREATE INDEX CONCURRENTLY fails, because it uses the active snapshot.
 * - After such a statement, the portal's snapshot may be gone or may have been
 *   replaced.  If there is an active snapshot, it is the portal's, and it must
 *   be popped.
 * - After an error, the whole transaction is aborted.  The portal's snapshot is
 *   gone, so the pointer to it must be reset.
 * ----------------------------------------------------------------
 */

/* Shortest and longest pause between attempts, in milliseconds. */
#define FIRST_PAUSE 200
#define LONGEST_PAUSE 30000

/*
 * An attempt that has yielded to another session begins again after at most this
 * pause, and is the same attempt for this time, in milliseconds.
 */
#define YIELD_PAUSE 100
#define YIELD_TIME 30000

/* The value of the setting cmig.lock_retries. */
static int	lock_retries = 10;

void
cmig_toplevel_init(void)
{
	DefineCustomIntVariable("cmig.lock_retries",
							"Sets how many times stepwise runs, backfills, and recipes try again after a lock timeout.",
							"0 means never. The pauses between the attempts double, from 0.2 to 30 seconds.",
							&lock_retries, 10, 0, 10000, PGC_USERSET,
							0, NULL, NULL, NULL);
}

void
cmig_toplevel_require(FunctionCallInfo fcinfo, const char *procedure)
{
	bool		in_script = cmig_running.revision != NULL;

	if (fcinfo->context != NULL && IsA(fcinfo->context, CallContext) &&
		!castNode(CallContext, fcinfo->context)->atomic &&
		!cmig_query_in_procedure() && !IsTransactionBlock() &&
		!IsSubTransaction() && (MyXactFlags & XACT_FLAGS_PIPELINING) == 0 &&
		ActivePortal != NULL)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_ACTIVE_SQL_TRANSACTION),
			 errmsg("CALL %s must be a separate statement outside a transaction block",
					procedure),
			 in_script
			 ? errdetail("It commits after each step, which is not possible inside a transactional revision, a function, another procedure, or a DO block.")
			 : errdetail("It commits after each step, which is not possible inside a transaction block, a function, another procedure, a DO block, a pipeline, or a string of several statements."),
			 in_script
			 ? errhint("Make the CALL a separate statement in a revision with \"transactional: false\".")
			 : errhint("psql: ROLLBACK and \\set AUTOCOMMIT on, then the CALL alone, without --single-transaction and in a separate -c option. psycopg: connection.rollback() and connection.autocommit = True, then execute() outside transaction(), pipeline(), and psycopg2's \"with connection\". node-pg: client.query('ROLLBACK'), then client.query() with the CALL alone. JDBC: if autocommit is off, connection.rollback() and connection.setAutoCommit(true), then execute() with the CALL alone, not in a batch.")));
}

MemoryContext
cmig_toplevel_context(const char *name)
{
	return AllocSetContextCreateInternal(PortalContext, name, ALLOCSET_DEFAULT_SIZES);
}

void
cmig_toplevel_snapshot(void)
{
	EnsurePortalSnapshotExists();
}

void
cmig_toplevel_commit(void)
{
	MemoryContext caller = CurrentMemoryContext;

	cmig_query_commit();
	MemoryContextSwitchTo(caller);
}

void
cmig_toplevel_rollback(void)
{
	MemoryContext caller = CurrentMemoryContext;

	if (IsSubTransaction())
		AbortOutOfAnyTransaction();
	else
		AbortCurrentTransaction();
	ActivePortal->portalSnapshot = NULL;
	StartTransactionCommand();
	MemoryContextSwitchTo(caller);
	cmig_extension_try_again();

	/*
	 * the new transaction has the same start time as the CALL, so commit it
	 * and start another one, which has the current time
	 */
	cmig_toplevel_commit();
}

void
cmig_toplevel_record_failure(const char *scope, int64 id, CmigJournalEntry *entry,
							 const ErrorData *error)
{
	entry->outcome = "failed";
	entry->finished_at = GetCurrentTimestamp();
	entry->sqlstate = pstrdup(unpack_sql_state(error->sqlerrcode));
	entry->message = psprintf("%s%s", entry->message ? entry->message : "",
							  cmig_error_stored(error));

	/* ignore an error here in favor of the given one */
	PG_TRY();
	{
		cmig_toplevel_snapshot();
		if (scope != NULL)
			cmig_settings_set("cmig.scope", scope, PGC_USERSET, GUC_ACTION_LOCAL);
		if (id != 0)
			cmig_journal_finish(id, entry);
		else if (cmig_run_lock_try())
			cmig_journal_write(entry);
		cmig_toplevel_commit();
	}
	PG_CATCH();
	{
		FlushErrorState();
		cmig_toplevel_rollback();
	}
	PG_END_TRY();
}

void
cmig_toplevel_sleep(long ms)
{
	TimestampTz end =
	cmig_run_limit_earlier(TimestampTzPlusMilliseconds(GetCurrentTimestamp(), ms));
	bool		timed = get_timeout_active(STATEMENT_TIMEOUT);

	/* suspend statement_timeout, so that it does not count the pause */
	if (timed)
		disable_timeout(STATEMENT_TIMEOUT, false);
	InvalidateCatalogSnapshot();
	for (;;)
	{
		long		left = TimestampDifferenceMilliseconds(GetCurrentTimestamp(), end);

		cmig_run_limit_check();
		CHECK_FOR_INTERRUPTS();
		if (left <= 0)
			break;
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
						 left, WAIT_EVENT_PG_SLEEP);
		ResetLatch(MyLatch);
	}
	if (timed)
		cmig_runner_restart_timeout();
}

/* Count an attempt for cmig.metrics, as the role that has called the run. */
static void
note_retry(void)
{
	CmigRole	saved;

	cmig_toplevel_snapshot();
	cmig_role_act_as_caller(&saved, cmig_nontransactional_caller());
	cmig_measured_note("lock_retries", "{}", 1, false);
	cmig_role_return(&saved);
	cmig_toplevel_commit();
}

void
cmig_toplevel_attempt(CmigAttempt body, CmigMayRepeat may_repeat, void *arg,
					  const char *what)
{
	MemoryContext caller = CurrentMemoryContext;
	volatile double next_pause = FIRST_PAUSE;
	volatile TimestampTz began = GetCurrentTimestamp();
	List	   *volatile first = NIL;
	volatile LOCKMODE strongest = NoLock;

	cmig_lock_wait_reset();
	for (volatile int n = 1;;)
	{
		ErrorData  *volatile error = NULL;
		volatile bool yields = cmig_lock_wait_yield(may_repeat == NULL);
		long		pause;
		bool		updated;
		Oid			raised;
		LOCKMODE	mode;

		PG_TRY();
		{
			foreach_oid(relation, first)
				LockRelationOid(relation, strongest);
			body(arg);
			MemoryContextSwitchTo(caller);
			cmig_toplevel_commit();
		}
		PG_CATCH();
		{
			error = cmig_error_take(caller);
		}
		PG_END_TRY();
		cmig_lock_wait_yield(yields);
		if (error == NULL)
			return;

		/* could another attempt succeed where other sessions were in the way? */
		cmig_toplevel_rollback();
		if (error->sqlerrcode == ERRCODE_LOCK_NOT_AVAILABLE && cmig_lock_wait_yielded(&raised, &mode) &&
			!TimestampDifferenceExceeds(began, GetCurrentTimestamp(), YIELD_TIME))
		{
			if (OidIsValid(raised))
			{
				first = list_append_unique_oid(first, raised);
				strongest = Max(strongest, mode);
			}
			cmig_toplevel_sleep((long) (YIELD_PAUSE * pg_prng_double(&pg_global_prng_state)));
			cmig_extension_hold_again();
			FreeErrorData(error);
			continue;
		}
		updated = error->sqlerrcode == ERRCODE_T_R_SERIALIZATION_FAILURE;
		if (n > lock_retries ||
			(!updated && error->sqlerrcode != ERRCODE_LOCK_NOT_AVAILABLE &&
			 error->sqlerrcode != ERRCODE_T_R_DEADLOCK_DETECTED) ||
			(may_repeat != NULL && !may_repeat(arg)))
			ReThrowError(error);

		/* the pauses double, with jitter */
		pause = (long) (next_pause * (0.75 + 0.5 * pg_prng_double(&pg_global_prng_state)));
		next_pause = Min(next_pause * 2, LONGEST_PAUSE);
		ereport(NOTICE,
				(updated ?
				 errmsg("%s encountered a concurrent update, attempt %d of %d; trying again in %ld ms",
						what, n, lock_retries + 1, pause) :
				 errmsg("%s could not get a lock, attempt %d of %d; trying again in %ld ms",
						what, n, lock_retries + 1, pause),
				 cmig_error_detail(error)));
		cmig_toplevel_sleep(pause);
		cmig_extension_hold_again();
		note_retry();
		FreeErrorData(error);
		n++;
		began = GetCurrentTimestamp();
		cmig_lock_wait_reset();
	}
}

/* Attempt callback: lock the table in ACCESS SHARE mode. */
static void
reach_table(void *arg)
{
	cmig_toplevel_snapshot();
	LockRelationOid(*(Oid *) arg, AccessShareLock);
}

/*
 * Error context callback: if the error was caused by waiting for a lock, add
 * an explanation to it.
 */
static void
explain_wait(void *arg)
{
	cmig_lock_wait_explain();
}

void
cmig_toplevel_reach_table(Oid table, const char *procedure, bool alone)
{
	ErrorContextCallback callback = {.callback = explain_wait};
	char	   *name = get_rel_name(table);
	char	   *what;

	if (name == NULL)
		return;
	what = psprintf("%s of %s", procedure,
					quote_qualified_identifier(get_namespace_name(get_rel_namespace(table)), name));
	callback.previous = error_context_stack;
	PG_TRY();
	{
		if (alone)
		{
			error_context_stack = &callback;
			cmig_lock_wait_watch(GetUserId());
		}
		cmig_toplevel_attempt(reach_table, NULL, &table, what);
	}
	PG_FINALLY();
	{
		error_context_stack = callback.previous;
		if (alone)
			cmig_lock_wait_unwatch();
	}
	PG_END_TRY();
}

/*
 * A foreign key of a partitioned table takes the place of those that its partitions
 * have, in ADD FOREIGN KEY and in ATTACH PARTITION.  For that, PostgreSQL drops triggers
 * of the referenced table, for which it needs a stronger lock than the one that it has
 * taken before.  Take the stronger one first: see raised_relation() in wait.c.
 */
static void
lock_referenced(const Node *stmt)
{
	static CmigQuery query = {
		"SELECT DISTINCT confrelid FROM pg_constraint k WHERE contype = 'f' AND conparentid = 0"
		" AND (conrelid = $1 OR conrelid IN (SELECT relid FROM pg_partition_tree($1)))"
		" AND CASE $3 WHEN 0 THEN conrelid <> $1 AND confrelid = $2"
		" ELSE confrelid IN (SELECT confrelid FROM pg_constraint WHERE conrelid = $3) END"
		" ORDER BY confrelid", {OIDOID, OIDOID, OIDOID}
	};
	const AlterTableStmt *alter = (const AlterTableStmt *) stmt;
	Oid			table;

	if (!IsA(stmt, AlterTableStmt) || alter->objtype != OBJECT_TABLE)
		return;
	table = RangeVarGetRelid(alter->relation, NoLock, true);
	if (!OidIsValid(table) || get_rel_relkind(table) != RELKIND_PARTITIONED_TABLE ||
		!cmig_owns_compat(RelationRelationId, table, GetUserId()))
		return;
	foreach_node(AlterTableCmd, command, alter->cmds)
	{
		const RangeVar *other = NULL;
		bool		attaches = command->subtype == AT_AttachPartition;
		Oid			oid;

		if (attaches)
			other = castNode(PartitionCmd, command->def)->name;
		else if (command->subtype == AT_AddConstraint)
			other = castNode(Constraint, command->def)->pktable;
		oid = other ? RangeVarGetRelid(other, NoLock, true) : InvalidOid;
		if (!OidIsValid(oid) ||
			(attaches && !cmig_owns_compat(RelationRelationId, oid, GetUserId())))
			continue;
		EnsurePortalSnapshotExists();
		foreach_oid(referenced, attaches ? cmig_query_oids(&query, oid, InvalidOid, table) :
					cmig_query_oids(&query, table, oid, InvalidOid))
		{
			LockRelationOid(referenced, AccessExclusiveLock);
			(void) find_all_inheritors(referenced, AccessExclusiveLock, NULL);
		}
	}
}

void
cmig_toplevel_execute(RawStmt *raw, const char *text)
{
	MemoryContext caller = CurrentMemoryContext;
	bool		concurrent = cmig_statement_is_concurrent(raw);
	List	   *plans;
	PlannedStmt *plan;

	/* copy the parse tree, because parse analysis modifies it */
	raw = copyObject(raw);

	if (cmig_statement_flags(raw->stmt) & CMIG_STATEMENT_QUERY)
	{
		EnsurePortalSnapshotExists();
		cmig_execute_statement(raw, text, None_Receiver);
		return;
	}

	lock_referenced(raw->stmt);
	if (analyze_requires_snapshot(raw))
		EnsurePortalSnapshotExists();
	plans = pg_analyze_and_rewrite_fixedparams(raw, text, NULL, 0, NULL);
	plans = pg_plan_queries(plans, text, CURSOR_OPT_PARALLEL_OK, NULL);
	if (list_length(plans) != 1)
		elog(ERROR, "a utility statement became %d plans", list_length(plans));
	plan = linitial_node(PlannedStmt, plans);

	if (PlannedStmtRequiresSnapshot(plan))
		EnsurePortalSnapshotExists();
	if (concurrent)
	{
		cmig_lock_wait_take_over();
		cmig_extension_lend();
	}
	PG_TRY();
	{
		ProcessUtility(plan, text, false, PROCESS_UTILITY_TOPLEVEL, NULL, NULL,
					   None_Receiver, NULL);
	}
	PG_FINALLY();
	{
		if (concurrent)
			cmig_lock_wait_give_back();
	}
	PG_END_TRY();
	MemoryContextSwitchTo(caller);

	if (ActivePortal->portalSnapshot != NULL && ActiveSnapshotSet())
		PopActiveSnapshot();
	ActivePortal->portalSnapshot = NULL;
	if (concurrent)
	{
		/*
		 * commit the last transaction that the statement has left open, so
		 * that a later error does not undo it
		 */
		cmig_toplevel_commit();
		cmig_extension_hold_again();
	}
}

void
cmig_toplevel_warn_of_snapshots(const char *what)
{
	char	   *who = cmig_lock_wait_snapshots(GetUserId());

	if (who == NULL)
		return;
	ereport(NOTICE,
			(errmsg("%s will wait for open transactions to end", what),
			 errdetail("%s", who),
			 errhint("It does not block other sessions while it waits.")));
	pfree(who);
}

/* Attempt callback: run the SQL statement "arg". */
static void
run_sql(void *arg)
{
	cmig_toplevel_execute(cmig_raw_parse_one(arg), arg);
}

void
cmig_toplevel_run_sql(const char *sql, const char *what)
{
	cmig_toplevel_attempt(run_sql, NULL, unconstify(char *, sql), what);
}

/* ----------------------------------------------------------------
 * Stepwise runs
 * ----------------------------------------------------------------
 */

/* The state of a stepwise run. */
typedef struct StepwiseRun
{
	MemoryContext step_context; /* reset for each step */
	CmigInDoubt in_doubt;
	CmigSituation now;
	const CmigPlan *plan;
	char	   *restore_point;	/* text for the journal that mentions the
								 * restore point, or NULL */
	CmigMarks  *expected;		/* version rows expected at this point */

	/* The following fields describe the current step. */
	int			index;
	CmigRunStep *step;
	int64		journal_id;		/* id of the step's journal row, or 0 */
	TimestampTz started_at;

	/*
	 * The last transaction of the current step sets these fields for the next
	 * step.  They are valid once that transaction has committed.
	 */
	int64		next_journal_id;
	TimestampTz next_started_at;
} StepwiseRun;

void		(*cmig_stepwise_at_end) (void) = NULL;

/*
 * Write the journal row of a step that is about to begin, and return its id.
 */
static int64
start_row(const StepwiseRun *run, int index, TimestampTz started_at)
{
	CmigJournalEntry entry = {0};

	entry.revision = cmig_graph_id(run->now.graph, run->plan->steps[index].node);
	entry.direction = cmig_direction_name(run->plan->direction);
	entry.outcome = "running";
	entry.started_at = started_at;
	return cmig_journal_write(&entry);
}

/* Raise an error unless the version rows are the expected ones. */
static void
require_rows(const StepwiseRun *run)
{
	cmig_move_require_expected(&run->now, run->expected,
							   psprintf("neither a script nor a session may change it by hand. Correct it with `SELECT cmig.stamp('<current revision>', purge => true)`, then `CALL cmig.%s_stepwise` again.",
										cmig_direction_name(run->plan->direction)));
}

/*
 * Finish the current step: update the version rows and the journal.  The
 * caller commits.
 */
static void
finish_step(StepwiseRun *run)
{
	CmigJournalEntry entry = {0};
	const CmigPlanStep *step = &run->plan->steps[run->index];

	cmig_run_limit_check();
	/* an attempt that was rolled back may have added the step */
	cmig_move_expect_step(run->expected, &step->added, &step->removed);
	require_rows(run);
	cmig_move_rows(&run->now, step);
	cmig_move_expect_step(run->expected, &step->removed, &step->added);
	/* a trigger may have written other rows */
	require_rows(run);

	entry.outcome = "done";
	entry.message = run->index == 0 ? run->restore_point : NULL;
	entry.started_at = run->started_at;
	entry.finished_at = GetCurrentTimestamp();
	if (run->plan->direction == CMIG_UPGRADE)
		entry.checksum = cmig_repeatable_checksum(run->step->stored_sql, run->step->transactional,
												  run->step->repeatable);
	cmig_journal_finish(run->journal_id, &entry);

	if (run->index + 1 == run->plan->count)
		cmig_restore_point_after_commit();
	run->next_journal_id = 0;
	run->next_started_at = entry.finished_at;
	if (run->index + 1 < run->plan->count)
		run->next_journal_id = start_row(run, run->index + 1, run->next_started_at);
	else if (run->plan->direction == CMIG_UPGRADE && cmig_stepwise_at_end)
	{
		/* make the effects of the step visible to the hook */
		CommandCounterIncrement();
		cmig_stepwise_at_end();
	}
}

/* Record the failure of the current step in the journal. */
static void
journal_failure(const StepwiseRun *run, const ErrorData *error)
{
	CmigJournalEntry entry = {.started_at = run->started_at};

	if (run->journal_id == 0)
		return;
	if (!cmig_running.verifying)
		entry.statement = cmig_running.statement;
	else
		entry.message = cmig_running.statement == 0 ? "end of verify_sql: " :
			psprintf("statement %d of verify_sql: ", cmig_running.statement);
	cmig_toplevel_record_failure(NULL, run->journal_id, &entry, error);
}

/* Attempt callback: run a transactional step. */
static void
run_transactional(void *arg)
{
	StepwiseRun *run = arg;

	cmig_toplevel_snapshot();
	cmig_runner_run(run->step, CMIG_RUN_ALL);
	finish_step(run);
}

/*
 * Attempt callback: run the final transaction of a nontransactional step,
 * after all statements of its script have run.
 */
static void
finish_statements(void *arg)
{
	StepwiseRun *run = arg;
	CmigRunStep last = *run->step;

	/*
	 * leave out the precondition, which was checked before the first
	 * statement
	 */
	last.precondition_sql = NULL;
	cmig_runner_begin();
	cmig_toplevel_snapshot();
	if (last.direction == CMIG_UPGRADE && last.verify_sql != NULL)
	{
		last.sql = "";
		cmig_runner_run(&last, CMIG_RUN_ALL);
	}
	cmig_progress_clear(last.revision, last.direction, 0);
	cmig_backfill_run_settle(last.revision, cmig_direction_name(last.direction));
	finish_step(run);
}

/* Read the scripts of step number "index". */
static CmigRunStep *
fetch(const StepwiseRun *run, int index)
{
	CmigRunStep *step;

	cmig_toplevel_snapshot();
	step = cmig_step_texts_fetch(run->now.graph, run->plan, index);
	step->top_level = !step->transactional && cmig_running_concurrent_ddl();
	step->committed = true;
	return step;
}

/* Run the current step. */
static void
run_step(StepwiseRun *run)
{
	char	   *what;

	cmig_runner_begin();
	run->step = fetch(run, run->index);
	what = psprintf("%s of %s", cmig_direction_name(run->plan->direction),
					run->step->revision);
	cmig_move_report(&run->now, run->plan, run->plan->steps[run->index].node);
	if (run->step->top_level)
	{
		require_rows(run);

		/*
		 * check the precondition only if the step has not begun: otherwise,
		 * the statements that have run may have made it false
		 */
		if (cmig_progress_read() == NIL)
			cmig_runner_run(run->step, CMIG_RUN_PRECONDITION);
	}
	cmig_toplevel_commit();

	if (run->step->top_level)
	{
		cmig_nontransactional_run(run->step, &run->in_doubt);
		cmig_toplevel_attempt(finish_statements, NULL, run, what);
	}
	else
		cmig_toplevel_attempt(run_transactional, NULL, run, what);
}

/*
 * Before anything is changed, detect what would stop the run, such as
 * statements that a script must not contain, or partially applied steps that
 * are not in the plan.
 */
static void
check_steps(const StepwiseRun *run)
{
	MemoryContext caller = MemoryContextSwitchTo(run->step_context);
	const CmigProgressRow *seen = NULL;
	List	   *rows;

	for (int i = 0; i < run->plan->count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		cmig_run_check_step(fetch(run, i));
		MemoryContextReset(run->step_context);
	}

	rows = cmig_progress_read();
	foreach_ptr(CmigProgressRow, row, rows)
	{
		int			i = 0;

		/* check each step once; the rows of a step are adjacent */
		if (seen != NULL && row->direction == seen->direction &&
			strcmp(row->revision, seen->revision) == 0)
			continue;
		seen = row;
		while (i < run->plan->count &&
			   (row->direction != run->plan->direction ||
				strcmp(row->revision,
					   cmig_graph_id(run->now.graph, run->plan->steps[i].node)) != 0))
			i++;
		if (i == run->plan->count || row->abandoned)
			cmig_progress_require_none(NULL, 0);
		if (fetch(run, i)->transactional)
			ereport(ERROR,
					(errcode(ERRCODE_CMIG_CHANGED_REVISION),
					 errmsg("revision \"%s\" has become transactional since it started",
							row->revision),
					 errdetail("The %s is partially applied. A transactional revision would run again from its first statement.",
							   cmig_direction_name(row->direction)),
					 cmig_hint("Load the revision with transactional: false, and call `cmig.%s_stepwise` again. Or manually revert the statements that have run, then `SELECT cmig.stamp('<current revision>')`",
							   cmig_direction_name(row->direction))));
		if (!cmig_running_concurrent_ddl())
			ereport(ERROR,
					(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					 errmsg("the %s of revision \"%s\" is partially applied",
							cmig_direction_name(row->direction), row->revision),
					 errdetail("It was started statement by statement; with cmig.concurrent_ddl = off, it would run again from its first statement."),
					 cmig_hint("`SET cmig.concurrent_ddl = on`, and call `cmig.%s_stepwise` again.",
							   cmig_direction_name(row->direction))));
	}
	MemoryContextReset(run->step_context);
	MemoryContextSwitchTo(caller);
}

/*
 * Plan a move in one direction, and run all its steps.  For an upgrade,
 * "targets" contains the targets, and for a downgrade, the target.  Returns the
 * number of steps.
 */
static int
move(StepwiseRun *run, CmigDirection direction, const CmigNames *targets,
	 const char *checksum, bool reset)
{
	MemoryContext caller = CurrentMemoryContext;
	CmigDowngradeTarget *resolved;
	CmigPlan   *plan;

	cmig_toplevel_snapshot();
	cmig_active_settle();
	run->now = cmig_move_read(true);
	if (direction == CMIG_UPGRADE)
		plan = cmig_move_plan_upgrade(&run->now, targets);
	else
	{
		plan = cmig_move_plan_downgrade(&run->now, targets->names[0], &resolved);
		cmig_move_require_unprotected(&run->now, plan, resolved->node < 0,
									  reset ? "a reset" : resolved->node < 0 ?
									  "a downgrade to base" : "a downgrade", true);
	}
	cmig_plan_checksum_require(checksum, &run->now, plan);
	cmig_move_respect_expansion(&run->now, plan, true);
	if (direction == CMIG_UPGRADE)
		cmig_before_upgrade(&run->now, plan, CMIG_BEFORE_STEPS);
	else if (reset)
	{
		char	   *name = "heads";
		const CmigNames heads = {1, &name};
		const CmigNames none = {0};
		CmigSituation then = run->now;

		then.applied = cmig_applied_find(then.graph, &none);
		cmig_before_upgrade(&then, cmig_move_plan_upgrade(&then, &heads), CMIG_BEFORE_RESET);
	}

	run->plan = plan;
	cmig_toplevel_snapshot();
	check_steps(run);
	cmig_journal_interrupted();
	if (plan->count == 0)
	{
		cmig_toplevel_commit();
		return 0;
	}

	cmig_log_run_start(cmig_move_describe(run->now.graph, plan), true);
	run->restore_point = cmig_restore_point_before();
	run->started_at = GetCurrentTimestamp();
	run->journal_id = start_row(run, 0, run->started_at);
	run->expected = cmig_move_expect_rows(&run->now);
	cmig_toplevel_commit();

	for (run->index = 0; run->index < plan->count; run->index++)
	{
		MemoryContextReset(run->step_context);
		MemoryContextSwitchTo(run->step_context);
		run_step(run);
		run->journal_id = run->next_journal_id;
		run->started_at = run->next_started_at;
		cmig_run_lock_keep();
	}
	cmig_log_run_end(false, "ok");
	MemoryContextSwitchTo(caller);
	return plan->count;
}

int
cmig_stepwise_run(FunctionCallInfo fcinfo, const char *verb, const CmigNames *targets,
				  const char *in_doubt, const char *checksum, bool *recorded)
{
	char	   *base_name = "base";
	char	   *heads_name = "heads";
	const CmigNames base = {1, &base_name};
	const CmigNames heads = {1, &heads_name};
	const char *name = psprintf("cmig.%s_stepwise", verb);
	bool		reset = targets == NULL;
	bool		upgrade = strcmp(verb, "upgrade") == 0;
	MemoryContext caller = CurrentMemoryContext;
	MemoryContext context;
	StepwiseRun *run;
	volatile int steps = 0;

	cmig_running_require_idle(name);
	cmig_toplevel_require(fcinfo, name);
	/* check cmig.role before the role is written to the journal */
	cmig_session_require_member();

	context = cmig_toplevel_context("pg_cmig stepwise run");
	MemoryContextSwitchTo(context);
	run = palloc0(sizeof(StepwiseRun));
	if (in_doubt != NULL && strcmp(in_doubt, "done") == 0)
		run->in_doubt = CMIG_IN_DOUBT_DONE;
	else if (in_doubt != NULL && strcmp(in_doubt, "again") == 0)
		run->in_doubt = CMIG_IN_DOUBT_AGAIN;
	else if (in_doubt != NULL && strcmp(in_doubt, "stop") == 0)
		run->in_doubt = CMIG_IN_DOUBT_STOP;
	else
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("in_doubt must be stop, done, or again"),
				 errhint("\"stop\", the default, raises an error at a statement that may have partly run; \"done\" continues after it; \"again\" runs it again.")));
	run->step_context = AllocSetContextCreate(context, "pg_cmig step",
											  ALLOCSET_DEFAULT_SIZES);

	cmig_run_lock_require_possible(name);
	if (upgrade && cmig_pending_none(name, targets, checksum, true))
	{
		MemoryContextSwitchTo(caller);
		MemoryContextDelete(context);
		return 0;
	}
	cmig_toplevel_commit();
	PG_TRY();
	{
		cmig_run_lock_session(name);
		if (recorded == NULL)
		{
			cmig_extension_hold();
			cmig_run_limit_start();
		}
		if (!upgrade)
			steps = move(run, CMIG_DOWNGRADE, reset ? &base : targets, checksum, reset);
		if (upgrade || reset)
			steps += move(run, CMIG_UPGRADE, reset ? &heads : targets, checksum, reset);
		if (steps == 0)
			cmig_move_report_nothing(run->now.graph, run->now.applied->rows, verb);
	}
	PG_CATCH();
	{
		ErrorData  *error = cmig_error_take(context);

		cmig_toplevel_rollback();
		journal_failure(run, error);
		/* a client's cancel request signals twice; even a LOG can be canceled */
		HOLD_INTERRUPTS();
		if (run->plan != NULL)
			cmig_move_log_failure(error->sqlerrcode, run->now.graph, run->plan, run->index);
		if (recorded == NULL)
			cmig_extension_release();
		else
			*recorded = run->journal_id != 0;
		cmig_run_lock_release();
		RESUME_INTERRUPTS();
		ReThrowError(error);
	}
	PG_END_TRY();

	if (recorded == NULL)
		cmig_extension_release();
	cmig_run_lock_release();
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(context);
	return steps;
}
