/*
 * backfill.c
 *	  cmig.backfill: changes rows in batches.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/relation.h"
#include "access/transam.h"
#include "catalog/pg_am.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "storage/block.h"
#include "storage/bufmgr.h"
#include "storage/bufpage.h"
#include "utils/acl.h"
#include "utils/backend_status.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "base/base.h"
#include "base/errors.h"
#include "move/move.h"
#include "online/internal.h"
#include "run/run.h"
#include "store/store.h"

/* ----------------------------------------------------------------
 * Finds blocks in which a backfill has updated every row.
 *
 * After the first pass, most blocks contain only old versions of rows that
 * this run has updated.  The next pass looks for rows that other sessions have
 * moved or added, and can skip these blocks.
 *
 * A block can be skipped if each row version in it was replaced by a committed
 * transaction of this run, because no future snapshot sees any row version in
 * such a block.  A row version that another session inserted, updated, or
 * locked does not meet this condition, whether or not that session has
 * committed.  Nor does a row version that a transaction of this run failed to
 * replace, because only committed transactions are recorded here.
 * ----------------------------------------------------------------
 */

/* The maximum number of blocks that one call examines. */
#define MOST_BLOCKS 8192

/* The committed transactions of a backfill run. */
struct CmigBackfillSkip
{
	int			count;
	int			room;			/* allocated length of xids */
	TransactionId *xids;		/* in commit order, which is ascending */
};

void
cmig_backfill_skip_add(CmigBackfillSkip *skip, TransactionId xid)
{
	if (skip->count == skip->room)
	{
		skip->room *= 2;
		skip->xids = repalloc(skip->xids, skip->room * sizeof(TransactionId));
	}
	skip->xids[skip->count++] = xid;
}

/* bsearch comparator: in the order in which they began. */
static int
compare_xids(const void *a, const void *b)
{
	TransactionId x = *(const TransactionId *) a;
	TransactionId y = *(const TransactionId *) b;

	return x == y ? 0 : TransactionIdPrecedes(x, y) ? -1 : 1;
}

/* Has this run replaced every row version on the page? */
static bool
is_settled(const CmigBackfillSkip *skip, Page page)
{
	TransactionId known = InvalidTransactionId;
	OffsetNumber last = PageGetMaxOffsetNumber(page);

	for (OffsetNumber i = FirstOffsetNumber; i <= last; i++)
	{
		ItemId		item = PageGetItemId(page, i);
		HeapTupleHeader tuple;
		TransactionId xmax;

		/*
		 * skip unused, dead, and redirected items, which have no row version
		 * of their own
		 */
		if (!ItemIdIsNormal(item))
			continue;
		tuple = (HeapTupleHeader) PageGetItem(page, item);
		if ((tuple->t_infomask & (HEAP_XMAX_INVALID | HEAP_XMAX_IS_MULTI)) != 0 ||
			HEAP_XMAX_IS_LOCKED_ONLY(tuple->t_infomask))
			return false;
		xmax = HeapTupleHeaderGetRawXmax(tuple);
		if (xmax == known)
			continue;
		if (!TransactionIdIsNormal(xmax) ||
			bsearch(&xmax, skip->xids, skip->count, sizeof(TransactionId), compare_xids) == NULL)
			return false;
		known = xmax;
	}
	return true;
}

BlockNumber
cmig_backfill_skip_next(const CmigBackfillSkip *skip, Oid table,
						BlockNumber start, BlockNumber end)
{
	Relation	relation;
	BlockNumber block = start;
	BlockNumber size;

	if (skip->count == 0)
		return start;
	relation = relation_open(table, AccessShareLock);
	size = RelationGetNumberOfBlocks(relation);
	if (relation->rd_rel->relam == HEAP_TABLE_AM_OID)
	{
		while (block < end && block < size && block - start < MOST_BLOCKS)
		{
			Buffer		buffer = ReadBuffer(relation, block);
			bool		settled;

			CHECK_FOR_INTERRUPTS();
			LockBuffer(buffer, BUFFER_LOCK_SHARE);
			settled = is_settled(skip, BufferGetPage(buffer));
			UnlockReleaseBuffer(buffer);
			if (!settled)
				break;
			block++;
		}
	}
	relation_close(relation, AccessShareLock);
	return block;
}

/* ----------------------------------------------------------------
 * Finds the backfill that a CALL resumes, and checks that it can be
 * resumed.
 *
 * The rows of cmig.backfill_run are read and written as the caller, which may
 * not be the role that runs the script.
 * ----------------------------------------------------------------
 */

/* Returns the names, separated by commas. */
static char *
listed(char **names, int count)
{
	StringInfoData text;

	initStringInfo(&text);
	for (int i = 0; i < count; i++)
		appendStringInfo(&text, "%s%s", i > 0 ? ", " : "", names[i]);
	return text.data;
}

/*
 * Raise an error if an unfinished backfill other than the one with the id
 * own_id has updated rows that the new backfill would update again.  The user
 * must decide how to proceed.
 */
static void
refuse_unfinished(const CmigBackfillTarget *target, const CmigBackfillIdentity *this, int64 own_id,
				  bool one_transaction)
{
	const CmigBackfillUnfinished *other = NULL;
	bool		resumable;
	char	   *resume;
	ListCell   *lc;

	foreach(lc, cmig_backfill_run_unfinished(this, own_id))
	{
		other = lfirst(lc);
		resumable = this->where_sql == NULL && strcmp(this->target, other->target) == 0 &&
			(this->revision == NULL || this->statement == atoi(other->statement));
		if (this->revision != NULL || (resumable && cmig_backfill_target_sets_same(target, other->set_sql)))
			break;
		other = NULL;
	}
	if (other == NULL)
		return;
	if (one_transaction)
		resume = "To continue with the other rows, SET cmig.concurrent_ddl = on and repeat the CALL.";
	else if (resumable)
		resume = psprintf("To continue after these rows with this set_sql: UPDATE cmig.backfill_run SET set_sql = %s WHERE id = %s, then repeat the CALL%s.",
						  quote_literal_cstr(this->set_sql), other->id,
						  this->revision ? ", or load the original text" : "");
	else
		resume = "To continue with the other rows, load the original text and repeat the CALL.";
	ereport(ERROR,
			(errcode(this->revision ? ERRCODE_CMIG_CHANGED_REVISION :
					 ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 this->revision ?
			 errmsg("a backfill of revision \"%s\" is partially applied", this->revision) :
			 errmsg("a backfill of table %s is partially applied", other->target),
			 this->revision ?
			 errdetail("Statement %s has already updated %s rows. This CALL would update them again. The earlier backfill used SET %s.",
					   other->statement, other->rows, other->set_sql) :
			 errdetail("It has already updated %s rows. This CALL would update them again. The earlier backfill used SET %s.",
					   other->rows, other->set_sql),
			 errhint("%s To start over instead: DELETE FROM cmig.backfill_run WHERE id = %s",
					 resume, other->id)));
}

/*
 * Raise an error if partitions have both been added and dropped since the
 * backfill began, because a partition may have been renamed.  In a walk by key,
 * only the names of partitions show which partitions are done.
 */
static void
require_same_parts(const CmigBackfillTarget *target, const CmigBackfillRun *run)
{
	const CmigNames *begun = &run->parts;
	int			count = target->count;
	CmigNames	now = {0, palloc(sizeof(char *) * Max(count, 1))};
	char	  **added = palloc(sizeof(char *) * Max(count, 1));
	char	  **gone = palloc(sizeof(char *) * Max(begun->count, 1));
	int			nadded = 0;
	int			ngone = 0;

	if (begun->count == 0)
		return;
	for (int i = 0; i < count; i++)
	{
		now.names[now.count++] = target->parts[i].name;
		if (!cmig_names_has(begun, now.names[i]))
			added[nadded++] = now.names[i];
	}
	for (int i = 0; i < begun->count; i++)
	{
		if (!cmig_names_has(&now, begun->names[i]))
			gone[ngone++] = begun->names[i];
	}
	if (nadded > 0 && ngone > 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("the partitions of table %s have changed during its backfill", target->name),
				 errdetail("Removed since the start: %s. Added: %s. If a partition was renamed, pg_cmig cannot tell whether its rows have been backfilled.",
						   listed(gone, ngone), listed(added, nadded)),
				 errhint("Rename the partition back and repeat the CALL. If no partition was renamed: UPDATE cmig.backfill_run SET parts = NULL WHERE id = %lld, then repeat the CALL.",
						 (long long) run->id)));
}

/*
 * Find the state of a backfill to resume, or begin a new backfill.  Returns
 * true if a state was found, which may be that of a finished backfill.  Raises
 * MG008 or 55000 if it is unclear which rows have been updated.
 */
static bool
find_state(const CmigBackfillTarget *target,
		   const CmigBackfillIdentity *identity, Oid caller,
		   CmigBackfillRun *run)
{
	bool		found;
	CmigRole	saved;

	cmig_role_act_as_caller(&saved, caller);
	found = cmig_backfill_run_find(identity, run);
	refuse_unfinished(target, identity, run->id, false);
	if (found && !run->done)
	{
		require_same_parts(target, run);
		ereport(NOTICE,
				(errmsg("resuming the backfill of %s after %lld rows",
						target->name, (long long) run->rows)));
	}
	else if (!found)
	{
		run->method = target->by_key ? "key" : "ctid";
		run->pass = 1;
		run->total = cmig_backfill_sql_work(target);
		if (target->by_key && target->count > 1)
		{
			run->parts.names = palloc(sizeof(char *) * target->count);
			for (int i = 0; i < target->count; i++)
				run->parts.names[run->parts.count++] = target->parts[i].name;
		}
		cmig_backfill_run_replace(identity);
		cmig_backfill_run_insert(identity, run);
	}
	run->parts.count = 0;
	cmig_role_return(&saved);
	return found;
}

void
cmig_backfill_resume_require_key(const CmigBackfillRun *run, const CmigBackfillPart *part)
{
	char	   *begun = listed(run->key.names, run->key.count);
	char	   *now = listed(part->key.columns, part->key.count);

	if (run->key.count != part->key.count || strcmp(begun, now) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("the key of table %s has changed during its backfill", part->name),
				 errdetail("Rows were updated in the order of key (%s). For key (%s), it is unknown which rows are done.",
						   begun, now),
				 errhint("Restore the original key and repeat the CALL. To start over instead: DELETE FROM cmig.backfill_run WHERE id = %lld",
						 (long long) run->id)));
}

/* ----------------------------------------------------------------
 * Updates a table in batches that are committed one by one: cmig.backfill.
 *
 * If cmig.concurrent_ddl is off, everything happens in the caller's
 * transaction, and no progress is stored.
 * ----------------------------------------------------------------
 */

#define MOST_ROWS 1000000

/*
 * Time between two checks of the replication lag, and after how much time a
 * NOTICE says that the backfill is waiting, in milliseconds.
 */
#define LAG_PAUSE 200
#define LAG_QUIET 1000

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

/* Callback that reads a row of lag_query. */
static void
keep_lag(TupleDesc desc, HeapTuple row, void *arg)
{
	bool		isnull;

	*(double *) arg = DatumGetFloat8(cmig_query_datum(desc, row, 1, &isnull));
}

/*
 * Pause between batches, and wait while the replicas lag too far behind.  The
 * first wait that is not short is reported.
 */
static void
throttle(CmigBackfill *b)
{
	int			waited = 0;

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
		if (waited >= LAG_QUIET && !b->lag_told)
		{
			b->lag_told = true;
			ereport(NOTICE,
					(errmsg("backfill of %s waits for replicas that are behind", b->target->name),
					 errdetail("The lag is %.0f ms, and max_lag is %.0f ms.", lag, b->max_lag_ms),
					 errhint("SELECT application_name, replay_lag FROM pg_stat_replication")));
		}
		cmig_toplevel_sleep(LAG_PAUSE);
		waited += LAG_PAUSE;
	}
}

/* Run passes until one of them updates no rows. */
static void
run_passes(CmigBackfill *b)
{
	char		activity[256];

	for (;;)
	{
		/*
		 * The parts before the stored position are done, so skip them.
		 * Compare names, because the current part may have been dropped in
		 * the meantime.
		 */
		b->part = 0;
		while (b->run.relation != NULL && b->part < b->target->count &&
			   strcmp(b->target->parts[b->part].name, b->run.relation) < 0)
			b->part++;
		while (b->part < b->target->count)
		{
			attempt(b, cmig_backfill_batch_run);
			if (pgstat_track_activities)
			{
				snprintf(activity, sizeof(activity), "pg_cmig: backfill of %.150s, pass %d, %lld rows",
						 b->target->name, b->run.pass, (long long) b->run.rows);
				pgstat_report_activity(STATE_RUNNING, activity);
			}
			if (cmig_backfill_batch_part_is_done(&b->run, b->target->by_key))
				b->part++;
			else
				throttle(b);
		}

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

	/*
	 * The number in this message is a lower bound, because each probe query
	 * counts only up to a limit, and because the rows before the start of a
	 * resumed pass are not included.
	 */
	if (b->run.unchanged > 0)
		ereport(WARNING,
				(errmsg_plural("at least %lld row of %s still matches where_sql but was not updated",
							   "at least %lld rows of %s still match where_sql but were not updated",
							   (unsigned long) b->run.unchanged,
							   (long long) b->run.unchanged, b->target->name),
				 errdetail("An UPDATE of these rows has no effect, for example because a BEFORE trigger returns NULL."),
				 errhint("Fix the cause, then call cmig.backfill again. To see the remaining rows: SELECT * FROM %s WHERE %s",
						 b->target->name, b->target->where_sql)));
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
		/*
		 * a backfill that was begun by a run that committed its batches
		 * cannot be resumed within a single transaction
		 */
		if (!cmig_running_is_replaying())
		{
			CmigRole	saved;

			cmig_role_act_as_caller(&saved, b->caller);
			refuse_unfinished(b->target, &b->identity, 0, true);
			cmig_role_return(&saved);
		}
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
		MemoryContextSwitchTo(b->run_context);
		b->resumed = find_state(b->target, &b->identity, b->caller, &b->run);
		b->accepted = true;
		MemoryContextSwitchTo(context);
		if (!b->run.done)
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

double
cmig_online_milliseconds(FunctionCallInfo fcinfo, int n, const char *name)
{
	const Interval *interval;
	double		value;

	if (PG_ARGISNULL(n))
		return 0;
	interval = PG_GETARG_INTERVAL_P(n);
	value = interval->time / 1000.0 + interval->day * 86400000.0 + interval->month * (30 * 86400000.0);
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
	b->pause_ms = cmig_online_milliseconds(fcinfo, 4, "pause");
	b->max_lag_ms = cmig_online_milliseconds(fcinfo, 5, "max_lag");
	if (b->max_lag_ms > 0 && !has_privs_of_role(GetUserId(), ROLE_PG_READ_ALL_STATS))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied to read the replication lag"),
				 errhint("GRANT pg_read_all_stats TO %s, or leave out max_lag.",
						 quote_identifier(GetUserNameFromId(GetUserId(), false)))));

	b->one_transaction = !cmig_running_concurrent_ddl();
	b->caller = cmig_nontransactional_caller();
	b->prepared = -1;
	b->skip = palloc0(sizeof(CmigBackfillSkip));
	b->skip->room = 64;
	b->skip->xids = palloc(b->skip->room * sizeof(TransactionId));
	b->run_context = AllocSetContextCreate(CurrentMemoryContext, "pg_cmig backfill state",
										   ALLOCSET_SMALL_SIZES);
	b->spare_context = AllocSetContextCreate(CurrentMemoryContext, "pg_cmig backfill state",
											 ALLOCSET_SMALL_SIZES);
	b->batch_context = AllocSetContextCreate(CurrentMemoryContext, "pg_cmig backfill batch",
											 ALLOCSET_DEFAULT_SIZES);
	return b;
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

	/* the identity, by which an interrupted backfill is found again */
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
	if (!b->one_transaction)
		cmig_toplevel_commit();

	run_backfill(b);

	cmig_backfill_sql_free(&b->queries);
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(context);
	PG_RETURN_VOID();
}
