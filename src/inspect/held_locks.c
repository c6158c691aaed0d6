/*
 * held_locks.c
 *	  Lists the relation locks that the current subtransaction holds.
 *
 * PostgreSQL does not export the hash table that holds a backend's local
 * locks.  This module finds it by the name of its memory context.  The name is
 * stored after the table's header, and the header's size is determined by
 * creating a hash table here.
 *
 * The hash table contains all locks of the transaction, and reading all of it
 * after each statement is slow after many statements.  The subtransaction's
 * resource owner also lists its locks, up to a limit.  find_layout() determines
 * where the list is; if it does not find the list, or if the list is
 * incomplete, the hash table is read.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/compat.h"
#include "inspect/held_locks.h"

#include "miscadmin.h"
#include "storage/lock.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"
#include "utils/resowner.h"

#define TABLE_NAME "LOCALLOCK hash"

/* Callback for a lock on a relation in this database that is held. */
static void
report(const LOCALLOCK *lock, bool of_transaction, CmigHeldLock callback, void *arg)
{
	const LOCKTAG *tag = &lock->tag.lock;

	if (lock->nLocks > 0 && tag->locktag_type == LOCKTAG_RELATION && tag->locktag_field1 == MyDatabaseId)
		callback(tag->locktag_field2, lock->tag.mode, of_transaction, arg);
}

/*
 * Lists of locks
 */

/* Offsets in a resource owner, as determined by find_layout(). */
static struct
{
	bool		searched;
	bool		found;
	Size		child;			/* the first child, a pointer */
	Size		count;			/* the number of locks, a byte */
	Size		locks;			/* the locks, an array of pointers */
	int			overflow;		/* the count if there are too many locks */
}			layout;

/* Returns the offset of these pointers in a resource owner, or 0. */
static Size
find_pointers(ResourceOwner owner, void *const *pointers, int count)
{
	Size		end = GetMemoryChunkSpace(owner) - 2 * MAXIMUM_ALIGNOF;

	for (Size at = sizeof(void *); at + count * sizeof(void *) <= end; at += sizeof(void *))
	{
		if (memcmp((char *) owner + at, pointers, count * sizeof(void *)) == 0)
			return at;
	}
	return 0;
}

/*
 * Returns the offset of the byte that counts the locks, or 0.  The resource
 * owner has three locks, and one of them is forgotten.
 */
static Size
find_count(ResourceOwner owner, LOCALLOCK *third)
{
	const uint8 *now = (const uint8 *) owner;
	uint8	   *before = palloc(layout.locks);
	Size		found = 0;
	int			changed = 0;

	memcpy(before, owner, layout.locks);
	ResourceOwnerForgetLock(owner, third);
	for (Size at = 0; at < layout.locks; at++)
	{
		if (now[at] == before[at])
			continue;
		changed++;
		if (before[at] == 3 && now[at] == 2)
			found = at;
	}
	return changed == 1 ? found : 0;
}

/* Returns the number of locks in a resource owner's list. */
static int
lock_count(ResourceOwner owner)
{
	return ((const uint8 *) owner)[layout.count];
}

/*
 * Determine where resource owners keep their locks, by adding marks to a new
 * resource owner.
 */
static void
find_layout(void)
{
	static LOCALLOCK marks[3];
	void	   *list[] = {&marks[0], &marks[1], &marks[2]};
	ResourceOwner owner = ResourceOwnerCreate(NULL, "pg_cmig probe");
	void	   *child = ResourceOwnerCreate(owner, "pg_cmig probe");

	layout.searched = true;
	for (int i = 0; i < lengthof(marks); i++)
		ResourceOwnerRememberLock(owner, &marks[i]);
	layout.child = find_pointers(owner, &child, 1);
	layout.locks = find_pointers(owner, list, lengthof(list));
	if (layout.locks > 0)
		layout.count = find_count(owner, &marks[2]);
	/* a resource owner with too many locks can be deleted */
	for (int i = 0; i < PG_UINT8_MAX; i++)
		ResourceOwnerRememberLock(owner, &marks[0]);
	layout.overflow = lock_count(owner);
	layout.found = layout.child > 0 && layout.count > 0 && layout.overflow < PG_UINT8_MAX;
	ResourceOwnerDelete(owner);
}

/*
 * Does the resource owner have a complete list of its locks?  The locks of its
 * children, such as cursors, are not in the list.
 */
static bool
has_list(ResourceOwner owner, bool with_children)
{
	if (with_children && *(void **) ((char *) owner + layout.child) != NULL)
		return false;
	return lock_count(owner) < layout.overflow;
}

/* Call the callback for each lock in a resource owner's list. */
static void
each_in_list(ResourceOwner owner, bool of_transaction, CmigHeldLock callback, void *arg)
{
	LOCALLOCK **locks = (LOCALLOCK **) ((char *) owner + layout.locks);

	for (int i = 0; i < lock_count(owner); i++)
		report(locks[i], of_transaction, callback, arg);
}

/*
 * The table of all locks
 */

/* Returns the distance from a hash table's header to its name. */
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
 * Returns the backend's local lock table.  Raises an error if it is not found.
 */
static HTAB *
local_locks(void)
{
	static HTAB *found = NULL;

	if (found != NULL)
		return found;
	for (MemoryContext child = TopMemoryContext->firstchild;
		 child != NULL && found == NULL; child = child->nextchild)
	{
		if (child->ident != NULL && strcmp(child->ident, TABLE_NAME) == 0)
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

/* Search the table for the locks. */
static void
each_in_table(CmigHeldLock callback, void *arg)
{
	HASH_SEQ_STATUS scan;
	LOCALLOCK  *lock;

	hash_seq_init(&scan, local_locks());
	while ((lock = hash_seq_search(&scan)) != NULL)
	{
		bool		ours = false;
		bool		of_transaction = false;

		for (int i = 0; i < lock->numLockOwners; i++)
		{
			ours |= is_ours(lock->lockOwners[i].owner);
			of_transaction |= lock->lockOwners[i].owner == TopTransactionResourceOwner;
		}
		if (ours || of_transaction)
			report(lock, !ours, callback, arg);
	}
}

void
cmig_held_locks_each(CmigHeldLock callback, void *arg)
{
	ResourceOwner ours = CurTransactionResourceOwner;
	ResourceOwner top = TopTransactionResourceOwner;

	if (!layout.searched)
		find_layout();
	if (!layout.found || ours == top || !has_list(ours, true) || !has_list(top, false))
		each_in_table(callback, arg);
	else
	{
		each_in_list(ours, false, callback, arg);
		each_in_list(top, true, callback, arg);
	}
}
