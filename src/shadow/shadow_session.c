/*
 * shadow_session.c
 *	  After SQL has run in a shadow, restores session state that the
 *	  rollback does not restore.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/compat.h"
#include "shadow/shadow_session.h"

#include "miscadmin.h"
#include "storage/lock.h"

/*
 * Values of the fourth field in an advisory lock's tag.  They show whether SQL
 * functions took the lock with one key or with two.
 */
#define FIELD4_ONE_KEY 1
#define FIELD4_TWO_KEYS 2

/* An advisory lock that the session holds. */
typedef struct SessionLock
{
	LOCKTAG		tag;
	LOCKMODE	mode;
} SessionLock;

/* All advisory locks that the session holds. */
struct CmigSessionLocks
{
	int			count;
	SessionLock *locks;
};

/*
 * Is this an advisory lock that this process has taken with an SQL function?
 */
static bool
is_own_advisory(const LockInstanceData *lock)
{
	return lock->pid == MyProcPid &&
		lock->locktag.locktag_type == LOCKTAG_ADVISORY &&
		(lock->locktag.locktag_field4 == FIELD4_ONE_KEY ||
		 lock->locktag.locktag_field4 == FIELD4_TWO_KEYS);
}

CmigSessionLocks *
cmig_shadow_session_locks(void)
{
	LockData   *all = GetLockStatusData();
	CmigSessionLocks *found = palloc0(sizeof(CmigSessionLocks));

	found->locks = palloc(sizeof(SessionLock) * 2);
	for (int i = 0; i < all->nelements; i++)
	{
		if (!is_own_advisory(&all->locks[i]))
			continue;
		for (LOCKMODE mode = ShareLock; mode <= ExclusiveLock; mode++)
		{
			if (!(all->locks[i].holdMask & LOCKBIT_ON(mode)))
				continue;
			found->locks = repalloc(found->locks, sizeof(SessionLock) * (found->count + 1));
			found->locks[found->count].tag = all->locks[i].locktag;
			found->locks[found->count++].mode = mode;
		}
	}
	return found;
}

static bool
has(const CmigSessionLocks *locks, const SessionLock *lock)
{
	for (int i = 0; i < locks->count; i++)
		if (locks->locks[i].mode == lock->mode &&
			memcmp(&locks->locks[i].tag, &lock->tag, sizeof(LOCKTAG)) == 0)
			return true;
	return false;
}

void
cmig_shadow_session_put_back(const CmigSessionLocks *before)
{
	CmigSessionLocks *after = cmig_shadow_session_locks();

	for (int i = 0; i < after->count; i++)
	{
		const SessionLock *lock = &after->locks[i];

		/* release the lock as often as it was taken */
		while (!has(before, lock) && cmig_lock_held_compat(&lock->tag, lock->mode) &&
			   LockRelease(&lock->tag, lock->mode, true))
			;
	}
	for (int i = 0; i < before->count; i++)
	{
		const SessionLock *lock = &before->locks[i];

		if (!has(after, lock) &&
			LockAcquire(&lock->tag, lock->mode, true, true) == LOCKACQUIRE_NOT_AVAIL)
			ereport(WARNING,
					(errmsg("an advisory lock of this session was lost"),
					 errdetail("The target or replay released the lock, and another session has acquired it.")));
	}
}
