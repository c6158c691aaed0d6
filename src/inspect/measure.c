/*
 * measure.c
 *	  Measures what one statement of a dry run locks, rewrites, and scans.
 *
 * The reported locks are the locks that the statement's subtransaction holds
 * when it ends.  A relation counts as rewritten if its file has been replaced.
 * A relation counts as scanned if, according to its statistics counters, a scan
 * without an index has read at least as many blocks as the relation has.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/citus.h"
#include "inspect/held_locks.h"
#include "inspect/measure.h"
#include "inspect/waiters.h"

#include "catalog/pg_class.h"
#include "executor/instrument.h"
#include "lib/stringinfo.h"
#include "storage/lock.h"

/* A relation that the statement has locked. */
typedef struct Touched
{
	Oid			oid;
	LOCKMODE	mode;			/* the strongest lock that is held */
	bool		of_transaction;
	CmigExisting *relation;
} Touched;

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

/* Callback for each held lock: add the lock to a list of Touched *. */
static void
note_lock(Oid oid, LOCKMODE mode, bool of_transaction, void *arg)
{
	List	  **list = arg;
	Touched    *touched = palloc0(sizeof(Touched));

	touched->oid = oid;
	touched->mode = mode;
	touched->of_transaction = of_transaction;
	*list = lappend(*list, touched);
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
 * Did the statement itself take the lock?  A lock held by the whole transaction
 * counts only if the relation is a sequence that has not been locked before,
 * because nextval() locks a sequence once per transaction.
 */
static bool
is_taken(Touched *touched)
{
	if (!touched->of_transaction)
		return true;
	if (touched->relation->kind != RELKIND_SEQUENCE || touched->relation->locked)
		return false;
	touched->relation->locked = true;
	return true;
}

/*
 * Returns the relations that the statement has locked and that existed before
 * the dry run, as a List of Touched *.
 */
static List *
find_touched(CmigExistingSet *relations)
{
	List	   *locks = NIL;
	List	   *result = NIL;
	Oid			previous = InvalidOid;
	ListCell   *lc;

	cmig_held_locks_each(note_lock, &locks);
	list_sort(locks, compare_relations);
	foreach(lc, locks)
	{
		Touched    *touched = lfirst(lc);

		if (touched->oid == previous)
			continue;
		touched->relation = cmig_existing_get(relations, touched->oid);
		if (!touched->relation->existed || !is_taken(touched))
			continue;
		previous = touched->oid;
		result = lappend(result, touched);
	}
	list_sort(result, compare_locks);
	return result;
}

void
cmig_measure_start(CmigExistingSet *relations)
{
	List	   *locks = NIL;
	ListCell   *lc;

	cmig_held_locks_each(note_lock, &locks);
	foreach(lc, locks)
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

/*
 * When a relation's file is replaced for the first time, record how many rows a
 * rollback will leave dead in the original file.  Rows that are written later
 * go to the new file, which a rollback removes.
 */
static void
note_first_rewrite(CmigExisting *relation)
{
	CmigCounters now = cmig_existing_count(relation->oid);

	if (relation->rewritten)
		return;
	relation->rewritten = true;
	relation->dead = now.written - relation->first.written;
}

/* Has the statement replaced the relation's file? */
static bool
is_rewritten(CmigExisting *relation)
{
	Oid			filenode = cmig_existing_filenode(relation->oid);

	if (!OidIsValid(filenode) || filenode == relation->filenode)
		return false;
	note_first_rewrite(relation);
	relation->filenode = filenode;
	return relation->kind != RELKIND_SEQUENCE;
}

/*
 * Has the statement read all blocks of the relation?  If the statement builds
 * an index, any scan counts, because parallel workers count their blocks
 * separately.
 */
static bool
is_read_in_full(CmigExisting *relation, bool builds_index)
{
	CmigCounters now = cmig_existing_count(relation->oid);
	int64		scans = now.scans - relation->last.scans;
	int64		blocks = now.blocks - relation->last.blocks;

	relation->last = now;
	if (relation->kind != RELKIND_RELATION && relation->kind != RELKIND_MATVIEW)
		return false;
	return scans > 0 && relation->pages > 0 && (builds_index || blocks >= relation->pages);
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
	int64		wait = cmig_waiters_longest(one->oid);
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
	ListCell   *lc;

	foreach(lc, cmig_waiters_relations())
	{
		CmigExisting *relation = cmig_existing_get(measure->relations, lfirst_oid(lc));
		bool		now = false;
		ListCell   *other;

		foreach(other, touched)
		{
			now |= ((Touched *) lfirst(other))->relation == relation;
		}
		if (relation->existed && relation->held != NoLock && !now)
			add_line(&measure->locks,
					 psprintf("held since an earlier statement: %s, %s", relation->name,
							  wait_text(cmig_waiters_longest(relation->oid))));
	}
}

void
cmig_measure_begin(CmigMeasure *measure, CmigExistingSet *relations)
{
	memset(measure, 0, sizeof(*measure));
	measure->relations = relations;
	cmig_waiters_forget();
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
cmig_measure_end(CmigMeasure *measure, bool builds_index)
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
		if (relation->kind != RELKIND_SEQUENCE && is_read_in_full(relation, builds_index))
			add_line(&measure->scans, relation->name);
	}
	add_earlier_locks(measure, touched);
	measure->moved = find_moved(measure->relations, touched);
}
