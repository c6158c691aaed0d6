/*
 * backfill_skip.h
 *	  Finds blocks in which a backfill has updated every row.
 *
 * After the first pass, most blocks contain only old versions of rows that
 * this run has updated.  The next pass looks for rows that other sessions have
 * moved or added, and can skip these blocks.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_BACKFILL_SKIP_H
#define CMIG_BACKFILL_SKIP_H

#include "postgres.h"
#include "storage/block.h"

/* The committed transactions of a backfill run. */
typedef struct CmigBackfillSkip CmigBackfillSkip;

/*
 * Returns a CmigBackfillSkip without transactions, allocated in the current
 * memory context.
 */
extern CmigBackfillSkip *cmig_backfill_skip_create(void);

/* Record the transaction ID of a batch after its commit. */
extern void cmig_backfill_skip_add(CmigBackfillSkip *skip, TransactionId xid);

/*
 * Returns the first block between "start" and "end" (exclusive) that may
 * contain a row that this run has not updated, or "end" if there is no such
 * block.  Examines only a few thousand blocks; if all of these can be skipped,
 * returns the block after them.
 */
extern BlockNumber cmig_backfill_skip_next(const CmigBackfillSkip *skip, Oid table,
										   BlockNumber start, BlockNumber end);

#endif							/* CMIG_BACKFILL_SKIP_H */
