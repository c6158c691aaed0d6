/*
 * toplevel.c
 *	  Tools for procedures that commit: transactions, attempts, and statements
 *	  at top level.
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
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/errors.h"
#include "base/query.h"
#include "move/toplevel.h"
#include "parse/raw_parse.h"
#include "parse/statement.h"
#include "run/execute.h"
#include "run/extension.h"
#include "run/lock_wait.h"
#include "run/run_limit.h"
#include "run/runner.h"
#include "run/running.h"

#include "access/xact.h"
#include "common/pg_prng.h"
#include "miscadmin.h"
#include "parser/analyze.h"
#include "parser/parser.h"
#include "pgstat.h"
#include "storage/latch.h"
#include "storage/lmgr.h"
#include "tcop/pquery.h"
#include "tcop/tcopprot.h"
#include "tcop/utility.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/portal.h"
#include "utils/snapmgr.h"
#include "utils/timeout.h"
#include "utils/timestamp.h"
#include "utils/wait_event.h"

/* Shortest and longest pause between attempts, in milliseconds. */
#define FIRST_PAUSE 200
#define LONGEST_PAUSE 30000

/*
 * Transactions that have been open for less than this time, in milliseconds,
 * are not reported.
 */
#define OLD_SNAPSHOT_MS 1000

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

/* Conditions of the call */

/*
 * Is the procedure called as a separate statement at top level, so that it is
 * allowed to commit?
 */
static bool
may_commit(FunctionCallInfo fcinfo)
{
	if (fcinfo->context == NULL || !IsA(fcinfo->context, CallContext) ||
		castNode(CallContext, fcinfo->context)->atomic)
		return false;
	return !cmig_query_in_procedure() && !IsTransactionBlock() &&
		!IsSubTransaction() && (MyXactFlags & XACT_FLAGS_PIPELINING) == 0 &&
		ActivePortal != NULL;
}

void
cmig_toplevel_require(FunctionCallInfo fcinfo, const char *procedure)
{
	if (may_commit(fcinfo))
		return;
	if (cmig_running_revision() != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_ACTIVE_SQL_TRANSACTION),
				 errmsg("CALL %s must be a separate statement outside a transaction block",
						procedure),
				 errdetail("It commits after each step, which is not possible inside a transactional revision, a function, another procedure, or a DO block."),
				 errhint("Make the CALL a separate statement in a revision with \"transactional: false\".")));
	ereport(ERROR,
			(errcode(ERRCODE_ACTIVE_SQL_TRANSACTION),
			 errmsg("CALL %s must be a separate statement outside a transaction block",
					procedure),
			 errdetail("It commits after each step, which is not possible inside a transaction block, a function, another procedure, a DO block, a pipeline, or a string of several statements."),
			 errhint("psql: ROLLBACK and \\set AUTOCOMMIT on, then the CALL alone, without --single-transaction and in a separate -c option. psycopg: connection.rollback() and connection.autocommit = True, then execute() outside transaction(), pipeline(), and psycopg2's \"with connection\". node-pg: client.query('ROLLBACK'), then client.query() with the CALL alone. JDBC: if autocommit is off, connection.rollback() and connection.setAutoCommit(true), then execute() with the CALL alone, not in a batch.")));
}

/*
 * Transactions
 */

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
cmig_toplevel_sleep(long ms)
{
	TimestampTz end = cmig_run_limit_earlier(TimestampTzPlusMilliseconds(GetCurrentTimestamp(), ms));
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

/*
 * Attempts
 */

/*
 * Was the error caused by other sessions' locks or updates, so that another
 * attempt might succeed?
 */
static bool
is_transient(const ErrorData *error)
{
	return error->sqlerrcode == ERRCODE_LOCK_NOT_AVAILABLE ||
		error->sqlerrcode == ERRCODE_T_R_DEADLOCK_DETECTED ||
		error->sqlerrcode == ERRCODE_T_R_SERIALIZATION_FAILURE;
}

/* Returns the pause after attempt n (counted from 1), with jitter. */
static long
pause_after(int n)
{
	double		pause = FIRST_PAUSE;

	for (int i = 1; i < n && pause < LONGEST_PAUSE; i++)
		pause *= 2;
	return (long) (Min(pause, LONGEST_PAUSE) *
				   (0.75 + 0.5 * pg_prng_double(&pg_global_prng_state)));
}

/*
 * Report in a NOTICE that attempt n has failed, and wait before the next one.
 */
static void
pause_before_retry(const ErrorData *error, const char *what, int n)
{
	long		pause = pause_after(n);

	ereport(NOTICE,
			(error->sqlerrcode == ERRCODE_T_R_SERIALIZATION_FAILURE ?
			 errmsg("%s encountered a concurrent update, attempt %d of %d; trying again in %ld ms",
					what, n, lock_retries + 1, pause) :
			 errmsg("%s could not get a lock, attempt %d of %d; trying again in %ld ms",
					what, n, lock_retries + 1, pause),
			 error->detail ? errdetail_internal("%s", error->detail) : 0));
	cmig_toplevel_sleep(pause);
}

void
cmig_toplevel_attempt(CmigAttempt body, CmigMayRepeat may_repeat, void *arg,
					  const char *what)
{
	MemoryContext caller = CurrentMemoryContext;

	for (volatile int n = 1;; n++)
	{
		ErrorData  *volatile error = NULL;

		cmig_lock_wait_reset();
		PG_TRY();
		{
			body(arg);
			MemoryContextSwitchTo(caller);
			cmig_toplevel_commit();
		}
		PG_CATCH();
		{
			MemoryContextSwitchTo(caller);
			error = CopyErrorData();
			FlushErrorState();
		}
		PG_END_TRY();

		if (error == NULL)
			return;

		cmig_toplevel_rollback();
		if (n > lock_retries || !is_transient(error) ||
			(may_repeat != NULL && !may_repeat(arg)))
			ReThrowError(error);
		pause_before_retry(error, what, n);
		cmig_extension_hold_again();
		FreeErrorData(error);
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
		cmig_lock_wait_forget();
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
 * Statements
 */

/*
 * Is this an optimizable statement, such as SELECT or INSERT, rather than a
 * utility statement?
 */
static bool
is_optimizable(const Node *node)
{
	switch (nodeTag(node))
	{
		case T_InsertStmt:
		case T_UpdateStmt:
		case T_DeleteStmt:
		case T_MergeStmt:
		case T_SelectStmt:
			return true;
		default:
			return false;
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

	if (is_optimizable(raw->stmt))
	{
		EnsurePortalSnapshotExists();
		cmig_execute_statement(raw, text, None_Receiver);
		return;
	}

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
	char	   *who = cmig_lock_wait_snapshots(GetUserId(), OLD_SNAPSHOT_MS);

	if (who == NULL)
		return;
	ereport(NOTICE,
			(errmsg("%s will wait for open transactions to end", what),
			 errdetail("%s", who),
			 errhint("It does not block other sessions while it waits.")));
	pfree(who);
}

/* Argument of run_sql(). */
typedef struct SqlAttempt
{
	const char *sql;
	RawStmt    *raw;
} SqlAttempt;

/* Attempt callback: run the statement in the SqlAttempt. */
static void
run_sql(void *arg)
{
	SqlAttempt *attempt = arg;

	cmig_toplevel_execute(attempt->raw, attempt->sql);
}

void
cmig_toplevel_run_sql(const char *sql, const char *what)
{
	SqlAttempt	attempt = {.sql = sql};

	attempt.raw = cmig_raw_parse_one(sql);
	cmig_toplevel_attempt(run_sql, NULL, &attempt, what);
}
