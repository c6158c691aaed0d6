/*
 * backfill_skip.h
 *	  Blocks in which a backfill has updated every row.
 *
 * After the first pass, most blocks contain only old versions of rows that
 * this run has updated.  The next pass, which looks for rows that other
 * sessions have moved or added, need not look at those rows one by one.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_BACKFILL_SKIP_H
#define CMIG_BACKFILL_SKIP_H

#include "postgres.h"
#include "storage/block.h"

/* The transactions of a run. */
typedef struct CmigBackfillSkip CmigBackfillSkip;

/* Allocated in the current memory context. */
extern CmigBackfillSkip *cmig_backfill_skip_create(void);

/* A batch was committed with that transaction ID. */
extern void cmig_backfill_skip_add(CmigBackfillSkip *skip, TransactionId xid);

/*
 * The first block from start on, but before end, that may contain a row which
 * this run has not updated; end if there is none.  Examines at most a few
 * thousand blocks.
 */
extern BlockNumber cmig_backfill_skip_next(const CmigBackfillSkip *skip, Oid table,
										   BlockNumber start, BlockNumber end);

#endif							/* CMIG_BACKFILL_SKIP_H */
