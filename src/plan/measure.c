/*
 * measure.c
 *	  What the statements of a dry run lock, rewrite, and scan, and who waits.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "access/relation.h"
#include "access/table.h"
#include "access/transam.h"
#include "catalog/catalog.h"
#include "executor/instrument.h"
#include "pgstat.h"
#include "storage/lmgr.h"
#include "utils/timeout.h"

#include "plan/internal.h"

/*
 * Describes the relations that existed when a dry run began, and how the dry
 * run changed them.
 *
 * pg_class is read when the dry run starts, so objects that the dry run
 * creates, renames, or drops do not affect the result.  System catalogs, TOAST
 * tables, composite types, and the extension's own relations are not reported,
 * as if they did not exist.
 */

/* Returns the statistics that this backend has collected for a relation. */
static CmigCounters
count(Oid relation)
{
	CmigCounters counters = {0};
	PgStat_TableStatus *status = find_tabstat_entry(relation);

	if (status != NULL)
	{
		counters.scans = cmig_counted_scans_compat(status);
		counters.blocks = cmig_counted_blocks_compat(status);
		counters.dead = cmig_counted_dead_compat(status);
		counters.written = cmig_counted_written_compat(status);

		/*
		 * In PostgreSQL 16 and later, the counts already include those of
		 * open transactions, and "trans" is NULL.
		 */
		for (PgStat_TableXactStatus *open = status->trans; open != NULL; open = open->upper)
			counters.written += open->tuples_inserted + open->tuples_updated;
	}
	return counters;
}

CmigExisting *
cmig_existing_get(CmigExistingSet *set, Oid oid)
{
	CmigExisting *relation = hash_search(set->relations, &oid, HASH_FIND, NULL);
	CmigExisting *toast;
	MemoryContext old;

	if (relation == NULL || relation->name == NULL)
		return NULL;
	if (relation->used)
		return relation;
	relation->used = true;
	relation->size = cmig_size_of_file(&relation->first);
	relation->pages = relation->size / BLCKSZ;
	toast = hash_search(set->relations, &relation->first.reltoastrelid, HASH_FIND, NULL);
	if (toast != NULL)
		relation->size += cmig_size_of_file(&toast->first);
	if (relation->size == 0 && cmig_citus_manages(oid))
		relation->size = -1;
	old = MemoryContextSwitchTo(set->context);
	set->used = lappend(set->used, relation);
	MemoryContextSwitchTo(old);
	return relation;
}

/* Returns the relation's relfilenode, or InvalidOid if it was dropped. */
static Oid
current_filenode(Oid relation)
{
	FormData_pg_class row;

	return cmig_role_relation(relation, &row) ? row.relfilenode : InvalidOid;
}

void
cmig_existing_rolled_back(CmigExistingSet *set)
{
	foreach_ptr(CmigExisting, relation, set->used)
		relation->filenode = current_filenode(relation->oid);
}

void
cmig_existing_restore(CmigExistingSet *set)
{
	foreach_ptr(CmigExisting, relation, set->used)
	{
		FormData_pg_class *first = &relation->first;
		FormData_pg_class now;

		if (relation->held < ShareLock ||
			(first->relkind != RELKIND_RELATION && first->relkind != RELKIND_MATVIEW) ||
			!cmig_role_relation(relation->oid, &now) ||
			(now.relpages == first->relpages && now.reltuples == first->reltuples &&
			 now.relallvisible == first->relallvisible))
			continue;

		/*
		 * skip a table that another session has locked, because that session
		 * is maintaining the table and sets these estimates itself
		 */
		if (ConditionalLockRelationOid(relation->oid, ShareUpdateExclusiveLock))
		{
			Relation	table = try_relation_open(relation->oid, NoLock);

			if (table != NULL)
			{
				cmig_set_row_counts_compat(table, first->relpages, first->reltuples,
										   first->relallvisible,
										   cmig_frozen_pages_compat(first));
				relation_close(table, NoLock);
			}
			UnlockRelationOid(relation->oid, ShareUpdateExclusiveLock);
		}
	}
}

int64
cmig_existing_left_dead(const CmigExisting *relation)
{
	int64		rows = count(relation->oid).dead - relation->first_counters.dead;

	return relation->rewritten ? Min(rows, relation->dead) : rows;
}

/*
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
		int			n = 0;

		if (lock == NULL || proc == MyProc ||
			lock->tag.locktag_type != LOCKTAG_RELATION ||
			lock->tag.locktag_field1 != MyDatabaseId)
			continue;
		start = (TimestampTz) pg_atomic_read_u64(&proc->waitStart);
		while (n < seen_count && seen[n].relation != lock->tag.locktag_field2)
			n++;
		if (start == 0 || now <= start || n == MAX_RELATIONS)
			continue;
		if (n == seen_count)
		{
			seen[n].relation = lock->tag.locktag_field2;
			seen[n].longest_us = 0;
			seen_count = n + 1;
		}
		seen[n].longest_us = Max(seen[n].longest_us, now - start);
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
	enable_timeout_every(timer, TimestampTzPlusMilliseconds(GetCurrentTimestamp(), TICK_MS),
						 TICK_MS);
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
 * Returns a phrase that says how long other sessions have waited for a relation
 * since the statement began.  Returns NULL if none has.
 */
static char *
wait_text(Oid relation)
{
	for (int i = 0; i < seen_count; i++)
	{
		int64		ms = seen[i].longest_us / 1000;

		if (seen[i].relation == relation)
			return ms < 10000 ? psprintf("others waited " INT64_FORMAT " ms", ms) :
				psprintf("others waited " INT64_FORMAT " s", ms / 1000);
	}
	return NULL;
}

/*
 * Measures what one statement of a dry run locks, rewrites, and scans.
 *
 * The reported locks are the locks that the statement's subtransaction holds
 * when it ends.  A relation counts as rewritten if its file has been replaced.
 * A relation counts as scanned if, according to its statistics counters, a scan
 * without an index has read at least as many blocks as the relation has.
 */

CmigExistingSet *
cmig_measure_start(void)
{
	HASHCTL		control =
	{.keysize = sizeof(Oid),.entrysize = sizeof(CmigExisting),.hcxt = CurrentMemoryContext};
	CmigExistingSet *set = palloc0(sizeof(CmigExistingSet));
	Oid			own_schema = get_namespace_oid("cmig", true);
	Relation	catalog = table_open(RelationRelationId, AccessShareLock);
	SysScanDesc scan = systable_beginscan(catalog, InvalidOid, false, NULL, 0, NULL);
	HeapTuple	tuple;

	set->context = CurrentMemoryContext;
	set->relations = hash_create("pg_cmig existing relations", 64, &control,
								 HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_class form = (Form_pg_class) GETSTRUCT(tuple);
		CmigExisting *relation;

		if (form->oid < FirstNormalObjectId)
			continue;
		relation = hash_search(set->relations, &form->oid, HASH_ENTER, NULL);
		memset(relation, 0, sizeof(*relation));
		relation->oid = form->oid;
		memcpy(&relation->first, form, CLASS_TUPLE_SIZE);
		relation->filenode = form->relfilenode;

		/*
		 * what this session has already counted in this transaction must not
		 * be attributed to the dry run
		 */
		if (RELKIND_HAS_STORAGE(form->relkind))
			relation->first_counters = relation->last = count(form->oid);
		if (form->relnamespace != own_schema && !IsToastNamespace(form->relnamespace) &&
			form->relkind != RELKIND_COMPOSITE_TYPE)
			relation->name = quote_qualified_identifier(cmig_query_schema_name(form->relnamespace),
														NameStr(form->relname));
	}
	systable_endscan(scan);
	table_close(catalog, AccessShareLock);
	foreach_ptr(const CmigHeldLock, lock, cmig_locks_held())
	{
		CmigExisting *relation = cmig_existing_get(set, lock->relation);

		if (lock->of_transaction && relation != NULL)
			relation->locked = true;
	}
	return set;
}

/* list_sort comparator: strongest lock first. */
static int
compare_modes(const ListCell *a, const ListCell *b)
{
	return ((const CmigHeldLock *) lfirst(b))->mode - ((const CmigHeldLock *) lfirst(a))->mode;
}

/* list_sort comparator: strongest lock first, then by name. */
static int
compare_relations(const ListCell *a, const ListCell *b)
{
	const CmigExisting *x = lfirst(a);
	const CmigExisting *y = lfirst(b);

	return x->now != y->now ? y->now - x->now : strcmp(x->name, y->name);
}

/*
 * Returns the relations that the statement has locked and that existed before
 * the dry run, as a List of CmigExisting *, and sets "now".
 */
static List *
find_touched(CmigExistingSet *relations)
{
	List	   *locks = cmig_locks_held();
	List	   *result = NIL;

	list_sort(locks, compare_modes);
	foreach_ptr(const CmigHeldLock, lock, locks)
	{
		CmigExisting *relation = cmig_existing_get(relations, lock->relation);

		if (relation == NULL || relation->now != NoLock)
			continue;

		/*
		 * A lock held by the whole transaction counts only if the relation is
		 * a sequence that has not been locked before, because nextval() locks
		 * a sequence once per transaction.
		 */
		if (lock->of_transaction)
		{
			if (relation->first.relkind != RELKIND_SEQUENCE || relation->locked)
				continue;
			relation->locked = true;
		}
		relation->now = lock->mode;
		result = lappend(result, relation);
	}
	list_sort(result, compare_relations);
	return result;
}

/* Has the statement replaced the relation's file? */
static bool
is_rewritten(CmigExisting *relation)
{
	Oid			filenode = current_filenode(relation->oid);

	if (!OidIsValid(filenode) || filenode == relation->filenode)
		return false;

	/*
	 * When a file is replaced for the first time, record how many rows a
	 * rollback will leave dead in the original file.  Rows that are written
	 * later go to the new file, which a rollback removes.
	 */
	if (!relation->rewritten)
		relation->dead = count(relation->oid).written - relation->first_counters.written;
	relation->rewritten = true;
	relation->filenode = filenode;
	return relation->first.relkind != RELKIND_SEQUENCE;
}

/* Has the statement read all blocks of the relation? */
static bool
is_read_in_full(CmigExisting *relation)
{
	CmigCounters now = count(relation->oid);
	int64		scans = now.scans - relation->last.scans;
	int64		blocks = now.blocks - relation->last.blocks;

	relation->last = now;
	return (relation->first.relkind == RELKIND_RELATION ||
			relation->first.relkind == RELKIND_MATVIEW) &&
		scans > 0 && relation->pages > 0 && blocks >= relation->pages;
}

/* Returns the sequences that the statement has advanced. */
static List *
find_moved(CmigExistingSet *relations, List *touched)
{
	List	   *result = NIL;

	/*
	 * ALTER SEQUENCE does not count as advancing a sequence, because it
	 * writes a new file, which a rollback removes
	 */
	foreach_ptr(CmigExisting, one, touched)
	{
		if (one->first.relkind == RELKIND_SEQUENCE && one->now > RowExclusiveLock)
		{
			one->last = count(one->oid);
			(void) is_rewritten(one);
		}
	}
	foreach_ptr(CmigExisting, sequence, relations->used)
	{
		CmigCounters now = count(sequence->oid);

		if (sequence->first.relkind != RELKIND_SEQUENCE)
			continue;
		if (now.blocks > sequence->last.blocks && now.scans == sequence->last.scans &&
			sequence->filenode == sequence->first.relfilenode)
			result = lappend(result, sequence);
		sequence->last = now;
	}
	return result;
}

void
cmig_measure_begin(CmigMeasure *measure, CmigExistingSet *relations)
{
	memset(measure, 0, sizeof(*measure));
	measure->relations = relations;
	foreach_ptr(CmigExisting, relation, relations->used)
		relation->now = NoLock;
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

	cmig_measure_fail(measure);
	touched = find_touched(measure->relations);
	foreach_ptr(CmigExisting, relation, touched)
	{
		LOCKMODE	mode = relation->now;
		char		kind = relation->first.relkind;
		char	   *wait = wait_text(relation->oid);
		char	   *line = cmig_lock_line(mode, relation->name, kind, relation->size);

		relation->held = Max(relation->held, mode);
		if (wait != NULL || cmig_lock_is_reported(relation->oid, kind, mode))
			cmig_lock_line_add(&measure->locks,
							   wait != NULL ? psprintf("%s, %s", line, wait) : line);
		if (mode == AccessExclusiveLock && is_rewritten(relation))
			cmig_lock_line_add(&measure->rewrites, relation->name);
		if (kind != RELKIND_SEQUENCE && is_read_in_full(relation))
			cmig_lock_line_add(&measure->scans, relation->name);
	}

	/* locks of earlier statements that made other sessions wait */
	for (int i = 0; i < seen_count; i++)
	{
		CmigExisting *relation = cmig_existing_get(measure->relations, seen[i].relation);

		if (relation != NULL && relation->held != NoLock && relation->now == NoLock)
			cmig_lock_line_add(&measure->locks,
							   psprintf("held since an earlier statement: %s, %s",
										relation->name,
										wait_text(relation->oid)));
	}
	measure->moved = find_moved(measure->relations, touched);
}
