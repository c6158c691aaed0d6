/*
 * backfill_run.h
 *	  Reads and writes cmig.backfill_run, which records the progress of
 *	  backfills.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_BACKFILL_RUN_H
#define CMIG_BACKFILL_RUN_H

#include "postgres.h"
#include "base/revision.h"

/* The values that identify a backfill. */
typedef struct CmigBackfillIdentity
{
	const char *target;			/* table name, qualified and quoted */
	const char *set_sql;
	const char *where_sql;		/* condition of the rows to update, or NULL */
	bool		by_key;			/* is the table read in the order of a key
								 * instead of block by block? */
	const char *revision;		/* NULL if the backfill is not part of a
								 * revision */
	const char *direction;
	int			statement;
} CmigBackfillIdentity;

/* A row of cmig.backfill_run: a backfill and how far it has got. */
typedef struct CmigBackfillRun
{
	int64		id;				/* 0 if there is no row yet */
	bool		done;
	char	   *method;
	int			pass;
	char	   *relation;		/* the table or partition that is being
								 * updated, or NULL */
	CmigNames	key;			/* quoted columns of the key in whose order
								 * "relation" is read; empty if it is read
								 * block by block */
	CmigNames	place;			/* where the next batch starts: a block
								 * number, or the last key that was processed;
								 * empty before the first batch by key */
	CmigNames	bound;			/* where the pass over "relation" ends: a
								 * block number, or the greatest key */
	CmigNames	parts;			/* if a partitioned table is read by key: its
								 * partitions when the backfill began;
								 * otherwise empty */
	double		total;
	double		passed;
	int64		rows;
	int64		rows_of_pass;
	int64		batches;
	int64		unchanged;		/* number of rows in this pass that matched
								 * but were not updated; not stored */
} CmigBackfillRun;

/*
 * Find the row of a backfill that can be resumed, and store it in *run.  A
 * finished backfill is found only if it is part of a step that has not ended.
 * Returns false if there is no such row.
 */
extern bool cmig_backfill_run_find(const CmigBackfillIdentity *identity,
								   CmigBackfillRun *run);

/*
 * cmig_backfill_run_insert() inserts the row of a new backfill and sets
 * run->id.  cmig_backfill_run_update() updates the row and adds active_us to
 * the time spent.
 */
extern void cmig_backfill_run_insert(const CmigBackfillIdentity *identity,
									 CmigBackfillRun *run);
extern void cmig_backfill_run_update(const CmigBackfillRun *run, int64 active_us);

/*
 * An unfinished backfill that has updated rows and has no where_sql.  Such a
 * backfill must not be started again, because it would update those rows a
 * second time.
 */
typedef struct CmigBackfillUnfinished
{
	int64		id;
	char	   *target;
	char	   *set_sql;
	int			statement;		/* number of the statement, or 0 */
	int64		rows;
} CmigBackfillUnfinished;

/*
 * cmig_backfill_run_each_unfinished() calls the callback for each unfinished
 * backfill of the step to which "identity" belongs or, if "identity" is not
 * part of a revision, of the same table.  The backfill with the id own_id is
 * skipped.
 */
typedef void (*CmigBackfillCallback) (const CmigBackfillUnfinished *unfinished, void *arg);
extern void cmig_backfill_run_each_unfinished(const CmigBackfillIdentity *identity,
											  int64 own_id, CmigBackfillCallback callback,
											  void *arg);

/* Delete the row of a backfill that has not updated anything. */
extern void cmig_backfill_run_remove(int64 id);

/*
 * Delete the rows of unfinished backfills that an earlier version of the
 * current statement has started.  Does nothing if the backfill is not part of
 * a revision.
 */
extern void cmig_backfill_run_replace(const CmigBackfillIdentity *identity);

/*
 * Call this at the end of a step.  The rows of its backfills are kept as a
 * record, but the backfills start from the beginning if the step is run again.
 */
extern void cmig_backfill_run_settle(const char *revision, const char *direction);

/*
 * Like cmig_backfill_run_settle(), but for all steps in the current scope.
 * Returns true if any rows were changed.
 */
extern bool cmig_backfill_run_settle_all(void);

#endif							/* CMIG_BACKFILL_RUN_H */
