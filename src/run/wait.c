/*
 * wait.c
 *	  How long a run may take, and how long it waits for locks.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "access/twophase.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_inherits.h"
#include "common/pg_prng.h"
#include "mb/pg_wchar.h"
#include "storage/latch.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/timeout.h"
#include "utils/timestamp.h"

#include "run/internal.h"

/*
 * cmig.run_timeout is a deadline for the whole run.  While statements run, the
 * timer below compares it with the clock and cancels the current statement.
 * Between statements and during pauses, the run itself checks it.
 */

static int	run_timeout = 0;

/*
 * The limit and the deadline of the current or last run, and the setting that
 * the limit comes from.  0 means no limit.
 */
static int	limit_ms = 0;
static const char *limit_setting = "cmig.run_timeout";
static volatile TimestampTz deadline = 0;

/* Start of the client's statement in which the deadline was set. */
static TimestampTz deadline_statement = 0;

/* Has the timer requested a cancel because the deadline has passed? */
static volatile bool expired = false;

/*
 * Is there a deadline?  That of a previous statement must not end this one,
 * which may watch its locks without being a run.
 */
static bool
has_deadline(void)
{
	return deadline != 0 && deadline_statement == GetCurrentStatementStartTimestamp();
}

void
cmig_run_limit_init(void)
{
	DefineCustomIntVariable(cmig_settings_name("cmig.run_timeout"),
							"Sets the maximum duration of one run.",
							"0 means no limit.",
							&run_timeout, 0, 0, INT_MAX, PGC_USERSET,
							GUC_UNIT_MS, NULL, NULL, NULL);
}

void
cmig_run_limit_start(void)
{
	limit_setting = "cmig.run_timeout";
	limit_ms = cmig_settings_int(limit_setting, run_timeout);
	expired = false;
	deadline_statement = GetCurrentStatementStartTimestamp();
	deadline = limit_ms > 0 ?
		TimestampTzPlusMilliseconds(GetCurrentTimestamp(), limit_ms) : 0;
}

void
cmig_run_limit_tighten(const char *setting, int ms)
{
	TimestampTz end = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), ms);

	if (ms <= 0 || (has_deadline() && deadline < end))
		return;
	limit_setting = setting;
	limit_ms = ms;
	deadline_statement = GetCurrentStatementStartTimestamp();
	deadline = end;
}

CmigRunLimit
cmig_run_limit_read(void)
{
	return (CmigRunLimit)
	{
		limit_setting, limit_ms, deadline, deadline_statement
	};
}

void
cmig_run_limit_restore(const CmigRunLimit *limit)
{
	limit_setting = limit->setting;
	limit_ms = limit->ms;
	deadline = limit->deadline;
	deadline_statement = limit->statement;
	/* withdraw the cancel, which may not have been noticed yet */
	if (expired)
		QueryCancelPending = false;
	expired = false;
}

bool
cmig_run_limit_passed(void)
{
	return has_deadline() && GetCurrentTimestamp() >= deadline;
}

/*
 * Add a detail and a hint to the error about the exceeded limit.  Call this
 * within ereport() or in an error context callback.
 */
static int
describe(void)
{
	errdetail("The run has taken more than %d ms.", limit_ms);
	errdetail_log("The run has taken more than %d ms.", limit_ms);
	errhint("Raise %s, or run fewer revisions in one call.", limit_setting);
	return 0;
}

void
cmig_run_limit_check(void)
{
	if (!cmig_run_limit_passed())
		return;
	/* withdraw the cancel that the timer may have requested */
	if (expired)
		QueryCancelPending = false;
	expired = false;
	ereport(ERROR,
			(errcode(ERRCODE_QUERY_CANCELED),
			 errmsg("canceling the run due to %s", limit_setting),
			 describe()));
}

TimestampTz
cmig_run_limit_earlier(TimestampTz end)
{
	return has_deadline() && deadline < end ? deadline : end;
}

/* ----------------------------------------------------------------
 * Tracks how long a run waits for locks and which sessions block it.
 *
 * While a run's statements are executed, a timer checks every few milliseconds
 * whether this backend is waiting for a lock.  It adds up the waits, ends a
 * wait when the total exceeds cmig.lock_timeout, and remembers the lock, so
 * that an error can name the blocking sessions.
 *
 * The timer callback runs in a signal handler, so it reads only MyProc and
 * static variables, and it writes only static variables.  MyProc->waitLock is
 * set while this backend sleeps in the lock manager.  The LOCK that it points
 * to cannot go away until this backend wakes up, whether or not the lock is
 * granted.
 *
 * When a wait fails, this backend leaves the queue before the error is built,
 * and sessions that waited behind it may get the lock.  They have not blocked
 * anything, so the timer also notes who waits behind this backend.
 * ----------------------------------------------------------------
 */

/* The timer interval in milliseconds. */
#define TICK_MS 10

/*
 * If the timer last saw a lock wait more than this many microseconds ago, an
 * error was not caused by that wait.
 */
#define STALE_US (INT64CONST(500) * 1000)

/*
 * The maximum number of sessions listed in an error, and the maximum length of
 * the query shown for each.
 */
#define MAX_BLOCKERS 3
#define MAX_QUERY_LENGTH 200

/*
 * How often the timer looks for sessions behind this backend, in microseconds,
 * and how many of them it remembers.
 */
#define BEHIND_US (INT64CONST(100) * 1000)
#define MAX_BEHIND 100

/* After this time, in milliseconds, a statement reports that it is waiting. */
#define TELL_MS 1000

int			cmig_lock_timeout = 0;

/*
 * The value of cmig.lock_timeout in milliseconds.  It is copied here because
 * the timer callback cannot look up the setting.
 */
static int	lock_limit_ms = 0;

/*
 * What the timer has seen.  Written by the signal handler while the timer is
 * on.
 */
static volatile struct
{
	int64		finished_us;	/* total length of the finished waits of an
								 * attempt */
	int64		current_us;		/* length of the wait that began at wait_start */
	TimestampTz wait_start;		/* 0 if no wait was seen */
	TimestampTz last_seen;		/* when the timer last saw a wait */
	uint32		tag[sizeof(LOCKTAG) / sizeof(uint32)];
	int			mode;
	bool		exhausted;		/* has the timer requested a cancel? */
	bool		single;			/* was that because a single wait exceeded
								 * lock_timeout, not because all waits
								 * exceeded cmig.lock_timeout? */
	bool		yielded;		/* or because others waited? */
	Oid			raised;			/* or could: the relation of which this
								 * backend holds a weaker lock that keeps
								 * others from writing */
	TimestampTz behind_at;		/* when "behind" was filled */
	int			behind_count;
	int			behind[MAX_BEHIND]; /* process IDs of the sessions that wait
									 * behind this backend and hold no
									 * conflicting lock */
}			seen;

/*
 * The value of lock_timeout while the timer enforces it instead of PostgreSQL;
 * otherwise 0.
 */
static int	taken_over = 0;

/* Does a statement with CONCURRENTLY run? */
static bool concurrent = false;

/*
 * While "telling", PostgreSQL reports a lock wait of more than TELL_MS, and
 * tell_wait() passes the report on to the client, once for a statement
 * ("told").  The wait that began at logged_start is in the server log.
 */
static bool telling = false;
static bool told = false;
static TimestampTz logged_start = 0;
static int	server_deadlock_timeout;
static bool server_log_lock_waits;
static emit_log_hook_type next_log_hook = NULL;

/* What the report says instead of naming the lock; see cmig_lock_wait_tell(). */
static const char *tell_message = NULL;
static const char *tell_detail = NULL;

/* Do waits end before another session could be the victim of a deadlock? */
static bool yielding = false;

static TimeoutId timer;
static bool timer_registered = false;
static Oid	watching_role = InvalidOid;

/* Request a query cancel as StatementCancelHandler does. */
static void
cancel(void)
{
	QueryCancelPending = true;
	InterruptPending = true;
	SetLatch(MyLatch);
}

/*
 * Note which sessions wait behind this backend for the same lock, and hold no
 * lock that conflicts with the awaited one.
 */
static void
look_behind(const LOCK *lock, LOCKMODE mode, TimestampTz start, TimestampTz now)
{
	LOCKMASK	conflicts = GetLocksMethodTable(lock)->conflictTab[mode];
	int			count = 0;

	for (uint32 i = 0; i < ProcGlobal->allProcCount && count < MAX_BEHIND; i++)
	{
		PGPROC	   *proc = &ProcGlobal->allProcs[i];

		if (proc != MyProc && proc->waitLock == lock && (proc->heldLocks & conflicts) == 0 &&
			(TimestampTz) pg_atomic_read_u64(&proc->waitStart) > start)
			seen.behind[count++] = proc->pid;
	}
	seen.behind_count = count;
	seen.behind_at = now;
}

/*
 * Does a session wait for a lock that this backend holds, while one, possibly
 * the same, is about to look for deadlocks?  It does so once, after
 * deadlock_timeout, and would be the victim of one that this backend is part of.
 * A LOCK that goes away meanwhile can only make this give up in vain.
 */
static bool
is_in_the_way(TimestampTz now)
{
	int64		timeout = server_deadlock_timeout * INT64CONST(1000);
	bool		blocks = false;
	bool		due = false;
	VirtualTransactionId transaction;
	LOCKTAG		own;

	/*
	 * that of its own transaction is not among the locks that a backend knows
	 * to hold
	 */
	GET_VXID_FROM_PGPROC(transaction, *MyProc);
	SET_LOCKTAG_VIRTUALTRANSACTION(own, transaction);
	for (uint32 i = 0; i < ProcGlobal->allProcCount && !(blocks && due); i++)
	{
		PGPROC	   *proc = &ProcGlobal->allProcs[i];
		LOCK	   *volatile lock = proc->waitLock;
		TimestampTz start = (TimestampTz) pg_atomic_read_u64(&proc->waitStart);
		LOCKMODE	mode = proc->waitLockMode;
		LOCKTAG		tag;

		if (proc == MyProc || lock == NULL || start == 0 || mode <= NoLock || mode > MaxLockMode)
			continue;
		due |= now - start >= timeout / 2 &&
			now - start <= timeout + 2 * TICK_MS * INT64CONST(1000);
		tag = lock->tag;
		if (tag.locktag_lockmethodid != DEFAULT_LOCKMETHOD)
			continue;
		blocks |= memcmp(&tag, &own, sizeof(LOCKTAG)) == 0;
		for (LOCKMODE held = 1; held <= MaxLockMode; held++)
			blocks |= DoLockModesConflict(held, mode) && cmig_lock_held_compat(&tag, held);
	}
	return blocks && due;
}

/*
 * Returns the relation if this backend already holds a lock of it that keeps others from
 * writing, and waits for a stronger one.  A session that has read the relation, and
 * writes it now, would be the victim of a deadlock as soon as it waits.
 */
static Oid
raised_relation(const LOCK *lock)
{
	LOCKMASK	conflicts = GetLocksMethodTable(lock)->conflictTab[RowExclusiveLock];

	return lock->tag.locktag_type == LOCKTAG_RELATION &&
		lock->tag.locktag_field1 == MyDatabaseId && (MyProc->heldLocks & conflicts) != 0 ?
		lock->tag.locktag_field2 : InvalidOid;
}

/*
 * Timer callback: record the current lock wait, if any, and cancel the
 * statement if a limit is exceeded.
 */
static void
look_at_wait(void)
{
	LOCK	   *lock;
	TimestampTz start;
	TimestampTz now;
	const uint32 *tag;
	bool		too_long;

	/*
	 * do nothing if the backend is terminating and has already released its
	 * PGPROC
	 */
	if (MyProc == NULL)
		return;
	now = GetCurrentTimestamp();
	/* only once per run, because handling that error must not be canceled */
	if (has_deadline() && !expired && now >= deadline)
	{
		expired = true;
		cancel();
	}
	lock = MyProc->waitLock;
	if (lock == NULL)
		return;
	start = (TimestampTz) pg_atomic_read_u64(&MyProc->waitStart);
	if (start == 0)
		return;

	if (start != seen.wait_start)
	{
		seen.finished_us += seen.current_us;
		seen.wait_start = start;
		seen.behind_count = 0;
		seen.behind_at = 0;
	}

	/*
	 * Statements with CONCURRENTLY wait for other transactions to end.  Such
	 * a wait does not count, because it blocks no other sessions, and after a
	 * timeout the statement would have to start over.  For the end of a
	 * prepared transaction, it waits by its ID.
	 */
	if (lock->tag.locktag_type == LOCKTAG_VIRTUALTRANSACTION ||
		(concurrent && lock->tag.locktag_type == LOCKTAG_TRANSACTION))
		seen.current_us = 0;
	else
		seen.current_us = now > start ? now - start : 0;
	seen.last_seen = now;

	tag = (const uint32 *) &lock->tag;
	for (int i = 0; i < lengthof(seen.tag); i++)
		seen.tag[i] = tag[i];
	seen.mode = MyProc->waitLockMode;

	if (seen.exhausted)
		too_long = false;
	else
	{
		bool		all = lock_limit_ms > 0 &&
		seen.finished_us + seen.current_us >= lock_limit_ms * INT64CONST(1000);
		bool		one = taken_over > 0 && seen.current_us >= taken_over * INT64CONST(1000);

		seen.raised = !all && !one && yielding ? raised_relation(lock) : InvalidOid;
		seen.yielded = OidIsValid(seen.raised) || (!all && !one && yielding && is_in_the_way(now));
		seen.single = one || seen.yielded;
		too_long = all || seen.single;
	}
	if (too_long)
	{
		seen.exhausted = true;
		seen.behind_at = 0;
		cancel();
	}
	if (now - seen.behind_at >= BEHIND_US)
		look_behind(lock, seen.mode, start, now);
}

/*
 * Which prepared transaction, if any, holds the lock that this backend is waiting for?
 * To PostgreSQL's report of the wait, it is process 0.
 */
static TransactionId
prepared_holder(void)
{
	const LOCK *lock = MyProc->waitLock;
	LockData   *locks;

	if (lock == NULL)
		return InvalidTransactionId;
	locks = GetLockStatusData();
	for (int i = 0; i < locks->nelements; i++)
	{
		const LockInstanceData *held = &locks->locks[i];

		if (held->pid == 0 && memcmp(&held->locktag, &lock->tag, sizeof(LOCKTAG)) == 0 &&
			(held->holdMask & GetLocksMethodTable(lock)->conflictTab[MyProc->waitLockMode]) != 0)
			return cmig_lock_wait_prepared(cmig_lock_vxid_compat(held));
	}
	return InvalidTransactionId;
}

/* Tell the client what PostgreSQL reports about a wait. */
static void
tell(const ErrorData *report)
{
	TransactionId prepared = prepared_holder();
	char	   *holder = TransactionIdIsValid(prepared) ?
	psprintf("\nBlocked by prepared transaction %u.", prepared) : "";
	char	   *hint = TransactionIdIsValid(prepared) ?
	"To get the statement that ends it: SELECT transaction, format('ROLLBACK PREPARED %L', gid) FROM pg_prepared_xacts" :
	"To see the blocking sessions, in another session: `SELECT * FROM cmig.status()`";

	if (tell_message != NULL)
		ereport(NOTICE,
				(errmsg_internal("%s", tell_message),
				 tell_detail ? errdetail_internal("%s%s", tell_detail, holder) : 0));
	else
		ereport(NOTICE,
				(errmsg_internal("%s", report->message),
				 errdetail_internal("%s%s\n%s", report->detail_log ? report->detail_log : "", holder,
									report->context ?
									cmig_text_shortened(report->context, 400) : ""),
				 cmig_hint("%s", hint)));
}

/*
 * An emit_log_hook: if PostgreSQL reports that this backend is waiting for a
 * lock, and the current statement has not reported a wait yet, pass the report
 * on to the client.  PostgreSQL repeats the report whenever the timer wakes
 * this backend up; write it only once, and only if the server is configured to
 * log lock waits.  No catalog can be read during the wait; the statement in the
 * context has the names.
 */
static void
tell_wait(ErrorData *edata)
{
	if (telling && edata->elevel == LOG && edata->funcname != NULL &&
		strcmp(edata->funcname, "ProcSleep") == 0)
	{
		bool		waiting = MyProc->waitStatus == PROC_WAIT_STATUS_WAITING;
		TimestampTz start = (TimestampTz) pg_atomic_read_u64(&MyProc->waitStart);

		if (!server_log_lock_waits || (waiting && start == logged_start))
			edata->output_to_server = false;
		if (waiting)
			logged_start = start;
		if (waiting && !told)
		{
			told = true;
			tell(edata);
		}
	}
	if (next_log_hook)
		next_log_hook(edata);
}

void
cmig_lock_wait_reset(void)
{
	seen.finished_us = 0;
	seen.current_us = 0;
	seen.wait_start = 0;
	seen.last_seen = 0;
	seen.exhausted = false;
	seen.single = false;
	seen.yielded = false;
	seen.raised = InvalidOid;
}

bool
cmig_lock_wait_yielded(Oid *raised, LOCKMODE *mode)
{
	int64		waited = seen.finished_us + seen.current_us;

	if (!seen.yielded)
		return false;
	*raised = seen.raised;
	*mode = seen.mode;
	cmig_lock_wait_reset();
	seen.finished_us = waited;
	return true;
}

void
cmig_lock_wait_raise(const RangeVar *range, LOCKMODE mode)
{
	LOCKTAG		tag;
	Oid			relation;
	bool		blocks = false;

	if (!yielding || !cmig_lock_wait_is_watched())
		return;
	relation = RangeVarGetRelid(range, NoLock, true);
	SET_LOCKTAG_RELATION(tag, MyDatabaseId, relation);
	for (LOCKMODE held = 1; held < mode; held++)
		blocks |= DoLockModesConflict(held, RowExclusiveLock) && cmig_lock_held_compat(&tag, held);
	if (!blocks || cmig_lock_held_compat(&tag, mode) ||
		!cmig_owns_compat(RelationRelationId, relation, GetUserId()) ||
		ConditionalLockRelationOid(relation, mode))
		return;
	seen.last_seen = 0;
	seen.raised = relation;
	seen.mode = mode;
	seen.yielded = true;
	ereport(ERROR,
			(errcode(ERRCODE_LOCK_NOT_AVAILABLE),
			 errmsg("could not obtain lock on relation \"%s\"", get_rel_name(relation))));
}

void
cmig_lock_wait_take_over(void)
{
	concurrent = true;
	/* if the timer is not active, let PostgreSQL enforce lock_timeout */
	if (!timer_registered || !get_timeout_active(timer))
		return;
	taken_over = LockTimeout;
	LockTimeout = 0;
}

void
cmig_lock_wait_give_back(void)
{
	if (taken_over > 0)
		LockTimeout = taken_over;
	taken_over = 0;
	concurrent = false;
}

void
cmig_lock_wait_tell(const char *message, const char *detail)
{
	if (!timer_registered)
	{
		timer = RegisterTimeout(USER_TIMEOUT, look_at_wait);
		timer_registered = true;
		next_log_hook = emit_log_hook;
		emit_log_hook = tell_wait;
	}
	if (!telling)
	{
		server_deadlock_timeout = DeadlockTimeout;
		server_log_lock_waits = log_lock_waits;
		DeadlockTimeout = TELL_MS;
		log_lock_waits = true;
		told = false;
		telling = true;
	}
	tell_message = message;
	tell_detail = detail;
}

void
cmig_lock_wait_watch(Oid caller)
{
	cmig_lock_wait_tell(NULL, NULL);
	watching_role = caller;
	lock_limit_ms = cmig_settings_int("cmig.lock_timeout", cmig_lock_timeout);
	enable_timeout_every(timer,
						 TimestampTzPlusMilliseconds(GetCurrentTimestamp(), TICK_MS),
						 TICK_MS);
}

bool
cmig_lock_wait_yield(bool yields)
{
	bool		yielded = yielding;

	yielding = yields;
	return yielded;
}

void
cmig_lock_wait_unwatch(void)
{
	if (timer_registered)
		disable_timeout(timer, false);
	if (telling)
	{
		DeadlockTimeout = server_deadlock_timeout;
		log_lock_waits = server_log_lock_waits;
		telling = false;
	}
}

bool
cmig_lock_wait_is_watched(void)
{
	return timer_registered && get_timeout_active(timer);
}

void
cmig_lock_wait_forget(void)
{
	lock_limit_ms = cmig_settings_int("cmig.lock_timeout", cmig_lock_timeout);
	seen.last_seen = 0;
}

void
cmig_lock_wait_next_statement(void)
{
	cmig_lock_wait_forget();
	told = false;
}

/*
 * Returns a description of the object that a lock protects, by name if
 * possible.
 */
static char *
describe_tag(const LOCKTAG *tag)
{
	StringInfoData buf;

	initStringInfo(&buf);
	if (tag->locktag_type == LOCKTAG_RELATION &&
		tag->locktag_field1 == MyDatabaseId)
	{
		char	   *name = get_rel_name(tag->locktag_field2);

		if (name != NULL)
		{
			char	   *schema = get_namespace_name(get_rel_namespace(tag->locktag_field2));

			appendStringInfo(&buf, "relation %s",
							 quote_qualified_identifier(schema, name));
			return buf.data;
		}
	}
	DescribeLockTag(&buf, tag);
	return buf.data;
}

/*
 * Returns the status entry of the process with this ID, or NULL if there is
 * none.
 */
static PgBackendStatus *
find_backend(int pid)
{
	int			count = pgstat_fetch_stat_numbackends();

	for (int i = 1; i <= count; i++)
	{
		LocalPgBackendStatus *local = cmig_local_beentry_compat(i);

		if (local != NULL && local->backendStatus.st_procpid == pid)
			return &local->backendStatus;
	}
	return NULL;
}

/* Append the time that has passed since a timestamp, in a suitable unit. */
static void
append_duration(StringInfo buf, TimestampTz since)
{
	long		secs;
	int			usecs;

	TimestampDifference(since, GetCurrentTimestamp(), &secs, &usecs);
	if (secs >= 7200)
		appendStringInfo(buf, "%ld hours", secs / 3600);
	else if (secs >= 120)
		appendStringInfo(buf, "%ld minutes", secs / 60);
	else
		appendStringInfo(buf, "%ld.%d seconds", secs, usecs / 100000);
}

/*
 * Append a sentence about a process to a description of blocking sessions.  As
 * in pg_stat_activity, the transaction and the query are shown only if
 * "caller", which InvalidOid is not, is a member of the process's role or of
 * pg_read_all_stats.
 */
static void
append_process(StringInfo buf, int pid, Oid caller)
{
	PgBackendStatus *status = find_backend(pid);
	char	   *role;

	appendStringInfo(buf, "Blocked by process %d", pid);
	if (status == NULL)
	{
		appendStringInfoChar(buf, '.');
		return;
	}

	role = OidIsValid(status->st_userid) ?
		GetUserNameFromId(status->st_userid, true) : NULL;
	if (role != NULL)
		appendStringInfo(buf, " of role \"%s\"", role);
	if (cmig_text_is_given(status->st_appname))
		appendStringInfo(buf, " (application \"%s\")", status->st_appname);
	if (!OidIsValid(caller) || (!has_privs_of_role(caller, ROLE_PG_READ_ALL_STATS) &&
								!(OidIsValid(status->st_userid) && has_privs_of_role(caller, status->st_userid))))
	{
		appendStringInfoChar(buf, '.');
		return;
	}

	if (status->st_xact_start_timestamp != 0)
	{
		appendStringInfoString(buf, "; its transaction has been open for ");
		append_duration(buf, status->st_xact_start_timestamp);
	}
	switch (status->st_state)
	{
		case STATE_IDLEINTRANSACTION:
		case STATE_IDLEINTRANSACTION_ABORTED:
			appendStringInfoString(buf, ", idle since its last query");
			break;
		case STATE_RUNNING:
			appendStringInfoString(buf, ", and its query is running");
			break;
		default:
			break;
	}
	if (cmig_text_is_given(status->st_activity_raw))
	{
		char	   *query = pgstat_clip_activity(status->st_activity_raw);
		int			length = strlen(query);
		int			clipped = pg_mbcliplen(query, length, MAX_QUERY_LENGTH);

		appendStringInfoString(buf, ": ");
		for (int i = 0; i < clipped; i++)
			appendStringInfoChar(buf, strchr("\n\r\t", query[i]) ? ' ' : query[i]);
		if (clipped < length)
			appendStringInfoString(buf, "...");
	}
	else
		appendStringInfoString(buf, ".");
}

TransactionId
cmig_lock_wait_prepared(VirtualTransactionId holder)
{
	bool		have_more;

	if (VirtualTransactionIdIsRecoveredPreparedXact(holder))
		return holder.localTransactionId;
	return TwoPhaseGetXidByVirtualXID(holder, &have_more);
}

/*
 * Does the session hold the lock in a conflicting mode ("waiting" is false), or
 * does it wait for the lock in such a mode and come first ("waiting" is true)?
 */
static bool
is_blocker(const LockInstanceData *lock, LOCKMASK conflicts, TimestampTz since, bool waiting)
{
	PgBackendStatus *status;

	if (lock->leaderPid == MyProcPid || lock->pid == MyProcPid)
		return false;
	if (waiting)
		return (lock->holdMask & conflicts) == 0 && lock->waitLockMode != NoLock &&
			(LOCKBIT_ON(lock->waitLockMode) & conflicts) != 0 &&
			(since == 0 || (lock->waitStart != 0 && lock->waitStart < since));
	if ((lock->holdMask & conflicts) == 0)
		return false;
	if (since == 0 || lock->pid == 0)
		return true;

	/*
	 * Did the session get the lock only after this backend had begun to wait
	 * at "since" and had left the queue?  In that case, the session waited
	 * behind this backend, or its statement and transaction are newer.  The
	 * latter says nothing about an advisory lock, which a session can keep.
	 */
	for (int i = 0; since == seen.wait_start && i < seen.behind_count; i++)
		if (seen.behind[i] == lock->pid)
			return false;
	status = find_backend(lock->pid);
	return status == NULL || lock->locktag.locktag_type == LOCKTAG_ADVISORY ||
		status->st_xact_start_timestamp <= since || status->st_activity_start_timestamp <= since;
}

char *
cmig_lock_wait_blockers(const LOCKTAG *tag, LOCKMODE mode, TimestampTz since, Oid caller, int *pid)
{
	LOCKMASK	conflicts = GetLockTagsMethodTable(tag)->conflictTab[mode];
	LockData   *locks = GetLockStatusData();
	StringInfoData buf;
	int			shown = 0;
	int			more = 0;

	*pid = 0;
	initStringInfo(&buf);

	/*
	 * discard the snapshot of backend activity from an earlier call, which
	 * may be outdated
	 */
	pgstat_clear_backend_activity_snapshot();

	/* first the sessions that hold the lock, then those that wait for it */
	for (int i = 0; i < 2 * locks->nelements; i++)
	{
		const LockInstanceData *lock = &locks->locks[i % locks->nelements];
		TransactionId prepared = InvalidTransactionId;

		if (memcmp(&lock->locktag, tag, sizeof(LOCKTAG)) != 0 ||
			!is_blocker(lock, conflicts, since, i >= locks->nelements))
			continue;
		if (lock->pid == 0)
			prepared = cmig_lock_wait_prepared(cmig_lock_vxid_compat(lock));
		if (lock->pid == 0 && !TransactionIdIsValid(prepared))
			continue;
		if (shown == MAX_BLOCKERS)
		{
			more++;
			continue;
		}
		if (shown++ > 0)
			appendStringInfoChar(&buf, '\n');
		if (TransactionIdIsValid(prepared))
			appendStringInfo(&buf, "Blocked by prepared transaction %u.", prepared);
		else
		{
			if (*pid == 0)
				*pid = lock->pid;
			append_process(&buf, lock->pid, caller);
		}
	}
	if (more > 0)
		appendStringInfo(&buf,
						 more == 1 ? "\nBlocked by %d more session." :
						 "\nBlocked by %d more sessions.", more);
	return shown > 0 ? buf.data : NULL;
}

/*
 * Transactions that have been open for less than this time, in milliseconds,
 * are not reported.
 */
#define OLD_SNAPSHOT_MS 1000

char *
cmig_lock_wait_snapshots(Oid caller)
{
	StringInfoData buf;
	VirtualTransactionId *running;
	int			count;
	int			shown = 0;

	initStringInfo(&buf);
	pgstat_clear_backend_activity_snapshot();
	running = GetCurrentVirtualXIDs(InvalidTransactionId, true, false,
									PROC_IS_AUTOVACUUM | PROC_IN_VACUUM | PROC_IN_SAFE_IC,
									&count);
	for (int i = 0; i < count; i++)
	{
		PGPROC	   *proc = cmig_vxid_get_proc_compat(running[i]);
		PgBackendStatus *status = proc != NULL ? find_backend(proc->pid) : NULL;

		if (status == NULL || status->st_xact_start_timestamp == 0 ||
			!TimestampDifferenceExceeds(status->st_xact_start_timestamp,
										GetCurrentTimestamp(), OLD_SNAPSHOT_MS))
			continue;
		if (shown++ == MAX_BLOCKERS)
		{
			appendStringInfoString(&buf, "\nBlocked by more sessions.");
			break;
		}
		if (shown > 1)
			appendStringInfoChar(&buf, '\n');
		append_process(&buf, proc->pid, caller);
	}
	return shown > 0 ? buf.data : NULL;
}

/*
 * Add a detail and a hint to the error that is being reported.  They say which
 * sessions block the lock and how to proceed.  "since" is when the wait began,
 * and "what" is a sentence that says what the run waited for.
 */
static void
explain(const LOCKTAG *tag, LOCKMODE mode, TimestampTz since, Oid caller, const char *what)
{
	int			pid;
	char	   *shown = cmig_lock_wait_blockers(tag, mode, since, InvalidOid, &pid);
	char	   *blockers = cmig_lock_wait_blockers(tag, mode, since, caller, &pid);

	/* what cmig_error_stored() returns */
	errdetail_log(shown ? "%s\n%s" : "%s", what, shown);
	if (blockers == NULL)
	{
		errdetail("%s", what);
		return;
	}
	errdetail("%s\n%s", what, blockers);
	if (pid != 0)
		errhint("Try again when that transaction has ended, or end it: SELECT pg_terminate_backend(%d)",
				pid);
	else
		errhint("To get the statement that ends it: SELECT transaction, format('ROLLBACK PREPARED %%L', gid) FROM pg_prepared_xacts");
}

void
cmig_lock_wait_explain(void)
{
	int			code = geterrcode();
	LOCKTAG		tag;
	char	   *what;
	bool		ours;

	if (code != ERRCODE_LOCK_NOT_AVAILABLE && code != ERRCODE_QUERY_CANCELED)
		return;
	if (expired && has_deadline() && code == ERRCODE_QUERY_CANCELED)
	{
		expired = false;
		errmsg("canceling statement due to %s", limit_setting);
		describe();
		return;
	}
	if (seen.last_seen == 0 || GetCurrentTimestamp() - seen.last_seen > STALE_US)
		return;
	if (!IsTransactionState())
		return;

	for (int i = 0; i < lengthof(seen.tag); i++)
		((uint32 *) &tag)[i] = seen.tag[i];
	ours = seen.exhausted && code == ERRCODE_QUERY_CANCELED;

	/*
	 * forget the wait, so that only this error is explained and a later wait
	 * can be canceled
	 */
	seen.last_seen = 0;
	seen.exhausted = false;

	if (ours)
		errcode(ERRCODE_LOCK_NOT_AVAILABLE);
	what = psprintf("%s on %s", GetLockmodeName(tag.locktag_lockmethodid, seen.mode),
					describe_tag(&tag));
	if (ours && !seen.single)
	{
		errmsg("canceling statement due to cmig.lock_timeout");
		what = psprintf("The run has waited for locks for more than %d ms in total, most recently for %s.",
						lock_limit_ms, what);
	}
	else
	{
		if (ours)
			errmsg("canceling statement due to lock timeout");
		what = psprintf("It waited for %s.", what);
	}
	explain(&tag, seen.mode, seen.wait_start, watching_role, what);
}

void
cmig_lock_wait_explain_callback(void *arg pg_attribute_unused())
{
	cmig_lock_wait_explain();
}

ErrorData *
cmig_lock_wait_try(CmigSubtransactionWork work, void *arg)
{
	ErrorContextCallback callback = {error_context_stack, cmig_lock_wait_explain_callback, NULL};
	const bool	watched = cmig_lock_wait_is_watched();
	bool		yielded = cmig_lock_wait_yield(true);
	ErrorData  *error;

	error_context_stack = &callback;
	if (!watched)
	{
		cmig_lock_wait_reset();
		cmig_lock_wait_watch(GetUserId());
	}
	error = cmig_subtransaction_try(work, arg);
	cmig_lock_wait_yield(yielded);
	if (!watched)
		cmig_lock_wait_unwatch();
	error_context_stack = callback.previous;
	if (error != NULL && error->sqlerrcode != ERRCODE_LOCK_NOT_AVAILABLE)
		ReThrowError(error);
	return error;
}

/* For how long a call tries to lock all tables, in milliseconds. */
#define TOGETHER_MS 30000

/* The arguments of cmig_lock_wait_together(). */
typedef struct Together
{
	List	   *tables;
	LOCKMODE	mode;
} Together;

static void
lock_together(void *arg)
{
	const Together *together = arg;

	foreach_oid(table, together->tables)
	{
		cmig_query_hold(table, together->mode);
		(void) cmig_inheritors(table, together->mode);
	}
}

void
cmig_lock_wait_together(List *tables, LOCKMODE mode, bool written)
{
	TimestampTz began = GetCurrentTimestamp();
	Together	together = {tables, mode};
	ErrorData  *error;
	Oid			raised;
	LOCKMODE	of_raised;

	if (written)
		return;
	while ((error = cmig_lock_wait_try(lock_together, &together)) != NULL)
	{
		if (!cmig_lock_wait_yielded(&raised, &of_raised) ||
			TimestampDifferenceExceeds(began, GetCurrentTimestamp(), TOGETHER_MS))
			ReThrowError(error);
		FreeErrorData(error);
		DirectFunctionCall1(pg_sleep,
							Float8GetDatum(0.1 * pg_prng_double(&pg_global_prng_state)));
	}
}

void
cmig_lock_wait_explain_tag(const LOCKTAG *tag, LOCKMODE mode, TimestampTz since, Oid caller,
						   const char *what)
{
	int			code = geterrcode();

	if (code != ERRCODE_LOCK_NOT_AVAILABLE && code != ERRCODE_QUERY_CANCELED)
		return;
	if (IsTransactionState())
		explain(tag, mode, since, caller, what);
}
