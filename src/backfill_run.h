/*
 * backfill_run.h
 *	  cmig.backfill_run: where each backfill stands.
 */
#ifndef CMIG_BACKFILL_RUN_H
#define CMIG_BACKFILL_RUN_H

#include "postgres.h"
#include "revision.h"

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
	CmigNames	place;			/* count 0: at its beginning */
	CmigNames	bound;
	double		total;
	double		passed;
	int64		rows;
	int64		rows_of_pass;
	int64		batches;
	int64		unchanged;		/* of this pass, matched but not updated; not stored */
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
 * Raise MG008 if the step has begun a backfill other than that one, or any if
 * it is 0, whose rows would be updated twice.
 */
extern void cmig_backfill_run_require_none(const CmigBackfillIdentity *identity,
										   int64 own_id);

/* Forget a backfill that has done nothing. */
extern void cmig_backfill_run_remove(int64 id);

/*
 * A step has ended: its backfills are history, and would run anew if the step
 * were run again.
 */
extern void cmig_backfill_run_settle(const char *revision, const char *direction);

/* No step is half done any more. */
extern void cmig_backfill_run_settle_all(void);

#endif							/* CMIG_BACKFILL_RUN_H */
