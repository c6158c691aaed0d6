/*
 * backfill_run.h
 *	  cmig.backfill_run: how far each backfill is.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_BACKFILL_RUN_H
#define CMIG_BACKFILL_RUN_H

#include "postgres.h"
#include "base/revision.h"

/* What distinguishes one backfill from another. */
typedef struct CmigBackfillIdentity
{
	const char *target;			/* qualified and quoted */
	const char *set_sql;
	const char *where_sql;		/* NULL: none */
	const char *revision;		/* NULL: not part of a revision */
	const char *direction;
	int			statement;
} CmigBackfillIdentity;

/* A row: one backfill, with the place that it has reached. */
typedef struct CmigBackfillRun
{
	int64		id;				/* 0: it has no row yet */
	bool		done;
	char	   *method;
	int			pass;
	char	   *relation;		/* the current table or partition, or NULL */
	CmigNames	key;			/* the columns by which relation is walked,
								 * quoted; count 0: it is walked by block */
	CmigNames	place;			/* the last key or block processed; count 0:
								 * none yet */
	CmigNames	bound;			/* the last key or block to process */
	CmigNames	parts;			/* by key: the partitions at the start; count
								 * 0: it is not partitioned */
	double		total;
	double		passed;
	int64		rows;
	int64		rows_of_pass;
	int64		batches;
	int64		unchanged;		/* rows of this pass that matched but were not
								 * updated; not stored */
} CmigBackfillRun;

/*
 * Find the row of a backfill to resume: one that is not done or, within a
 * revision, also one that is.  False if there is none.
 */
extern bool cmig_backfill_run_find(const CmigBackfillIdentity *identity,
								   CmigBackfillRun *run);

/*
 * insert adds a row and sets its id; update writes the row and adds to the
 * time spent.
 */
extern void cmig_backfill_run_insert(const CmigBackfillIdentity *identity,
									 CmigBackfillRun *run);
extern void cmig_backfill_run_update(const CmigBackfillRun *run, int64 active_us);

/*
 * A backfill without where_sql that has updated rows and is not done, which
 * therefore must not be started again.
 */
typedef struct CmigBackfillUnfinished
{
	int64		id;
	char	   *target;
	char	   *set_sql;
	int			statement;		/* 0: none */
	int64		rows;
} CmigBackfillUnfinished;

/*
 * Call back for each such backfill but own_id: those of the same step or, if
 * identity is not part of a revision, of the same table.
 */
typedef void (*CmigBackfillCallback) (const CmigBackfillUnfinished *unfinished, void *arg);
extern void cmig_backfill_run_each_unfinished(const CmigBackfillIdentity *identity,
											  int64 own_id, CmigBackfillCallback callback,
											  void *arg);

/* Delete the row of a backfill that has done nothing. */
extern void cmig_backfill_run_remove(int64 id);

/*
 * Delete the unfinished rows of the same statement of the step, which had
 * another text.
 */
extern void cmig_backfill_run_replace(const CmigBackfillIdentity *identity);

/*
 * A step has ended: its backfills become history, and would start again if the
 * step were run again.
 */
extern void cmig_backfill_run_settle(const char *revision, const char *direction);

/* The same for all steps. Returns whether there were any. */
extern bool cmig_backfill_run_settle_all(void);

#endif							/* CMIG_BACKFILL_RUN_H */
