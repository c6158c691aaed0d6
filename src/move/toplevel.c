/*
 * toplevel.c
 *	  Tools for procedures that commit.
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
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_type.h"
#include "common/pg_prng.h"
#include "nodes/makefuncs.h"
#include "parser/analyze.h"
#include "parser/parse_type.h"
#include "storage/latch.h"
#include "storage/lmgr.h"
#include "tcop/pquery.h"
#include "tcop/tcopprot.h"
#include "tcop/utility.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"
#include "utils/timeout.h"
#include "utils/timestamp.h"
#include "utils/wait_event.h"

#include "base/errors.h"
#include "move/internal.h"

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
	DefineCustomIntVariable(cmig_settings_name("cmig.lock_retries"),
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
	MemoryContext context = AllocSetContextCreateInternal(PortalContext, name, ALLOCSET_DEFAULT_SIZES);

	cmig_call_guard(context);
	return context;
}

/* The isolation level of a transaction that has just begun. */
static void
set_isolation(void)
{
	if (cmig_call_reads_committed && !FirstSnapshotSet)
		XactIsoLevel = XACT_READ_COMMITTED;
}

void
cmig_toplevel_snapshot(void)
{
	/* CONCURRENTLY begins transactions itself */
	set_isolation();
	EnsurePortalSnapshotExists();
}

void
cmig_toplevel_commit(void)
{
	MemoryContext caller = CurrentMemoryContext;

	cmig_query_commit();
	set_isolation();
	MemoryContextSwitchTo(caller);
}

/* The memory of a statement that has failed, until the transaction has ended. */
static MemoryContext failed = NULL;

void
cmig_toplevel_rollback(void)
{
	MemoryContext caller = CurrentMemoryContext;

	/*
	 * nothing here waits, and what handles an error relies on a new
	 * transaction
	 */
	HOLD_INTERRUPTS();
	if (IsSubTransaction())
		AbortOutOfAnyTransaction();
	else
		AbortCurrentTransaction();
	ActivePortal->portalSnapshot = NULL;
	StartTransactionCommand();
	MemoryContextSwitchTo(caller);
	if (failed != NULL)
		MemoryContextDelete(failed);
	cmig_extension_try_again();

	/*
	 * the new transaction has the same start time as the CALL, so commit it
	 * and start another one, which has the current time
	 */
	cmig_toplevel_commit();
	RESUME_INTERRUPTS();
}

void
cmig_toplevel_after_error(CmigAttempt body, void *arg)
{
	MemoryContext caller = CurrentMemoryContext;

	for (volatile int n = 1, done = 0; !done && n <= 2; n++)
	{
		PG_TRY();
		{
			cmig_toplevel_snapshot();
			body(arg);
			cmig_toplevel_commit();
			done = 1;
		}
		PG_CATCH();
		{
			MemoryContextSwitchTo(caller);
			FlushErrorState();
			cmig_toplevel_rollback();
		}
		PG_END_TRY();
	}
}

void
cmig_toplevel_leave(void *arg)
{
	cmig_toplevel_snapshot();
	cmig_session_leave();
	cmig_toplevel_commit();
	(void) cmig_session_forget();
}

/* What a failed procedure writes to the journal. */
typedef struct Failure
{
	const char *scope;
	int64		id;
	CmigJournalEntry *entry;
} Failure;

static void
record_failure(void *arg)
{
	const Failure *failure = arg;

	if (failure->scope != NULL)
		cmig_settings_set("cmig.scope", failure->scope, PGC_USERSET, GUC_ACTION_LOCAL);
	if (failure->id != 0)
		cmig_journal_finish(failure->id, failure->entry);
	else if (cmig_run_lock_try())
		cmig_journal_write(failure->entry);
}

void
cmig_toplevel_record_failure(const char *scope, int64 id, CmigJournalEntry *entry,
							 const ErrorData *error)
{
	Failure		failure = {scope, id, entry};

	entry->outcome = "failed";
	entry->finished_at = GetCurrentTimestamp();
	entry->sqlstate = pstrdup(unpack_sql_state(error->sqlerrcode));
	entry->message = psprintf("%s%s", entry->message ? entry->message : "",
							  cmig_error_stored(error));

	cmig_toplevel_after_error(record_failure, &failure);
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

void
cmig_toplevel_reach_table(Oid table, const char *procedure, bool alone)
{
	ErrorContextCallback callback = {.callback = cmig_lock_wait_explain_callback};
	char	   *name = get_rel_name(table);
	char	   *what;

	if (name == NULL)
		return;
	what = psprintf("%s of %s", procedure,
					quote_qualified_identifier(cmig_query_schema_name(get_rel_namespace(table)), name));
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
			(void) cmig_inheritors(referenced, AccessExclusiveLock);
		}
	}
}

/*
 * Does it make no difference to the server that the statement is not in a
 * function?  Then it runs as in one, because pgaudit and others watch what is not.
 */
static bool
is_same_in_function(const RawStmt *raw)
{
	int			flags = cmig_statement_flags(raw->stmt);
	const char *reason;

	return (flags & CMIG_STATEMENT_QUERY) ||
		((flags & CMIG_STATEMENT_DEFINES) &&
		 cmig_statement_classify(raw, &reason) == CMIG_STATEMENT_PLAIN);
}

/* Called when it ends. */
static void
forget_failed(void *arg)
{
	failed = NULL;
}

/*
 * Rethrow the current error.  Until 2025, pgaudit refused whatever looked like a
 * statement of the client while a CALL runs.
 */
static void
rethrow(MemoryContext caller, MemoryContext context)
{
	ErrorData  *error = cmig_error_take(caller);
	MemoryContextCallback *end = MemoryContextAllocZero(context, sizeof(MemoryContextCallback));

	end->func = forget_failed;
	MemoryContextRegisterResetCallback(context, end);
	failed = context;
	if (error->sqlerrcode == ERRCODE_INTERNAL_ERROR && error->funcname != NULL &&
		strcmp(error->funcname, "pgaudit_ProcessUtility_hook") == 0)
	{
		error->sqlerrcode = ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE;
		error->message = pstrdup("this version of pgaudit does not let a procedure run a statement outside of a transaction");
		error->hint = pstrdup("Update pgaudit to 1.7.1, 16.1, 17.1, or later. Or turn it off for this session, as a role that may: SET pgaudit.log = 'none'.");
	}
	ReThrowError(error);
}

void
cmig_toplevel_execute(const RawStmt *statement, const char *text)
{
	bool		concurrent = cmig_statement_is_concurrent(statement);
	MemoryContext caller = CurrentMemoryContext;
	MemoryContext context;
	RawStmt    *raw;
	List	   *plans;
	PlannedStmt *plan;

	cmig_added_begin();
	if (cmig_statement_flags(statement->stmt) & CMIG_STATEMENT_QUERY)
		EnsurePortalSnapshotExists();
	else
		lock_referenced(statement->stmt);
	if (is_same_in_function(statement))
	{
		cmig_execute_statement(statement, text, None_Receiver);
		return;
	}

	/* see cmig_execute_statement(); it must be there when a transaction ends */
	context = AllocSetContextCreate(caller, "pg_cmig statement", ALLOCSET_DEFAULT_SIZES);
	MemoryContextSwitchTo(context);
	raw = copyObject(unconstify(RawStmt *, statement));
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
	PG_CATCH();
	{
		if (concurrent)
			cmig_lock_wait_give_back();
		rethrow(caller, context);
	}
	PG_END_TRY();
	if (concurrent)
		cmig_lock_wait_give_back();
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(context);
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
