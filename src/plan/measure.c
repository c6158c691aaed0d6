/*
 * measure.c
 *	  What a statement locked and read, and who waits.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "catalog/pg_class.h"
#include "executor/instrument.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "nodes/pg_list.h"
#include "portability/instr_time.h"
#include "storage/lock.h"
#include "storage/lockdefs.h"
#include "storage/proc.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"
#include "utils/resowner.h"
#include "utils/timeout.h"
#include "utils/timestamp.h"

#include "base/base.h"
#include "plan/internal.h"

/* ----------------------------------------------------------------
 * Lists the relation locks that the current subtransaction holds.
 *
 * pg_locks shows the lock table shared by all sessions.  This module reads the
 * backend's local lock table instead.  Reading the local table does not block
 * other sessions, and the local table also shows which subtransactions hold a
 * lock.
 *
 * PostgreSQL does not export the hash table that holds a backend's local
 * locks.  This module finds the hash table by the name of its memory context.
 * It ignores the memory context of a function in a procedural language, which
 * can have the same name because it is named after the function.  The name is
 * stored right after the hash table's header, and the size of the header is
 * determined by creating another hash table.
 * ----------------------------------------------------------------
 */

#define TABLE_NAME "LOCALLOCK hash"

/*
 * Returns the distance from the start of a hash table's header to the table's
 * name.
 */
static Size
header_size(void)
{
	HASHCTL		control = {.keysize = sizeof(Oid),.entrysize = sizeof(Oid)};
	HTAB	   *table = hash_create("pg_cmig probe", 16, &control, HASH_ELEM | HASH_BLOBS);
	Size		size = GetMemoryChunkContext(table)->ident - (char *) table;

	hash_destroy(table);
	return size;
}

/*
 * Returns the backend's local lock table.  Raises an error if the table is not
 * found.
 */
static HTAB *
local_locks(void)
{
	static HTAB *found = NULL;

	if (found != NULL)
		return found;

	/*
	 * Use the last matching context, which is the oldest one, because new
	 * contexts are added at the front.  Users can choose the identifiers of
	 * some contexts, but not those of hash tables.
	 */
	for (MemoryContext child = TopMemoryContext->firstchild; child != NULL; child = child->nextchild)
	{
		if (strcmp(child->name, "dynahash") == 0 &&
			child->ident != NULL && strcmp(child->ident, TABLE_NAME) == 0)
			found = (HTAB *) (child->ident - header_size());
	}
	if (found == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("cmig.dry_run cannot read the locks of this server"),
				 errdetail("The server has no lock table named \"%s\".", TABLE_NAME),
				 errhint("To see the expected locks without running anything: SELECT revision, locks FROM cmig.plan()")));
	return found;
}

/*
 * Does the resource owner belong to the current subtransaction or to one of its
 * cursors?
 */
static bool
is_ours(ResourceOwner owner)
{
	while (owner != NULL && owner != CurTransactionResourceOwner)
		owner = ResourceOwnerGetParent(owner);
	return owner != NULL;
}

/* A relation that the current subtransaction, or the transaction, has locked. */
typedef struct Touched
{
	Oid			oid;
	LOCKMODE	mode;			/* the strongest lock that is held */
	bool		of_transaction; /* true if the whole transaction holds the
								 * lock, as with a lock that nextval() takes;
								 * such a lock may be older than the
								 * subtransaction */
	CmigExisting *relation;
} Touched;

/* Returns the locks on relations in this database, as a List of Touched *. */
static List *
held_locks(void)
{
	HASH_SEQ_STATUS scan;
	LOCALLOCK  *lock;
	List	   *result = NIL;

	hash_seq_init(&scan, local_locks());
	while ((lock = hash_seq_search(&scan)) != NULL)
	{
		const LOCKTAG *tag = &lock->tag.lock;
		bool		ours = false;
		bool		of_transaction = false;
		Touched    *touched;

		if (lock->nLocks == 0 || tag->locktag_type != LOCKTAG_RELATION ||
			tag->locktag_field1 != MyDatabaseId)
			continue;
		for (int i = 0; i < lock->numLockOwners; i++)
		{
			ours |= is_ours(lock->lockOwners[i].owner);
			of_transaction |= lock->lockOwners[i].owner == TopTransactionResourceOwner;
		}
		if (!ours && !of_transaction)
			continue;
		touched = palloc0(sizeof(Touched));
		touched->oid = tag->locktag_field2;
		touched->mode = lock->tag.mode;
		touched->of_transaction = !ours;
		result = lappend(result, touched);
	}
	return result;
}

/* ----------------------------------------------------------------
 * Measures how long other sessions wait for locks on relations.
 *
 * While the watch is on, a timer checks every few milliseconds which processes
 * are waiting for a lock on a relation in this database, and for how long.
 *
 * The timer callback runs in a signal handler, so it must not take locks or
 * call functions that take locks.  The callback reads the array of all PGPROCs,
 * whose address does not change, and the lock for which each process is
 * waiting.  Such a lock may be released concurrently, but its memory remains in
 * the lock table.  In the worst case, a wait is counted for the wrong relation.
 * ----------------------------------------------------------------
 */

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

/*
 * Returns the longest wait seen for a relation since the statement began, in
 * microseconds.  Returns 0 if there was none.
 */
static int64
longest_wait(Oid relation)
{
	for (int i = 0; i < seen_count; i++)
	{
		if (seen[i].relation == relation)
			return seen[i].longest_us;
	}
	return 0;
}

/* ----------------------------------------------------------------
 * Measures what one statement of a dry run locks, rewrites, and scans.
 *
 * The reported locks are the locks that the statement's subtransaction holds
 * when it ends.  A relation counts as rewritten if its file has been replaced.
 * A relation counts as scanned if, according to its statistics counters, a scan
 * without an index has read at least as many blocks as the relation has.
 * ----------------------------------------------------------------
 */

bool
cmig_measure_is_reported(char kind, LOCKMODE mode)
{
	return mode >= ShareUpdateExclusiveLock ||
		(kind != RELKIND_INDEX && kind != RELKIND_PARTITIONED_INDEX);
}

const char *
cmig_measure_mode_name(LOCKMODE mode)
{
	static const char *const names[] = {
		"", "ACCESS SHARE", "ROW SHARE", "ROW EXCLUSIVE", "SHARE UPDATE EXCLUSIVE",
		"SHARE", "SHARE ROW EXCLUSIVE", "EXCLUSIVE", "ACCESS EXCLUSIVE"
	};

	return names[mode];
}

char *
cmig_measure_lock_line(LOCKMODE mode, const char *name, char kind, int64 size)
{
	if (!RELKIND_HAS_STORAGE(kind) || kind == RELKIND_SEQUENCE || size < 0)
		return psprintf("%s on %s", cmig_measure_mode_name(mode), name);
	return psprintf("%s on %s, %s", cmig_measure_mode_name(mode), name,
					cmig_existing_size_text(size));
}

/* list_sort comparator: by relation, then strongest lock first. */
static int
compare_relations(const ListCell *a, const ListCell *b)
{
	const Touched *x = lfirst(a);
	const Touched *y = lfirst(b);

	if (x->oid != y->oid)
		return x->oid < y->oid ? -1 : 1;
	return y->mode - x->mode;
}

/* list_sort comparator: strongest lock first, then by name. */
static int
compare_locks(const ListCell *a, const ListCell *b)
{
	const Touched *x = lfirst(a);
	const Touched *y = lfirst(b);

	if (x->mode != y->mode)
		return y->mode - x->mode;
	return strcmp(x->relation->name, y->relation->name);
}

/*
 * Returns the relations that the statement has locked and that existed before
 * the dry run, as a List of Touched *.
 */
static List *
find_touched(CmigExistingSet *relations)
{
	List	   *locks = held_locks();
	List	   *result = NIL;
	Oid			previous = InvalidOid;
	ListCell   *lc;

	list_sort(locks, compare_relations);
	foreach(lc, locks)
	{
		Touched    *touched = lfirst(lc);

		if (touched->oid == previous)
			continue;
		touched->relation = cmig_existing_get(relations, touched->oid);
		if (!touched->relation->existed)
			continue;

		/*
		 * A lock held by the whole transaction counts only if the relation is
		 * a sequence that has not been locked before, because nextval() locks
		 * a sequence once per transaction.
		 */
		if (touched->of_transaction)
		{
			if (touched->relation->kind != RELKIND_SEQUENCE || touched->relation->locked)
				continue;
			touched->relation->locked = true;
		}
		previous = touched->oid;
		result = lappend(result, touched);
	}
	list_sort(result, compare_locks);
	return result;
}

void
cmig_measure_start(CmigExistingSet *relations)
{
	ListCell   *lc;

	foreach(lc, held_locks())
	{
		Touched    *touched = lfirst(lc);

		if (touched->of_transaction)
			cmig_existing_get(relations, touched->oid)->locked = true;
	}
}

/* Append a line to *text.  An empty *text is NULL. */
static void
add_line(char **text, const char *line)
{
	*text = *text == NULL ? pstrdup(line) : psprintf("%s\n%s", *text, line);
}

/* Has the statement replaced the relation's file? */
static bool
is_rewritten(CmigExisting *relation)
{
	Oid			filenode = cmig_existing_filenode(relation->oid);

	if (!OidIsValid(filenode) || filenode == relation->filenode)
		return false;

	/*
	 * When a file is replaced for the first time, record how many rows a
	 * rollback will leave dead in the original file.  Rows that are written
	 * later go to the new file, which a rollback removes.
	 */
	if (!relation->rewritten)
		relation->dead = cmig_existing_count(relation->oid).written - relation->first.written;
	relation->rewritten = true;
	relation->filenode = filenode;
	return relation->kind != RELKIND_SEQUENCE;
}

/* Has the statement read all blocks of the relation? */
static bool
is_read_in_full(CmigExisting *relation)
{
	CmigCounters now = cmig_existing_count(relation->oid);
	int64		scans = now.scans - relation->last.scans;
	int64		blocks = now.blocks - relation->last.blocks;

	relation->last = now;
	if (relation->kind != RELKIND_RELATION && relation->kind != RELKIND_MATVIEW)
		return false;
	return scans > 0 && relation->pages > 0 && blocks >= relation->pages;
}

/* Returns the sequences that the statement has advanced. */
static List *
find_moved(CmigExistingSet *relations, List *touched)
{
	List	   *result = NIL;
	ListCell   *lc;

	/*
	 * ALTER SEQUENCE does not count as advancing a sequence, because it
	 * writes a new file, which a rollback removes
	 */
	foreach(lc, touched)
	{
		Touched    *one = lfirst(lc);

		if (one->relation->kind == RELKIND_SEQUENCE && one->mode > RowExclusiveLock)
		{
			one->relation->last = cmig_existing_count(one->oid);
			(void) is_rewritten(one->relation);
		}
	}
	foreach(lc, cmig_existing_sequences(relations))
	{
		CmigExisting *sequence = lfirst(lc);
		CmigCounters now = cmig_existing_count(sequence->oid);

		if (now.blocks > sequence->last.blocks && now.scans == sequence->last.scans &&
			sequence->filenode == sequence->first_filenode)
			result = lappend(result, sequence);
		sequence->last = now;
	}
	return result;
}

/* Returns a phrase that says how long other sessions waited. */
static char *
wait_text(int64 us)
{
	return us < 10000000 ? psprintf("others waited " INT64_FORMAT " ms", us / 1000) :
		psprintf("others waited " INT64_FORMAT " s", us / 1000000);
}

/*
 * Add a line for a lock, including the longest time that another session has
 * waited for the lock.
 */
static void
add_lock(CmigMeasure *measure, const Touched *one)
{
	CmigExisting *relation = one->relation;
	int64		wait = longest_wait(one->oid);
	char	   *line;

	relation->held = Max(relation->held, one->mode);
	if (wait == 0 && !cmig_measure_is_reported(relation->kind, one->mode))
		return;
	line = cmig_measure_lock_line(one->mode, relation->name, relation->kind,
								  cmig_citus_manages(relation->oid) ? -1 : relation->size);
	add_line(&measure->locks, wait > 0 ? psprintf("%s, %s", line, wait_text(wait)) : line);
}

/*
 * Add lines for relations whose locks were taken by earlier statements and made
 * other sessions wait.
 */
static void
add_earlier_locks(CmigMeasure *measure, List *touched)
{
	for (int i = 0; i < seen_count; i++)
	{
		CmigExisting *relation = cmig_existing_get(measure->relations, seen[i].relation);
		bool		now = false;
		ListCell   *other;

		foreach(other, touched)
		{
			now |= ((Touched *) lfirst(other))->relation == relation;
		}
		if (relation->existed && relation->held != NoLock && !now)
			add_line(&measure->locks,
					 psprintf("held since an earlier statement: %s, %s", relation->name,
							  wait_text(longest_wait(relation->oid))));
	}
}

void
cmig_measure_begin(CmigMeasure *measure, CmigExistingSet *relations)
{
	memset(measure, 0, sizeof(*measure));
	measure->relations = relations;
	seen_count = 0;				/* discard earlier waits */
	measure->wal_start = pgWalUsage.wal_bytes;
	INSTR_TIME_SET_CURRENT(measure->start);
}

void
cmig_measure_fail(CmigMeasure *measure)
{
	instr_time	elapsed;

	INSTR_TIME_SET_CURRENT(elapsed);
	INSTR_TIME_SUBTRACT(elapsed, measure->start);
	measure->elapsed_us = INSTR_TIME_GET_MICROSEC(elapsed);
	measure->wal_bytes = pgWalUsage.wal_bytes - measure->wal_start;
}

void
cmig_measure_end(CmigMeasure *measure)
{
	List	   *touched;
	ListCell   *lc;

	cmig_measure_fail(measure);
	touched = find_touched(measure->relations);
	foreach(lc, touched)
	{
		Touched    *one = lfirst(lc);
		CmigExisting *relation = one->relation;

		add_lock(measure, one);
		if (one->mode == AccessExclusiveLock && is_rewritten(relation))
			add_line(&measure->rewrites, relation->name);
		if (relation->kind != RELKIND_SEQUENCE && is_read_in_full(relation))
			add_line(&measure->scans, relation->name);
	}
	add_earlier_locks(measure, touched);
	measure->moved = find_moved(measure->relations, touched);
}
