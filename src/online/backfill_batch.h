/*
 * backfill_batch.h
 *	  One batch of a backfill.
 *
 * The valid state is that of the last commit (run).  A batch computes the next
 * state, stores it in its own transaction, and replaces the old one after the
 * commit, so an attempt that is rolled back starts again from the same place.
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
	Oid			caller;			/* writes the row with its state */

	MemoryContext run_context;	/* memory context of what run points to */
	MemoryContext spare_context;	/* memory context of what it points to
									 * after the next batch */
	MemoryContext batch_context;
	CmigBackfillRun run;		/* as committed */
	CmigBackfillRun next;		/* the state after the current batch */
	int			part;			/* the current part of the target */
	int			prepared;		/* the part that queries belong to, or -1 */
	CmigBackfillQueries queries;	/* of that part */
	double		blocks;			/* by ctid: number of blocks of the next batch */
	double		dense_blocks;	/* blocks that contain a batch if all rows
								 * match */
	CmigBackfillSkip *skip;		/* blocks that are done */
	bool		resumed;		/* an earlier call has begun the current pass */
	bool		accepted;		/* the state that was found can be resumed */
	TransactionId xid;			/* of the current batch, if it has one */
	TimestampTz last;			/* the time up to which the time spent has
								 * been counted */
} CmigBackfill;

/* Attempts (CmigAttempt) to run the next batch, and to record the end. */
extern void cmig_backfill_batch_run(void *backfill);
extern void cmig_backfill_batch_end(void *backfill);

/* To be called when a batch is committed: its state becomes the valid one. */
extern void cmig_backfill_batch_adopt(CmigBackfill *b);

/* Is the current part done? */
extern bool cmig_backfill_batch_part_is_done(const CmigBackfillRun *run, bool by_key);

#endif							/* CMIG_BACKFILL_BATCH_H */
