/*
 * backfill_run.h
 *	  cmig.backfill_run: where each backfill stands.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_BACKFILL_RUN_H
#define CMIG_BACKFILL_RUN_H

#include "postgres.h"
#include "base/revision.h"

/* What tells one backfill from another. */
typedef struct CmigBackfillIdentity
{
	const char *target;			/* qualified and quoted */
	const char *set_sql;
	const char *where_sql;		/* NULL: none */
	const char *revision;		/* NULL: not part of a revision */
	const char *direction;
	int			statement;
} CmigBackfillIdentity;

typedef struct CmigBackfillRun
{
	int64		id;				/* 0: it has no row */
	bool		done;
	char	   *method;
	int			pass;
	char	   *relation;		/* the table or partition under way, or NULL */
	CmigNames	key;			/* its columns, quoted, if it is walked by key */
	CmigNames	place;			/* count 0: at its beginning */
	CmigNames	bound;
	CmigNames	parts;			/* by key: the partitions at the start; count
								 * 0: one table */
	double		total;
	double		passed;
	int64		rows;
	int64		rows_of_pass;
	int64		batches;
	int64		unchanged;		/* of this pass, matched but not updated; not
								 * stored */
} CmigBackfillRun;

/*
 * Find the row to go on with: one that is not done, or, in a revision, also
 * one that is.  False if there is none.
 */
extern bool cmig_backfill_run_find(const CmigBackfillIdentity *identity,
								   CmigBackfillRun *run);

/* Insert a row and set its id; update it, adding to the time spent. */
extern void cmig_backfill_run_insert(const CmigBackfillIdentity *identity,
									 CmigBackfillRun *run);
extern void cmig_backfill_run_update(const CmigBackfillRun *run, int64 active_us);

/*
 * Hand over each backfill without where_sql that has updated rows and is not
 * done, which another than own_id would update once more: of the same step,
 * or of the same table for one that is not part of a revision.
 */
typedef struct CmigBackfillUnfinished
{
	int64		id;
	char	   *target;
	char	   *set_sql;
	int			statement;		/* 0: none */
	int64		rows;
} CmigBackfillUnfinished;

typedef void (*CmigBackfillCallback) (const CmigBackfillUnfinished *unfinished, void *arg);
extern void cmig_backfill_run_each_unfinished(const CmigBackfillIdentity *identity,
											  int64 own_id, CmigBackfillCallback callback,
											  void *arg);

/* Forget a backfill that has done nothing. */
extern void cmig_backfill_run_remove(int64 id);

/* Forget what the same statement of the step has begun with another text. */
extern void cmig_backfill_run_replace(const CmigBackfillIdentity *identity);

/*
 * A step has ended: its backfills are history, and would run anew if the step
 * were run again.
 */
extern void cmig_backfill_run_settle(const char *revision, const char *direction);

/* No step is half done any more; was there any? */
extern bool cmig_backfill_run_settle_all(void);

#endif							/* CMIG_BACKFILL_RUN_H */
