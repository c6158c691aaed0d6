/*
 * last_failure.c
 *	  Keeps each database's last failed run in shared memory.
 *
 * Each slot contains the last failure in one database.  One LWLock protects
 * all slots.  It is held only while a slot is copied, when no error can be
 * raised.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "run/last_failure.h"
#include "run/scope.h"

#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "storage/ipc.h"
#include "storage/lwlock.h"
#include "storage/shmem.h"
#include "utils/memutils.h"

/*
 * The maximum number of databases for which a failure is kept.  If runs fail
 * in more databases, the oldest failure is replaced.
 */
#define SLOTS 64

#define AREA_NAME "pg_cmig"

/* The last failure in a database. */
typedef struct Slot
{
	Oid			database;		/* InvalidOid if the slot is free */
	CmigLastFailure failure;
} Slot;

/* The shared memory area. */
typedef struct Area
{
	LWLock	   *lock;
	Slot		slots[SLOTS];
} Area;

/* The shared memory area, or NULL if the library was not preloaded. */
static Area *area = NULL;

static shmem_request_hook_type previous_request = NULL;
static shmem_startup_hook_type previous_startup = NULL;

/*
 * The step that this session is running.  If no step is running, "revision" is
 * an empty string.
 */
static CmigLastFailure current =
{
	0
};

/* Has end_session() been registered? */
static bool watching_exit = false;

/* shmem_request hook: reserve shared memory and the LWLock. */
static void
request(void)
{
	if (previous_request)
		previous_request();
	RequestAddinShmemSpace(MAXALIGN(sizeof(Area)));
	RequestNamedLWLockTranche(AREA_NAME, 1);
}

/* shmem_startup hook: create the shared memory area, or attach to it. */
static void
start(void)
{
	bool		found;

	if (previous_startup)
		previous_startup();
	LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
	area = ShmemInitStruct(AREA_NAME, sizeof(Area), &found);
	if (!found)
	{
		memset(area, 0, sizeof(Area));
		area->lock = &GetNamedLWLockTranche(AREA_NAME)->lock;
	}
	LWLockRelease(AddinShmemInitLock);
}

void
cmig_last_failure_init(void)
{
	if (!process_shared_preload_libraries_in_progress)
		return;
	previous_request = shmem_request_hook;
	shmem_request_hook = request;
	previous_startup = shmem_startup_hook;
	shmem_startup_hook = start;
}

bool
cmig_last_failure_is_kept(void)
{
	return area != NULL;
}

/*
 * Returns the slot of the current database, or NULL if it has none.  The
 * caller must hold the lock.
 */
static Slot *
find_slot(void)
{
	for (int i = 0; i < SLOTS; i++)
	{
		if (area->slots[i].database == MyDatabaseId)
			return &area->slots[i];
	}
	return NULL;
}

/* Did the failure in the slot occur in the current scope? */
static bool
is_of_scope(const Slot *slot)
{
	return strcmp(slot->failure.scope, cmig_scope_current()) == 0;
}

/*
 * Returns a free slot, or the slot with the oldest failure.  The caller must
 * hold the lock.
 */
static Slot *
choose_slot(void)
{
	Slot	   *oldest = &area->slots[0];

	for (int i = 0; i < SLOTS; i++)
	{
		if (!OidIsValid(area->slots[i].database))
			return &area->slots[i];
		if (area->slots[i].failure.at < oldest->failure.at)
			oldest = &area->slots[i];
	}
	return oldest;
}

/* Store the failure of the current step in shared memory. */
static void
keep(void)
{
	Slot	   *slot;

	current.at = GetCurrentTimestamp();
	LWLockAcquire(area->lock, LW_EXCLUSIVE);
	slot = find_slot();
	if (slot == NULL)
		slot = choose_slot();
	slot->database = MyDatabaseId;
	slot->failure = current;
	LWLockRelease(area->lock);
	current.revision[0] = '\0';
}

/*
 * Copy a string to a buffer of "size" bytes, truncated at a character
 * boundary.
 */
static void
copy_text(char *target, const char *text, int size)
{
	int			length = strlen(text);

	if (length >= size)
		length = pg_mbcliplen(text, length, size - 1);
	memcpy(target, text, length);
	target[length] = '\0';
}

/*
 * before_shmem_exit callback: record a failure if the session ends in the
 * middle of a run, for example because it was terminated.
 */
static void
end_session(int code, Datum arg)
{
	if (current.revision[0] == '\0')
		return;
	current.sqlstate = 0;
	copy_text(current.message, "the session was terminated", CMIG_FAILURE_MESSAGE);
	keep();
}

void
cmig_last_failure_begin(CmigDirection direction, const char *revision)
{
	if (area == NULL)
		return;
	if (!watching_exit)
		before_shmem_exit(end_session, (Datum) 0);
	watching_exit = true;
	memset(&current, 0, sizeof(current));
	current.direction = direction;
	copy_text(current.revision, revision, CMIG_FAILURE_REVISION);
	strlcpy(current.scope, cmig_scope_current(), NAMEDATALEN);
}

void
cmig_last_failure_record(int statement)
{
	MemoryContext old;
	ErrorData  *error;

	if (area == NULL || current.revision[0] == '\0')
		return;
	old = MemoryContextSwitchTo(TopTransactionContext);
	error = CopyErrorData();
	current.statement = statement;
	current.sqlstate = error->sqlerrcode;
	copy_text(current.message, error->message ? error->message : "", CMIG_FAILURE_MESSAGE);
	FreeErrorData(error);
	MemoryContextSwitchTo(old);
	keep();
}

void
cmig_last_failure_forget(void)
{
	Slot	   *slot;

	current.revision[0] = '\0';
	if (area == NULL)
		return;
	LWLockAcquire(area->lock, LW_EXCLUSIVE);
	slot = find_slot();
	if (slot && is_of_scope(slot))
		slot->database = InvalidOid;
	LWLockRelease(area->lock);
}

bool
cmig_last_failure_read(CmigLastFailure *failure)
{
	Slot	   *slot;

	if (area == NULL)
		return false;
	LWLockAcquire(area->lock, LW_SHARED);
	slot = find_slot();
	if (slot && !is_of_scope(slot))
		slot = NULL;
	if (slot)
		*failure = slot->failure;
	LWLockRelease(area->lock);
	return slot != NULL;
}
