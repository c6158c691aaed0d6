/*
 * backfill.c
 *	  Updates a table in batches that are committed one by one: cmig.backfill.
 *
 * If cmig.concurrent_ddl is off, everything happens in the caller's
 * transaction, and no progress is stored.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/argument.h"
#include "base/citus.h"
#include "base/compat.h"
#include "base/query.h"
#include "base/role.h"
#include "base/settings.h"
#include "move/nontransactional.h"
#include "move/toplevel.h"
#include "online/backfill_batch.h"
#include "online/backfill_resume.h"
#include "online/backfill_skip.h"
#include "online/backfill_sql.h"
#include "online/backfill_target.h"
#include "run/lock_wait.h"
#include "run/run_limit.h"
#include "run/run_lock.h"
#include "run/runner.h"
#include "run/running.h"
#include "tables/backfill_run.h"
#include "tables/progress.h"

#include "catalog/pg_authid.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/backend_status.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#define MOST_ROWS 1000000

/* Time between two checks of the replication lag, in milliseconds. */
#define LAG_PAUSE 200

/* An example of a correct call, for hints. */
#define CALL_HINT "CALL cmig.backfill('users', 'email_lower = lower(email)', 'email_lower IS NULL')"

PG_FUNCTION_INFO_V1(cmig_backfill);

static CmigQuery lag_query = {
	.sql = "SELECT coalesce(max(extract(epoch FROM replay_lag)), 0)::float8 * 1000"
	" FROM pg_stat_replication WHERE state = 'streaming'"
};

/*
 * Run a batch, either in a transaction of its own with retries, or as part of
 * the caller's transaction.
 */
static void
attempt(CmigBackfill *b, CmigAttempt body)
{
	MemoryContext old = MemoryContextSwitchTo(b->batch_context);

	CHECK_FOR_INTERRUPTS();
	cmig_lock_wait_forget();
	if (b->one_transaction)
		body(b);
	else
	{
		cmig_runner_restart_timeout();
		cmig_toplevel_attempt(body, NULL, b, psprintf("backfill of %s", b->target->name));
	}
	MemoryContextSwitchTo(old);
	cmig_backfill_batch_adopt(b);
}

/*
 * Passes over the table
 */

/* Callback that reads a row of lag_query. */
static void
keep_lag(TupleDesc desc, HeapTuple row, void *arg)
{
	bool		isnull;

	*(double *) arg = DatumGetFloat8(cmig_query_datum(desc, row, 1, &isnull));
}

/* Pause between batches, and wait while the replicas lag too far behind. */
static void
throttle(CmigBackfill *b)
{
	if (b->one_transaction)
		return;
	if (b->pause_ms > 0)
		cmig_toplevel_sleep(b->pause_ms);
	while (b->max_lag_ms > 0)
	{
		double		lag = 0;

		cmig_toplevel_snapshot();
		cmig_query_each(&lag_query, NULL, NULL, keep_lag, &lag);
		cmig_toplevel_commit();
		if (lag <= b->max_lag_ms)
			break;
		cmig_toplevel_sleep(LAG_PAUSE);
	}
}

/* Show the backfill's progress in pg_stat_activity. */
static void
show_activity(const CmigBackfill *b)
{
	char		activity[256];

	if (!pgstat_track_activities)
		return;
	snprintf(activity, sizeof(activity), "pg_cmig: backfill of %.150s, pass %d, %lld rows",
			 b->target->name, b->run.pass, (long long) b->run.rows);
	pgstat_report_activity(STATE_RUNNING, activity);
}

/* Walk through all parts of the table once, starting at the stored position. */
static void
run_pass(CmigBackfill *b)
{
	b->part = 0;
	if (b->run.relation != NULL)
	{
		/*
		 * The parts before the current part are done, so skip them.  Compare
		 * names, because the current part may have been dropped in the
		 * meantime.
		 */
		while (b->part < b->target->count &&
			   strcmp(b->target->parts[b->part].name, b->run.relation) < 0)
			b->part++;
	}
	for (; b->part < b->target->count; b->part++)
	{
		do
		{
			attempt(b, cmig_backfill_batch_run);
			show_activity(b);
			if (cmig_backfill_batch_part_is_done(&b->run, b->target->by_key))
				break;
			throttle(b);
		} while (true);
	}
}

/*
 * Warn about rows that still match where_sql.  The number in the message is a
 * lower bound, because each probe query counts only up to a limit, and because
 * the rows before the start of a resumed pass are not included.
 */
static void
warn_of_unchanged(const CmigBackfill *b)
{
	ereport(WARNING,
			(errmsg_plural("at least %lld row of %s still matches where_sql but was not updated",
						   "at least %lld rows of %s still match where_sql but were not updated",
						   (unsigned long) b->run.unchanged,
						   (long long) b->run.unchanged, b->target->name),
			 errdetail("An UPDATE of these rows has no effect, for example because a BEFORE trigger returns NULL."),
			 errhint("Fix the cause, then call cmig.backfill again. To see the remaining rows: SELECT * FROM %s WHERE %s",
					 b->target->name, b->target->where_sql)));
}

/* Run passes until one of them updates no rows. */
static void
run_passes(CmigBackfill *b)
{
	for (;;)
	{
		run_pass(b);

		/*
		 * A resumed pass may have missed rows that were added before the
		 * position at which it was resumed, so run one more pass.
		 */
		if (b->target->where_sql == NULL || (b->run.rows_of_pass == 0 && !b->resumed))
			break;
		b->resumed = false;
		b->run.pass++;
		b->run.relation = NULL;
		b->run.rows_of_pass = 0;
		b->run.unchanged = 0;
		b->run.passed = 0;
		throttle(b);
	}
	if (!b->one_transaction)
		attempt(b, cmig_backfill_batch_end);
	if (b->run.unchanged > 0)
		warn_of_unchanged(b);
}

/* Error context callback that reports the backfill's progress. */
static void
describe_error(void *arg)
{
	CmigBackfill *b = arg;

	cmig_lock_wait_explain();
	errcontext("pg_cmig: backfill of %s, after %lld rows", b->target->name,
			   (long long) b->run.rows);
}

/*
 * Find the state of an interrupted backfill to resume, or create a new state.
 * Returns true if the backfill is already done.
 */
static bool
find_state(CmigBackfill *b)
{
	MemoryContext old = MemoryContextSwitchTo(b->run_context);

	b->resumed = cmig_backfill_resume_find(b->target, &b->identity, b->caller, &b->run);
	b->accepted = true;
	MemoryContextSwitchTo(old);
	return b->run.done;
}

/*
 * If the backfill failed before it updated any rows, delete the backfill's row
 * in cmig.backfill_run.
 */
static void
forget(CmigBackfill *b)
{
	CmigRole	saved;

	/*
	 * if the stored state was rejected, keep its row, which belongs to a
	 * different backfill
	 */
	if (!b->accepted || b->run.id == 0 || b->run.rows > 0)
		return;
	cmig_role_act_as_caller(&saved, b->caller);
	cmig_backfill_run_remove(b->run.id);
	cmig_role_return(&saved);
	cmig_toplevel_commit();
}

/*
 * Run the backfill, holding a lock that prevents another backfill of the
 * table.
 */
static void
run_backfill(CmigBackfill *b)
{
	MemoryContext context = CurrentMemoryContext;
	bool		alone = cmig_running_revision() == NULL;
	ErrorContextCallback callback;

	if (b->one_transaction)
	{
		if (!cmig_running_is_replaying())
			cmig_backfill_resume_refuse(b->target, &b->identity, b->caller);
		b->run.pass = 1;
		run_passes(b);
		return;
	}

	callback.callback = describe_error;
	callback.arg = b;
	callback.previous = error_context_stack;

	cmig_run_lock_table(b->target->oid);
	PG_TRY();
	{
		error_context_stack = &callback;
		if (alone)
			cmig_lock_wait_watch(GetUserId());
		cmig_toplevel_snapshot();
		if (!find_state(b))
		{
			cmig_toplevel_commit();
			b->last = GetCurrentTimestamp();
			run_passes(b);
			ereport(NOTICE,
					(errmsg("backfill of %s updated %lld rows", b->target->name,
							(long long) b->run.rows)));
		}
	}
	PG_CATCH();
	{
		ErrorData  *error;

		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
		if (alone)
			cmig_lock_wait_unwatch();
		cmig_toplevel_rollback();
		cmig_run_lock_table_release(b->target->oid);
		cmig_backfill_sql_free(&b->queries);
		forget(b);
		if (alone && error->hint == NULL && b->run.rows > 0)
			error->hint = "The rows updated so far remain updated. Fix the cause, then repeat the CALL to continue with the other rows.";
		ReThrowError(error);
	}
	PG_END_TRY();
	error_context_stack = callback.previous;
	if (alone)
		cmig_lock_wait_unwatch();
	cmig_run_lock_table_release(b->target->oid);
}

/*
 * Arguments
 */

/* Returns the length of an interval in milliseconds. */
static double
milliseconds(const Interval *interval)
{
	return interval->time / 1000.0 + interval->day * 86400000.0 +
		interval->month * (30 * 86400000.0);
}

/* Returns a text argument, which must not be empty. */
static char *
required_text(FunctionCallInfo fcinfo, int n, const char *name)
{
	char	   *value = cmig_argument_text(fcinfo, n);

	if (value == NULL || value[strspn(value, " \t\r\n")] == '\0')
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s must not be empty", name),
				 errhint(CALL_HINT)));
	return value;
}

/* Returns an interval argument in milliseconds. */
static double
interval_argument(FunctionCallInfo fcinfo, int n, const char *name)
{
	double		value;

	if (PG_ARGISNULL(n))
		return 0;
	value = milliseconds(PG_GETARG_INTERVAL_P(n));
	if (value < 0 || value > 86400000.0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s must be between 0 and 1 day", name)));
	return value;
}

/* Create a backfill from the CALL's options, in the current memory context. */
static CmigBackfill *
make_backfill(FunctionCallInfo fcinfo)
{
	CmigBackfill *b = palloc0(sizeof(CmigBackfill));

	b->batch_size = PG_ARGISNULL(3) ? 10000 : PG_GETARG_INT32(3);
	if (b->batch_size < 1 || b->batch_size > MOST_ROWS)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("batch_size must be between 1 and %d", MOST_ROWS)));
	b->pause_ms = interval_argument(fcinfo, 4, "pause");
	b->max_lag_ms = interval_argument(fcinfo, 5, "max_lag");
	if (b->max_lag_ms > 0 && !has_privs_of_role(GetUserId(), ROLE_PG_READ_ALL_STATS))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied to read the replication lag"),
				 errhint("GRANT pg_read_all_stats TO %s, or leave out max_lag.",
						 quote_identifier(GetUserNameFromId(GetUserId(), false)))));

	b->one_transaction = !cmig_running_concurrent_ddl();
	b->caller = cmig_nontransactional_caller();
	b->prepared = -1;
	b->skip = cmig_backfill_skip_create();
	b->run_context = AllocSetContextCreate(CurrentMemoryContext, "pg_cmig backfill state",
										   ALLOCSET_SMALL_SIZES);
	b->spare_context = AllocSetContextCreate(CurrentMemoryContext, "pg_cmig backfill state",
											 ALLOCSET_SMALL_SIZES);
	b->batch_context = AllocSetContextCreate(CurrentMemoryContext, "pg_cmig backfill batch",
											 ALLOCSET_DEFAULT_SIZES);
	return b;
}

/*
 * Set the backfill's identity, by which an interrupted backfill is found
 * again.  Call this after the target has been checked.
 */
static void
set_identity(CmigBackfill *b, const char *set_sql, const char *where_sql)
{
	b->identity.target = b->target->name;
	b->identity.set_sql = set_sql;
	b->identity.where_sql = where_sql;
	b->identity.by_key = b->target->by_key;
	if (cmig_running_revision() != NULL)
	{
		b->identity.revision = pstrdup(cmig_running_revision());
		b->identity.direction = cmig_direction_name(cmig_running_direction());
		b->identity.statement = cmig_running_statement();
	}
}

Datum
cmig_backfill(PG_FUNCTION_ARGS)
{
	MemoryContext caller = CurrentMemoryContext;
	MemoryContext context;
	CmigBackfill *b;
	char	   *set_sql;
	char	   *where_sql;
	Oid			table;

	if (cmig_running_concurrent_ddl())
		cmig_toplevel_require(fcinfo, "cmig.backfill");
	PreventCommandIfReadOnly("cmig.backfill");
	cmig_citus_require_coordinator("cmig.backfill");
	if (cmig_running_revision() == NULL)
		cmig_run_limit_start();

	context = cmig_running_concurrent_ddl() ?
		cmig_toplevel_context("pg_cmig backfill") :
		AllocSetContextCreate(CurrentMemoryContext, "pg_cmig backfill", ALLOCSET_DEFAULT_SIZES);
	MemoryContextSwitchTo(context);
	if (PG_ARGISNULL(0))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the target must not be null"),
				 errhint(CALL_HINT)));
	table = PG_GETARG_OID(0);
	set_sql = required_text(fcinfo, 1, "set_sql");
	where_sql = PG_ARGISNULL(2) ? NULL : required_text(fcinfo, 2, "where_sql");

	b = make_backfill(fcinfo);
	if (!b->one_transaction)
	{
		cmig_toplevel_reach_table(table, "backfill", cmig_running_revision() == NULL);
		cmig_toplevel_snapshot();
	}
	b->target = cmig_backfill_target_check(table, set_sql, where_sql);
	set_identity(b, set_sql, where_sql);
	if (!b->one_transaction)
		cmig_toplevel_commit();

	run_backfill(b);

	cmig_backfill_sql_free(&b->queries);
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(context);
	PG_RETURN_VOID();
}
