/*
 * held_locks.c
 *	  Lists the relation locks that the current subtransaction holds.
 *
 * PostgreSQL does not export the hash table that holds a backend's local
 * locks.  This module finds the hash table by the name of its memory context.
 * It ignores the memory context of a function in a procedural language, which
 * can have the same name because it is named after the function.  The name is
 * stored right after the hash table's header, and the size of the header is
 * determined by creating another hash table.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "inspect/held_locks.h"

#include "miscadmin.h"
#include "storage/lock.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"
#include "utils/resowner.h"

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

void
cmig_held_locks_each(CmigHeldLock callback, void *arg)
{
	HASH_SEQ_STATUS scan;
	LOCALLOCK  *lock;

	hash_seq_init(&scan, local_locks());
	while ((lock = hash_seq_search(&scan)) != NULL)
	{
		const LOCKTAG *tag = &lock->tag.lock;
		bool		ours = false;
		bool		of_transaction = false;

		if (lock->nLocks == 0 || tag->locktag_type != LOCKTAG_RELATION ||
			tag->locktag_field1 != MyDatabaseId)
			continue;
		for (int i = 0; i < lock->numLockOwners; i++)
		{
			ours |= is_ours(lock->lockOwners[i].owner);
			of_transaction |= lock->lockOwners[i].owner == TopTransactionResourceOwner;
		}
		if (ours || of_transaction)
			callback(tag->locktag_field2, lock->tag.mode, !ours, arg);
	}
}
