/*
 * backfill_batch.h
 *	  Runs a batch of a backfill.
 *
 * The field "run" of CmigBackfill contains the valid state, which is the state
 * after the last commit.  A batch computes the next state and stores it in the
 * batch's transaction.  The next state becomes valid only after the commit, so
 * an attempt that is rolled back starts again from the same position.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_BACKFILL_BATCH_H
#define CMIG_BACKFILL_BATCH_H

#include "postgres.h"
#include "datatype/timestamp.h"
#include "online/backfill_skip.h"
#include "online/backfill_sql.h"
#include "online/backfill_target.h"
#include "tables/backfill_run.h"

/* A backfill in progress. */
typedef struct CmigBackfill
{
	CmigBackfillTarget *target;
	CmigBackfillIdentity identity;
	bool		one_transaction;
	int			batch_size;
	long		pause_ms;
	double		max_lag_ms;		/* 0: no limit */
	Oid			caller;			/* role that writes cmig.backfill_run */

	MemoryContext run_context;	/* contains the data to which "run" points */
	MemoryContext spare_context;	/* becomes run_context after the next
									 * batch */
	MemoryContext batch_context;
	CmigBackfillRun run;		/* the committed state */
	CmigBackfillRun next;		/* the state after the current batch */
	int			part;			/* index of the current part of the target */
	int			prepared;		/* index of the part for which the queries
								 * were built; -1 if none */
	CmigBackfillQueries queries;	/* statements for the prepared part */
	double		blocks;			/* by block: number of blocks in the next
								 * batch */
	int			shard_rows;		/* by key: number of rows per shard in the
								 * next batch */
	double		dense_blocks;	/* by block: number of blocks in a batch if
								 * all rows match */
	CmigBackfillSkip *skip;		/* finds blocks that can be skipped */
	bool		resumed;		/* true if an earlier CALL began the current
								 * pass */
	bool		accepted;		/* true if the stored state can be resumed */
	TransactionId xid;			/* transaction ID of the current batch, or
								 * invalid */
	TimestampTz last;			/* when the previous batch ended, to measure
								 * the time spent */
} CmigBackfill;

/*
 * CmigAttempt functions: cmig_backfill_batch_run() runs the next batch, and
 * cmig_backfill_batch_end() records the end of the backfill.
 */
extern void cmig_backfill_batch_run(void *backfill);
extern void cmig_backfill_batch_end(void *backfill);

/* Make the next state the valid one.  Call this after a batch is committed. */
extern void cmig_backfill_batch_adopt(CmigBackfill *b);

/*
 * Is the current part of the table done?  "by_key" is true if batches are
 * ranges of keys rather than blocks.
 */
extern bool cmig_backfill_batch_part_is_done(const CmigBackfillRun *run, bool by_key);

#endif							/* CMIG_BACKFILL_BATCH_H */
