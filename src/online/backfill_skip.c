/*
 * backfill_skip.c
 *	  Finds blocks in which a backfill has updated every row.
 *
 * A block can be skipped if each row version in it was replaced by a committed
 * transaction of this run, because no future snapshot sees any row version in
 * such a block.  A row version that another session inserted, updated, or
 * locked does not meet this condition, whether or not that session has
 * committed.  Nor does a row version that a transaction of this run failed to
 * replace, because only committed transactions are recorded here.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/compat.h"
#include "online/backfill_skip.h"

#include "access/htup_details.h"
#include "access/relation.h"
#include "access/transam.h"
#include "catalog/pg_am.h"
#include "miscadmin.h"
#include "storage/bufmgr.h"
#include "storage/bufpage.h"
#include "utils/rel.h"

/* The maximum number of blocks that one call examines. */
#define MOST_BLOCKS 8192

/* The committed transactions of a backfill run. */
struct CmigBackfillSkip
{
	int			count;
	int			room;			/* allocated length of xids */
	TransactionId *xids;		/* in commit order, which is ascending */
};

CmigBackfillSkip *
cmig_backfill_skip_create(void)
{
	CmigBackfillSkip *skip = palloc(sizeof(CmigBackfillSkip));

	skip->count = 0;
	skip->room = 64;
	skip->xids = palloc(skip->room * sizeof(TransactionId));
	return skip;
}

void
cmig_backfill_skip_add(CmigBackfillSkip *skip, TransactionId xid)
{
	if (skip->count == skip->room)
	{
		skip->room *= 2;
		skip->xids = repalloc(skip->xids, skip->room * sizeof(TransactionId));
	}
	skip->xids[skip->count++] = xid;
}

/* Is xid one of this run's committed transactions? */
static bool
is_ours(const CmigBackfillSkip *skip, TransactionId xid)
{
	int			low = 0;
	int			high = skip->count;

	while (low < high)
	{
		int			middle = (low + high) / 2;

		if (skip->xids[middle] == xid)
			return true;
		if (TransactionIdPrecedes(skip->xids[middle], xid))
			low = middle + 1;
		else
			high = middle;
	}
	return false;
}

/* Has this run replaced every row version on the page? */
static bool
is_settled(const CmigBackfillSkip *skip, Page page)
{
	TransactionId known = InvalidTransactionId;
	OffsetNumber last = PageGetMaxOffsetNumber(page);

	for (OffsetNumber i = FirstOffsetNumber; i <= last; i++)
	{
		ItemId		item = PageGetItemId(page, i);
		HeapTupleHeader tuple;
		TransactionId xmax;

		/*
		 * skip unused, dead, and redirected items, which have no row version
		 * of their own
		 */
		if (!ItemIdIsNormal(item))
			continue;
		tuple = (HeapTupleHeader) PageGetItem(page, item);
		if ((tuple->t_infomask & (HEAP_XMAX_INVALID | HEAP_XMAX_IS_MULTI)) != 0 ||
			HEAP_XMAX_IS_LOCKED_ONLY(tuple->t_infomask))
			return false;
		xmax = HeapTupleHeaderGetRawXmax(tuple);
		if (xmax == known)
			continue;
		if (!TransactionIdIsNormal(xmax) || !is_ours(skip, xmax))
			return false;
		known = xmax;
	}
	return true;
}

BlockNumber
cmig_backfill_skip_next(const CmigBackfillSkip *skip, Oid table,
						BlockNumber start, BlockNumber end)
{
	Relation	relation;
	BlockNumber block = start;
	BlockNumber size;

	if (skip->count == 0)
		return start;
	relation = relation_open(table, AccessShareLock);
	size = RelationGetNumberOfBlocks(relation);
	if (relation->rd_rel->relam == HEAP_TABLE_AM_OID)
	{
		while (block < end && block < size && block - start < MOST_BLOCKS)
		{
			Buffer		buffer = ReadBuffer(relation, block);
			bool		settled;

			CHECK_FOR_INTERRUPTS();
			LockBuffer(buffer, BUFFER_LOCK_SHARE);
			settled = is_settled(skip, BufferGetPage(buffer));
			UnlockReleaseBuffer(buffer);
			if (!settled)
				break;
			block++;
		}
	}
	relation_close(relation, AccessShareLock);
	return block;
}
