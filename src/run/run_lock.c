/*
 * run_lock.c
 *	  One run at a time in a database.
 *
 * SQL's advisory locks have 1 or 2 in the tag's fourth field, so no
 * pg_advisory_lock() can collide with ours.  pg_locks shows them as advisory
 * locks with the objsubid below.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/errors.h"
#include "run/extension.h"
#include "run/lock_wait.h"
#include "run/run_lock.h"

#include "miscadmin.h"
#include "pgstat.h"
#include "storage/lock.h"
#include "tcop/tcopprot.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"

/* "cmig" in classid, the lock in objid, a number of ours in objsubid */
#define KEY_CLASS 0x636d6967
#define KEY_GATE 1
#define KEY_RUN 2
#define KEY_AUDIT 3
#define KEY_SHADOW 4
#define KEY_FIELD4 0x4347
/* the same for the lock of a table, whose oid is in objid */
#define KEY_FIELD4_TABLE 0x4348

/*
 * How long a stepwise run steps aside for functions, in microseconds, and how
 * often before it insists.
 */
#define YIELD_US 10000
#define MAX_YIELDS 10

static void
set_tag(LOCKTAG *tag, uint32 key)
{
	SET_LOCKTAG_ADVISORY(*tag, MyDatabaseId, KEY_CLASS, key, KEY_FIELD4);
}

static void
name_other_run(void *arg)
{
	LOCKTAG		tag;

	set_tag(&tag, KEY_RUN);
	cmig_lock_wait_explain_tag(&tag, ExclusiveLock, GetUserId(),
							   "It waited for another run of pg_cmig in this database.");
}

/* Say in NOTICE and in pg_stat_activity who is waited for. */
static void
report_wait(const LOCKTAG *tag, const char *command)
{
	char		activity[200];
	int			pid;
	char	   *blockers = cmig_lock_wait_blockers(tag, ExclusiveLock, GetUserId(), &pid);

	if (blockers == NULL)
		return;
	if (pid != 0)
		snprintf(activity, sizeof(activity), "pg_cmig: %s waits for the run of process %d",
				 command, pid);
	else
		snprintf(activity, sizeof(activity), "pg_cmig: %s waits for a prepared transaction",
				 command);
	pgstat_report_activity(STATE_RUNNING, activity);
	ereport(NOTICE,
			(errmsg("waiting for another run of pg_cmig in this database"),
			 errdetail("%s", blockers)));
}

static void
report_end_of_wait(void)
{
	pgstat_report_activity(STATE_RUNNING, debug_query_string ? debug_query_string : "");
}

void
cmig_run_lock_transaction(const char *command)
{
	LOCKTAG		tag;
	ErrorContextCallback callback;

	PreventCommandDuringRecovery(command);
	PreventCommandIfReadOnly(command);

	/*
	 * A stepwise run holds the gate, or waits for it because functions went
	 * first too often.
	 */
	set_tag(&tag, KEY_GATE);
	if (LockAcquire(&tag, ShareLock, false, true) == LOCKACQUIRE_NOT_AVAIL)
	{
		int			pid;
		char	   *blockers = cmig_lock_wait_blockers(&tag, ShareLock, GetUserId(), &pid);

		ereport(ERROR,
				(errcode(ERRCODE_LOCK_NOT_AVAILABLE),
				 errmsg("another run of pg_cmig is under way in this database"),
				 blockers != NULL ? errdetail("%s", blockers) : 0,
				 errhint("It is a stepwise run, which %s cannot wait for. Try again when it has ended.",
						 command)));
	}

	/* no stepwise run, which a DROP might wait for, can begin now */
	cmig_extension_share();

	set_tag(&tag, KEY_RUN);
	if (LockAcquire(&tag, ExclusiveLock, false, true) != LOCKACQUIRE_NOT_AVAIL)
		return;

	report_wait(&tag, command);
	callback.callback = name_other_run;
	callback.arg = NULL;
	callback.previous = error_context_stack;
	error_context_stack = &callback;
	(void) LockAcquire(&tag, ExclusiveLock, false, false);
	error_context_stack = callback.previous;
	report_end_of_wait();
}

/* Queue for the run lock or the gate at session level. */
static void
wait_for_lock(uint32 key, const char *command)
{
	LOCKTAG		tag;
	ErrorContextCallback callback;

	set_tag(&tag, key);
	if (LockAcquire(&tag, ExclusiveLock, true, true) != LOCKACQUIRE_NOT_AVAIL)
		return;

	report_wait(&tag, command);
	callback.callback = name_other_run;
	callback.arg = NULL;
	callback.previous = error_context_stack;
	error_context_stack = &callback;

	/* a snapshot would keep an index build of the other run waiting for us */
	InvalidateCatalogSnapshot();
	Assert(!ActiveSnapshotSet());
	(void) LockAcquire(&tag, ExclusiveLock, true, false);

	error_context_stack = callback.previous;
	report_end_of_wait();
}

void
cmig_run_lock_session(const char *command)
{
	LOCKTAG		run;
	LOCKTAG		gate;

	PreventCommandDuringRecovery(command);
	PreventCommandIfReadOnly(command);

	set_tag(&run, KEY_RUN);
	set_tag(&gate, KEY_GATE);
	for (int yields = 0; yields < MAX_YIELDS; yields++)
	{
		wait_for_lock(KEY_RUN, command);
		if (LockAcquire(&gate, ExclusiveLock, true, true) != LOCKACQUIRE_NOT_AVAIL)
			return;

		/*
		 * Functions are behind us in the queue, and may hold snapshots: they
		 * go first.  One that is not in the queue yet is there in a moment.
		 */
		LockRelease(&run, ExclusiveLock, true);
		InvalidateCatalogSnapshot();
		CHECK_FOR_INTERRUPTS();
		pg_usleep(YIELD_US);
	}

	/*
	 * Functions overlap without a pause.  Those that hold the gate still go
	 * first, but none that come from now on.
	 */
	wait_for_lock(KEY_GATE, command);
	wait_for_lock(KEY_RUN, command);
}

bool
cmig_run_lock_held(void)
{
	LOCKTAG		tag;

	set_tag(&tag, KEY_RUN);
	return cmig_lock_held_compat(&tag, ExclusiveLock);
}

void
cmig_run_lock_release(void)
{
	LOCKTAG		tag;

	set_tag(&tag, KEY_GATE);
	if (cmig_lock_held_compat(&tag, ExclusiveLock))
		LockRelease(&tag, ExclusiveLock, true);
	set_tag(&tag, KEY_RUN);
	if (cmig_lock_held_compat(&tag, ExclusiveLock))
		LockRelease(&tag, ExclusiveLock, true);
}

/* Hold a lock at session level, if that is possible without waiting. */
static bool
hold(uint32 key)
{
	LOCKTAG		tag;

	set_tag(&tag, key);
	return cmig_lock_held_compat(&tag, ExclusiveLock) ||
		LockAcquire(&tag, ExclusiveLock, true, true) != LOCKACQUIRE_NOT_AVAIL;
}

void
cmig_run_lock_keep(void)
{
	if (!hold(KEY_RUN) || !hold(KEY_GATE))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("the run lock was lost"),
				 errdetail("The script released all advisory locks of the session, and another run has begun since."),
				 errhint("Take pg_advisory_unlock_all() out of the script, then CALL again.")));
}

int
cmig_run_lock_holder(void)
{
	LOCKTAG		tag;
	VirtualTransactionId *holders;
	int			count;

	/* only a stepwise run conflicts with another reader of the gate */
	set_tag(&tag, KEY_GATE);
	holders = GetLockConflicts(&tag, ShareLock, &count);
	for (int i = 0; i < count; i++)
	{
		PGPROC	   *proc = cmig_vxid_get_proc_compat(holders[i]);

		if (proc != NULL)
			return proc->pid;
	}
	return 0;
}

void
cmig_run_lock_table(Oid table)
{
	LOCKTAG		tag;
	int			pid;
	char	   *blockers;

	SET_LOCKTAG_ADVISORY(tag, MyDatabaseId, KEY_CLASS, table, KEY_FIELD4_TABLE);
	if (LockAcquire(&tag, ExclusiveLock, true, true) != LOCKACQUIRE_NOT_AVAIL)
		return;
	blockers = cmig_lock_wait_blockers(&tag, ExclusiveLock, GetUserId(), &pid);
	ereport(ERROR,
			(errcode(ERRCODE_LOCK_NOT_AVAILABLE),
			 errmsg("a backfill of table \"%s\" is under way already", get_rel_name(table)),
			 blockers != NULL ? errdetail("%s", blockers) : 0,
			 errhint("SELECT * FROM cmig.backfill_progress shows how far it is.")));
}

void
cmig_run_lock_table_release(Oid table)
{
	LOCKTAG		tag;

	SET_LOCKTAG_ADVISORY(tag, MyDatabaseId, KEY_CLASS, table, KEY_FIELD4_TABLE);
	if (cmig_lock_held_compat(&tag, ExclusiveLock))
		LockRelease(&tag, ExclusiveLock, true);
}

static void
name_other_maker(void *arg)
{
	LOCKTAG		tag;

	set_tag(&tag, KEY_AUDIT);
	cmig_lock_wait_explain_tag(&tag, ExclusiveLock, GetUserId(),
							   "It waited for another session that makes, moves or drops partitions of the audit log.");
}

void
cmig_run_lock_audit(void)
{
	LOCKTAG		tag;
	ErrorContextCallback callback;

	callback.callback = name_other_maker;
	callback.arg = NULL;
	callback.previous = error_context_stack;
	error_context_stack = &callback;

	set_tag(&tag, KEY_AUDIT);
	(void) LockAcquire(&tag, ExclusiveLock, false, false);

	error_context_stack = callback.previous;
	AcceptInvalidationMessages();
}

static void
name_other_shadow(void *arg)
{
	LOCKTAG		tag;

	set_tag(&tag, KEY_SHADOW);
	cmig_lock_wait_explain_tag(&tag, ExclusiveLock, GetUserId(),
							   "It waited for another session that compares schemas in this database.");
}

void
cmig_run_lock_shadow(void)
{
	LOCKTAG		tag;
	ErrorContextCallback callback;

	callback.callback = name_other_shadow;
	callback.arg = NULL;
	callback.previous = error_context_stack;
	error_context_stack = &callback;

	set_tag(&tag, KEY_SHADOW);
	(void) LockAcquire(&tag, ExclusiveLock, false, false);

	error_context_stack = callback.previous;
	AcceptInvalidationMessages();
}
