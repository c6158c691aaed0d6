/*
 * waiters.c
 *	  Measures how long other sessions wait for locks on relations.
 *
 * The timer callback runs in a signal handler, so it must not take locks or
 * call functions that take locks.  The callback reads the array of all PGPROCs,
 * whose address does not change, and the lock for which each process is
 * waiting.  Such a lock may be released concurrently, but its memory remains in
 * the lock table.  In the worst case, a wait is counted for the wrong relation.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "inspect/waiters.h"

#include "miscadmin.h"
#include "storage/lock.h"
#include "storage/proc.h"
#include "utils/timeout.h"
#include "utils/timestamp.h"

/* The timer interval in milliseconds, and the maximum number of relations. */
#define TICK_MS 5
#define MAX_RELATIONS 64

/*
 * The waits seen so far.  The signal handler records them while the timer is
 * on.
 */
static volatile struct
{
	Oid			relation;
	int64		longest_us;
}			seen[MAX_RELATIONS];
static volatile int seen_count = 0;

static TimeoutId timer;
static bool timer_registered = false;
static bool watching = false;

/* Record a wait for a relation. */
static void
note_wait(Oid relation, int64 us)
{
	int			i = 0;

	while (i < seen_count && seen[i].relation != relation)
		i++;
	if (i == MAX_RELATIONS)
		return;
	if (i == seen_count)
	{
		seen[i].relation = relation;
		seen[i].longest_us = 0;
		seen_count = i + 1;
	}
	if (us > seen[i].longest_us)
		seen[i].longest_us = us;
}

/* Timer callback: look for processes that are waiting. */
static void
look_at_waiters(void)
{
	TimestampTz now = GetCurrentTimestamp();

	for (uint32 i = 0; i < ProcGlobal->allProcCount; i++)
	{
		PGPROC	   *proc = &ProcGlobal->allProcs[i];
		volatile LOCK *lock = *(LOCK *volatile *) &proc->waitLock;
		TimestampTz start;

		if (lock == NULL || proc == MyProc ||
			lock->tag.locktag_type != LOCKTAG_RELATION ||
			lock->tag.locktag_field1 != MyDatabaseId)
			continue;
		start = (TimestampTz) pg_atomic_read_u64(&proc->waitStart);
		if (start != 0 && now > start)
			note_wait(lock->tag.locktag_field2, now - start);
	}
}

void
cmig_waiters_watch(void)
{
	if (!timer_registered)
	{
		timer = RegisterTimeout(USER_TIMEOUT, look_at_waiters);
		timer_registered = true;
	}
	seen_count = 0;
	watching = true;
	enable_timeout_every(timer, TimestampTzPlusMilliseconds(GetCurrentTimestamp(), TICK_MS), TICK_MS);
}

void
cmig_waiters_unwatch(void)
{
	if (watching)
		disable_timeout(timer, false);
	watching = false;
	seen_count = 0;
}

void
cmig_waiters_forget(void)
{
	seen_count = 0;
}

List *
cmig_waiters_relations(void)
{
	List	   *result = NIL;

	for (int i = 0; i < seen_count; i++)
		result = lappend_oid(result, seen[i].relation);
	return result;
}

int64
cmig_waiters_longest(Oid relation)
{
	for (int i = 0; i < seen_count; i++)
	{
		if (seen[i].relation == relation)
			return seen[i].longest_us;
	}
	return 0;
}
