/*
 * run_lock.c
 *	  One run at a time in a database.
 *
 * SQL's advisory locks have 1 or 2 in the tag's fourth field, so no
 * pg_advisory_lock() can collide with ours.  pg_locks shows them as advisory
 * locks with the objsubid below.
 */
#include "postgres.h"

#include "compat.h"
#include "errors.h"
#include "lock_wait.h"
#include "run_lock.h"

#include "miscadmin.h"
#include "storage/lock.h"

/* "cmig" in classid, the lock in objid, a number of ours in objsubid */
#define KEY_CLASS 0x636d6967
#define KEY_GATE 1
#define KEY_RUN 2
#define KEY_FIELD4 0x4347

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

void
cmig_run_lock_transaction(const char *command)
{
	LOCKTAG		tag;
	ErrorContextCallback callback;

	PreventCommandDuringRecovery(command);
	PreventCommandIfReadOnly(command);

	set_tag(&tag, KEY_GATE);
	if (LockAcquire(&tag, ShareLock, false, true) == LOCKACQUIRE_NOT_AVAIL)
	{
		int			pid;
		char	   *blockers = cmig_lock_wait_blockers(&tag, ShareLock, GetUserId(), &pid);

		ereport(ERROR,
				(errcode(ERRCODE_LOCK_NOT_AVAILABLE),
				 errmsg("another run of pg_cmig is under way in this database"),
				 pid != 0 ? errdetail("%s", blockers) : 0,
				 errhint("It is a stepwise run, which %s cannot wait for. Try again when it has ended.",
						 command)));
	}

	callback.callback = name_other_run;
	callback.arg = NULL;
	callback.previous = error_context_stack;
	error_context_stack = &callback;

	set_tag(&tag, KEY_RUN);
	(void) LockAcquire(&tag, ExclusiveLock, false, false);

	error_context_stack = callback.previous;
}
