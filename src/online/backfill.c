/*
 * backfill.c
 *	  CALL cmig.backfill: update a table in batches, each committed.
 *
 * The state that counts is the one of the last commit (Backfill.run).  A
 * batch computes the next one, stores it in its own transaction and replaces
 * the old one after the commit, so an attempt that is rolled back begins
 * again from the same place.
 *
 * With cmig.concurrent_ddl off everything happens in the caller's transaction
 * and nothing is stored.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/argument.h"
#include "base/compat.h"
#include "base/query.h"
#include "base/settings.h"
#include "move/nontransactional.h"
#include "move/toplevel.h"
#include "online/backfill_resume.h"
#include "online/backfill_skip.h"
#include "online/backfill_sql.h"
#include "online/backfill_target.h"
#include "run/lock_wait.h"
#include "run/run_limit.h"
#include "run/run_lock.h"
#include "run/runner.h"
#include "tables/backfill_run.h"
#include "tables/progress.h"

#include <math.h>

#include "access/xact.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/backend_status.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#define MOST_ROWS 1000000

/* How often the lag of the replicas is looked at again, in milliseconds. */
#define LAG_PAUSE 200

PG_FUNCTION_INFO_V1(cmig_backfill);

typedef struct Backfill
{
	CmigBackfillTarget *target;
	CmigBackfillIdentity identity;
	bool		one_transaction;
	int			batch_size;
	long		pause_ms;
	double		max_lag_ms;		/* 0: whatever */
	Oid			caller;			/* writes the row of its state */

	MemoryContext run_context;	/* what run points to */
	MemoryContext spare_context;	/* the same next time */
	MemoryContext batch_context;
	CmigBackfillRun run;		/* as committed */
	CmigBackfillRun next;		/* as the batch under way will leave it */
	int			part;			/* of the target, under way */
	int			prepared;		/* the part whose statements these are, or -1 */
	CmigBackfillQueries queries;	/* of that part */
	double		blocks;			/* by ctid: of the next batch */
	double		dense_blocks;	/* that would be a batch if all rows matched */
	CmigBackfillSkip *skip;		/* blocks that are done */
	bool		resumed;		/* the pass under way was begun by another
								 * call */
	TransactionId xid;			/* of the batch under way, if it has one */
	TimestampTz last;			/* until when time spent is accounted for */
} Backfill;

static CmigQuery lag_query = {
	.sql = "SELECT coalesce(max(extract(epoch FROM replay_lag)), 0)::float8 * 1000"
	" FROM pg_stat_replication WHERE state = 'streaming'"
};

/*
 * A batch
 */

static CmigNames
one_name(char *name)
{
	CmigNames	names = {.count = 1,.names = palloc(sizeof(char *))};

	names.names[0] = name;
	return names;
}

typedef struct Counts
{
	int64		all;
	int64		still;
} Counts;

static void
keep_counts(TupleDesc desc, HeapTuple row, void *arg)
{
	Counts	   *counts = arg;
	bool		isnull;

	counts->all = DatumGetInt64(cmig_query_datum(desc, row, 1, &isnull));
	counts->still = DatumGetInt64(cmig_query_datum(desc, row, 2, &isnull));
}

static void
keep_key(TupleDesc desc, HeapTuple row, void *arg)
{
	CmigNames  *key = arg;

	key->count = desc->natts;
	key->names = palloc(sizeof(char *) * desc->natts);
	for (int i = 0; i < desc->natts; i++)
		key->names[i] = cmig_query_text(desc, row, i + 1);
}

/* A key as text must read the same in whatever session goes on. */
static CmigNames
fetch_key(CmigQuery *query, Datum *values)
{
	CmigNames	key = {0};
	int			level = NewGUCNestLevel();

	cmig_settings_override("datestyle", "ISO, MDY");
	cmig_settings_override("intervalstyle", "postgres");
	cmig_settings_override("extra_float_digits", "1");
	cmig_query_each(query, values, NULL, keep_key, &key);
	AtEOXact_GUC(false, level);
	return key;
}

static int64
update_range(Backfill *b, Datum *values)
{
	Counts		counts = {0};

	if (b->next.pass == 1 && b->next.rows > 0)
		return cmig_query_run(&b->queries.update, values, NULL);

	/* what is updated must not match any more, or it would never end */
	cmig_query_each(&b->queries.checked, values, NULL, keep_counts, &counts);
	if (counts.still > 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("where_sql still matches rows that were updated"),
				 errdetail("Of the %lld rows of this batch, which was rolled back, %lld would be updated again in the next pass.",
						   (long long) counts.all, (long long) counts.still),
				 errhint("Let where_sql be true for the rows still to do, such as new_column IS NULL, or leave it out to update each row once.")));
	return counts.all;
}

/*
 * Nothing of a range was updated.  Do rows match all the same?  Somebody may
 * have inserted or changed them meanwhile, so they get one more update before
 * they count as rows that cannot be.
 */
static int64
update_leftovers(Backfill *b, Datum *values)
{
	Counts		probed = {0};
	int64		rows;

	cmig_query_each(&b->queries.probe, values, NULL, keep_counts, &probed);
	if (probed.all == 0)
		return 0;
	rows = update_range(b, values);
	if (rows == 0)
		b->next.unchanged += probed.all;
	return rows;
}

static int64
update_blocks(Backfill *b)
{
	BlockNumber start = strtoul(b->next.place.names[0], NULL, 10);
	BlockNumber bound = strtoul(b->next.bound.names[0], NULL, 10);
	BlockNumber end;
	ItemPointerData from;
	ItemPointerData to;
	Datum		values[2];
	int64		rows;

	if (b->next.pass > 1)
	{
		BlockNumber next = cmig_backfill_skip_next(b->skip, b->target->parts[b->part].oid,
												   start, bound);

		b->next.passed += next - start;
		start = next;
	}
	end = Min(start + (BlockNumber) b->blocks, bound);
	ItemPointerSet(&from, start, 0);
	ItemPointerSet(&to, end, 0);
	values[0] = PointerGetDatum(&from);
	values[1] = PointerGetDatum(&to);

	/* where few rows match a range is long: it must not meet too many */
	if (b->blocks > b->dense_blocks)
	{
		Counts		probed = {0};

		cmig_query_each(&b->queries.probe, values, NULL, keep_counts, &probed);
		if (probed.all == 0)
		{
			b->next.place = one_name(psprintf("%u", end));
			b->next.passed += end - start;
			return 0;
		}
		if (probed.all > b->batch_size)
		{
			b->blocks = b->dense_blocks;
			end = Min(start + (BlockNumber) b->blocks, bound);
			ItemPointerSet(&to, end, 0);
		}
	}

	/* a pass that updates nothing is the last: it tells what is left */
	rows = update_range(b, values);
	if (rows == 0 && b->next.rows_of_pass == 0)
		rows = update_leftovers(b, values);

	b->next.place = one_name(psprintf("%u", end));
	b->next.passed += end - start;
	return rows;
}

static int64
update_keys(Backfill *b)
{
	const CmigNames *place = &b->next.place;
	const CmigNames *bound = &b->next.bound;
	int			count = bound->count;
	Datum		values[CMIG_QUERY_MAX_ARGS];
	CmigNames	end;
	int			lower = place->count;	/* 0 at the beginning */
	int64		rows;

	for (int i = 0; i < lower; i++)
		values[i] = CStringGetTextDatum(place->names[i]);
	for (int i = 0; i < count; i++)
		values[lower + i] = CStringGetTextDatum(bound->names[i]);
	end = fetch_key(lower ? &b->queries.end : &b->queries.first_end, values);
	if (end.count == 0)
		end = *bound;
	for (int i = 0; i < count; i++)
		values[lower + i] = CStringGetTextDatum(end.names[i]);
	rows = cmig_query_run(lower ? &b->queries.update : &b->queries.first, values, NULL);
	b->next.place = end;
	b->next.passed += rows;
	return rows;
}

/* Is the part under way done? */
static bool
part_is_done(const CmigBackfillRun *run, bool by_key)
{
	if (run->bound.count == 0)
		return true;			/* it was empty */
	if (run->place.count == 0)
		return false;
	if (!by_key)
		return strtoul(run->place.names[0], NULL, 10) >= strtoul(run->bound.names[0], NULL, 10);
	for (int i = 0; i < run->bound.count; i++)
	{
		if (strcmp(run->place.names[i], run->bound.names[i]) != 0)
			return false;
	}
	return true;
}

/*
 * The statements name the table, its blocks are found by its oid.  Under the
 * lock of the UPDATE the two stay the same until the batch ends.
 */
static void
require_same_table(const CmigBackfillPart *part, bool by_key)
{
	char	   *name;

	LockRelationOid(part->oid, RowExclusiveLock);
	name = cmig_backfill_target_name(part->oid);
	if (name == NULL || strcmp(name, part->name) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("table %s was renamed or dropped during its backfill", part->name),
				 name ? errdetail("It is %s now.", name) : 0,
				 name && by_key ? errhint("Give it its name back and CALL again, which goes on. By its new name all its rows would be updated once more.") : 0));
}

/* The part is new to this session, or new at all. */
static void
begin_part(Backfill *b, const CmigBackfillPart *part)
{
	require_same_table(part, b->target->by_key);
	if (b->prepared != b->part)
	{
		MemoryContext old = MemoryContextSwitchTo(MemoryContextGetParent(b->batch_context));

		cmig_backfill_sql_prepare(&b->queries, b->target, part, b->batch_size);
		MemoryContextSwitchTo(old);
		b->blocks = b->dense_blocks = cmig_backfill_sql_blocks(part, b->batch_size);
		b->prepared = b->part;
	}
	if (b->next.relation != NULL && strcmp(b->next.relation, part->name) == 0)
	{
		cmig_backfill_resume_require_key(&b->next, part);
		return;
	}
	b->next.relation = part->name;
	b->next.key.count = part->key.count;
	b->next.key.names = part->key.columns;
	MemSet(&b->next.place, 0, sizeof(CmigNames));
	MemSet(&b->next.bound, 0, sizeof(CmigNames));
	if (b->target->by_key)
		b->next.bound = fetch_key(&b->queries.bound, NULL);
	else
	{
		b->next.place = one_name(pstrdup("0"));
		b->next.bound = one_name(psprintf("%.0f", cmig_backfill_sql_size(part->oid)));
	}
}

static void
store(Backfill *b)
{
	Oid			user;
	int			security;
	TimestampTz now = GetCurrentTimestamp();

	if (b->one_transaction)
		return;
	GetUserIdAndSecContext(&user, &security);
	SetUserIdAndSecContext(b->caller, security | SECURITY_LOCAL_USERID_CHANGE);
	cmig_backfill_run_update(&b->next, now - b->last);
	SetUserIdAndSecContext(user, security);
}

static void
run_batch(void *arg)
{
	Backfill   *b = arg;
	const CmigBackfillPart *part = &b->target->parts[b->part];
	int			level;
	int64		rows;

	if (!b->one_transaction)
		cmig_toplevel_snapshot();
	level = NewGUCNestLevel();
	cmig_settings_override("row_security", "off");
	b->next = b->run;
	begin_part(b, part);
	if (!part_is_done(&b->next, b->target->by_key))
	{
		rows = b->target->by_key ? update_keys(b) : update_blocks(b);
		b->next.rows += rows;
		b->next.rows_of_pass += rows;
		b->next.batches++;
		if (!b->target->by_key)
			b->blocks = Min(Max(rows == 0 ? b->blocks * 2 :
								floor(b->blocks * Min(Max((double) b->batch_size / rows, 0.5), 2)),
								1), CMIG_BACKFILL_MOST_BLOCKS);
	}
	b->xid = GetTopTransactionIdIfAny();
	AtEOXact_GUC(false, level);
	store(b);
}

static void
run_last(void *arg)
{
	Backfill   *b = arg;

	b->next = b->run;
	b->next.done = true;
	store(b);
}

static void
copy_names(CmigNames *names)
{
	char	  **copy = palloc(sizeof(char *) * Max(names->count, 1));

	for (int i = 0; i < names->count; i++)
		copy[i] = pstrdup(names->names[i]);
	names->names = copy;
}

/* What was computed is committed: from now on it is the state. */
static void
adopt(Backfill *b)
{
	MemoryContext previous = b->run_context;
	MemoryContext old = MemoryContextSwitchTo(b->spare_context);

	/* next may still point into what run points to */
	b->run = b->next;
	b->run.method = b->next.method ? pstrdup(b->next.method) : NULL;
	b->run.relation = b->next.relation ? pstrdup(b->next.relation) : NULL;
	copy_names(&b->run.key);
	copy_names(&b->run.place);
	copy_names(&b->run.bound);
	MemoryContextSwitchTo(MemoryContextGetParent(b->batch_context));
	if (TransactionIdIsValid(b->xid) && !b->one_transaction)
		cmig_backfill_skip_add(b->skip, b->xid);
	b->xid = InvalidTransactionId;
	MemoryContextSwitchTo(old);
	MemoryContextReset(b->batch_context);
	MemoryContextReset(previous);
	b->run_context = b->spare_context;
	b->spare_context = previous;
	b->last = GetCurrentTimestamp();
	if (b->run.rows > 0)
		cmig_nontransactional_note_own_work();
}

/* Carry it out, with retries and a commit, or as a part of the transaction. */
static void
attempt(Backfill *b, CmigAttempt body)
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
	adopt(b);
}

/*
 * The loop
 */

static void
keep_lag(TupleDesc desc, HeapTuple row, void *arg)
{
	bool		isnull;

	*(double *) arg = DatumGetFloat8(cmig_query_datum(desc, row, 1, &isnull));
}

static void
throttle(Backfill *b)
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

static void
show_activity(const Backfill *b)
{
	char		activity[256];

	if (!pgstat_track_activities)
		return;
	snprintf(activity, sizeof(activity), "pg_cmig: backfill of %.150s, pass %d, %lld rows",
			 b->target->name, b->run.pass, (long long) b->run.rows);
	pgstat_report_activity(STATE_RUNNING, activity);
}

/* All parts once, from where the state says. */
static void
run_pass(Backfill *b)
{
	b->part = 0;
	if (b->run.relation != NULL)
	{
		/* parts before it are done; it may have gone meanwhile */
		while (b->part < b->target->count &&
			   strcmp(b->target->parts[b->part].name, b->run.relation) < 0)
			b->part++;
	}
	for (; b->part < b->target->count; b->part++)
	{
		do
		{
			attempt(b, run_batch);
			show_activity(b);
			if (part_is_done(&b->run, b->target->by_key))
				break;
			throttle(b);
		} while (true);
	}
}

/* A lower bound: a probe stops counting, and a resumed pass began earlier. */
static void
warn_of_unchanged(const Backfill *b)
{
	ereport(WARNING,
			(errmsg_plural("where_sql still matches at least %lld row of %s, which was not updated",
						   "where_sql still matches at least %lld rows of %s, which were not updated",
						   (unsigned long) b->run.unchanged,
						   (long long) b->run.unchanged, b->target->name),
			 errdetail("An UPDATE has no effect there, as when a BEFORE trigger returns NULL."),
			 errhint("Fix the cause and CALL cmig.backfill again. What is left: SELECT * FROM %s WHERE %s",
					 b->target->name, b->target->where_sql)));
}

static void
run_passes(Backfill *b)
{
	for (;;)
	{
		run_pass(b);
		/* rows may have come behind the place where it was interrupted */
		if (b->target->by_key || (b->run.rows_of_pass == 0 && !b->resumed))
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
		attempt(b, run_last);
	if (b->run.unchanged > 0)
		warn_of_unchanged(b);
}

/* Errors say where it was. */
static void
describe_error(void *arg)
{
	Backfill   *b = arg;

	cmig_lock_wait_explain();
	errcontext("pg_cmig: backfill of %s, after %lld rows", b->target->name,
			   (long long) b->run.rows);
}

/* Find the state to go on with, or begin one; true if it is done already. */
static bool
find_state(Backfill *b)
{
	MemoryContext old = MemoryContextSwitchTo(b->run_context);

	b->resumed = cmig_backfill_resume_find(b->target, &b->identity, b->caller, &b->run);
	MemoryContextSwitchTo(old);
	return b->run.done;
}

/* What failed before any row was updated leaves no trace. */
static void
forget(Backfill *b)
{
	Oid			user;
	int			security;

	if (b->run.id == 0 || b->run.rows > 0)
		return;
	GetUserIdAndSecContext(&user, &security);
	SetUserIdAndSecContext(b->caller, security | SECURITY_LOCAL_USERID_CHANGE);
	cmig_backfill_run_remove(b->run.id);
	SetUserIdAndSecContext(user, security);
	cmig_toplevel_commit();
}

static void
run_backfill(Backfill *b)
{
	MemoryContext context = CurrentMemoryContext;
	bool		alone = cmig_runner_current() == NULL;
	ErrorContextCallback callback;

	if (b->one_transaction)
	{
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
					(errmsg("backfill of %s: %lld rows", b->target->name,
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
			error->hint = "What it has updated stays. After fixing the cause, CALL it again: it goes on with the other rows.";
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

static double
milliseconds(const Interval *interval)
{
	return interval->time / 1000.0 + interval->day * 86400000.0 +
		interval->month * (30 * 86400000.0);
}

static char *
required_text(FunctionCallInfo fcinfo, int n, const char *name)
{
	char	   *value = cmig_argument_text(fcinfo, n);

	if (value == NULL || value[strspn(value, " \t\r\n")] == '\0')
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s must not be empty", name),
				 errhint("CALL cmig.backfill('users', 'email_lower = lower(email)', 'email_lower IS NULL')")));
	return value;
}

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

Datum
cmig_backfill(PG_FUNCTION_ARGS)
{
	MemoryContext caller = CurrentMemoryContext;
	MemoryContext context;
	Backfill   *b;
	char	   *set_sql;
	char	   *where_sql;
	Oid			table;

	if (cmig_runner_concurrent_ddl())
		cmig_toplevel_require(fcinfo, "cmig.backfill");
	PreventCommandIfReadOnly("cmig.backfill");
	if (cmig_runner_current() == NULL)
		cmig_run_limit_start();

	context = cmig_runner_concurrent_ddl() ?
		cmig_toplevel_context("pg_cmig backfill") :
		AllocSetContextCreate(CurrentMemoryContext, "pg_cmig backfill", ALLOCSET_DEFAULT_SIZES);
	MemoryContextSwitchTo(context);
	if (PG_ARGISNULL(0))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the target must not be null"),
				 errhint("Name a table.")));
	table = PG_GETARG_OID(0);
	set_sql = required_text(fcinfo, 1, "set_sql");
	where_sql = PG_ARGISNULL(2) ? NULL : required_text(fcinfo, 2, "where_sql");

	b = palloc0(sizeof(Backfill));
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
				 errmsg("permission denied to see the lag of the replicas"),
				 errhint("GRANT pg_read_all_stats TO %s, or leave out max_lag.",
						 quote_identifier(GetUserNameFromId(GetUserId(), false)))));

	b->one_transaction = !cmig_runner_concurrent_ddl();
	b->caller = cmig_nontransactional_caller();
	b->prepared = -1;
	b->skip = cmig_backfill_skip_create();
	b->run_context = AllocSetContextCreate(context, "pg_cmig backfill state",
										   ALLOCSET_SMALL_SIZES);
	b->spare_context = AllocSetContextCreate(context, "pg_cmig backfill state",
											 ALLOCSET_SMALL_SIZES);
	b->batch_context = AllocSetContextCreate(context, "pg_cmig backfill batch",
											 ALLOCSET_DEFAULT_SIZES);
	if (!b->one_transaction)
	{
		cmig_toplevel_reach_table(table, "backfill", cmig_runner_current() == NULL);
		cmig_toplevel_snapshot();
	}
	b->target = cmig_backfill_target_check(table, set_sql, where_sql);
	b->identity.target = b->target->name;
	b->identity.set_sql = set_sql;
	b->identity.where_sql = where_sql;
	if (cmig_runner_current() != NULL)
	{
		b->identity.revision = pstrdup(cmig_runner_current());
		b->identity.direction = cmig_direction_name(cmig_runner_direction());
		b->identity.statement = cmig_runner_statement();
	}
	if (!b->one_transaction)
		cmig_toplevel_commit();

	run_backfill(b);

	cmig_backfill_sql_free(&b->queries);
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(context);
	PG_RETURN_VOID();
}
