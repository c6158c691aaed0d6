/*
 * backfill_run.h
 *	  Access to cmig.backfill_run, which records the progress of backfills.
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
	const char *target;			/* qualified and quoted */
	const char *set_sql;
	const char *where_sql;		/* NULL: none */
	bool		by_key;			/* is the table walked by key, not by block? */
	const char *revision;		/* NULL: not part of a revision */
	const char *direction;
	int			statement;
} CmigBackfillIdentity;

/* A row of the table: a backfill and the position that it has reached. */
typedef struct CmigBackfillRun
{
	int64		id;				/* 0: has no row yet */
	bool		done;
	char	   *method;
	int			pass;
	char	   *relation;		/* the current table or partition, or NULL */
	CmigNames	key;			/* quoted columns of the key used to walk
								 * through relation; empty if relation is
								 * walked by block */
	CmigNames	place;			/* last key or block processed; empty if none
								 * yet */
	CmigNames	bound;			/* last key or block to process */
	CmigNames	parts;			/* if walked by key: the partitions at the
								 * start; empty if not partitioned */
	double		total;
	double		passed;
	int64		rows;
	int64		rows_of_pass;
	int64		batches;
	int64		unchanged;		/* rows of this pass that matched but were not
								 * updated; not stored */
} CmigBackfillRun;

/*
 * Find the row of a backfill to resume.  A finished backfill is found only if
 * it is part of a revision's step that has not ended.  Returns false if there
 * is no such row.
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
 * An unfinished backfill without where_sql that has updated rows.  Such a
 * backfill must not be started again, because it would update those rows a
 * second time.
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
 * A callback for unfinished backfills.  cmig_backfill_run_each_unfinished()
 * calls it for each such backfill of the same step or, if "identity" is not
 * part of a revision, of the same table.  The backfill with the id own_id is
 * skipped.
 */
typedef void (*CmigBackfillCallback) (const CmigBackfillUnfinished *unfinished, void *arg);
extern void cmig_backfill_run_each_unfinished(const CmigBackfillIdentity *identity,
											  int64 own_id, CmigBackfillCallback callback,
											  void *arg);

/* Delete a backfill's row.  Use this for a backfill that has done nothing. */
extern void cmig_backfill_run_remove(int64 id);

/*
 * Delete the rows of unfinished backfills that were started by an earlier
 * version of the same statement of the same step.  Does nothing for a backfill
 * that is not part of a revision.
 */
extern void cmig_backfill_run_replace(const CmigBackfillIdentity *identity);

/*
 * Call this at the end of a step.  The step's backfills become history, so they
 * start again if the step is run again.
 */
extern void cmig_backfill_run_settle(const char *revision, const char *direction);

/*
 * Like cmig_backfill_run_settle(), but for all steps.  Returns true if there
 * were any rows to change.
 */
extern bool cmig_backfill_run_settle_all(void);

#endif							/* CMIG_BACKFILL_RUN_H */
