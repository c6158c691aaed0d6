/*
 * internal.h
 *	  What the modules of src/plan share.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_PLAN_INTERNAL_H
#define CMIG_PLAN_INTERNAL_H

#include "postgres.h"

#include "portability/instr_time.h"

#include "plan/plan.h"

/* in measure.c */

/* This backend's statistics for a relation. */
typedef struct CmigCounters
{
	int64		scans;			/* number of sequential scans */
	int64		blocks;			/* number of blocks read */
	int64		dead;			/* number of dead rows */
	int64		written;		/* number of rows inserted or updated */
} CmigCounters;

/* A relation as it was when the dry run started, and as it is now. */
typedef struct CmigExisting
{
	Oid			oid;
	char	   *name;			/* qualified and quoted name when the dry run
								 * started; NULL if it is not reported */
	FormData_pg_class first;	/* pg_class row when the dry run started */
	CmigCounters first_counters;	/* counters when the dry run started */
	Oid			filenode;		/* current relfilenode */
	bool		used;			/* has cmig_existing_get() returned it? */
	int64		size;			/* size in bytes when the dry run started,
								 * including TOAST; -1 if Citus stores the
								 * rows in shards */
	int64		pages;			/* of the main fork at that time */
	LOCKMODE	held;			/* strongest lock taken so far */
	LOCKMODE	now;			/* the strongest lock that the statement has
								 * taken */
	bool		locked;			/* a sequence: has it been locked? */
	bool		rewritten;		/* has a statement replaced its file? */
	int64		dead;			/* number of dead rows that a rollback leaves
								 * in the relation's first file */
	CmigCounters last;			/* after the last statement that used it */
} CmigExisting;

/* The relations that existed when a dry run started. */
typedef struct CmigExistingSet
{
	MemoryContext context;
	HTAB	   *relations;		/* of CmigExisting, by OID */
	List	   *used;			/* of CmigExisting *: those returned */
} CmigExistingSet;

/* A statement that is being measured, and the results. */
typedef struct CmigMeasure
{
	CmigExistingSet *relations;
	instr_time	start;
	uint64		wal_start;
	/* results; each string has one line per relation */
	int64		elapsed_us;
	int64		wal_bytes;
	char	   *locks;			/* the locks that the statement took; locks,
								 * rewrites, and scans are NULL if empty */
	char	   *rewrites;
	char	   *scans;
	List	   *moved;			/* of CmigExisting *: sequences that advanced */
} CmigMeasure;

/*
 * Start a dry run: record the relations, in the current memory context, and
 * which of them the transaction has already locked.
 */
extern CmigExistingSet *cmig_measure_start(void);

/* Returns NULL if the relation did not exist, or is not reported. */
extern CmigExisting *cmig_existing_get(CmigExistingSet *set, Oid relation);

/*
 * Call the first after rolling back a part of the dry run, which restores the
 * files that the relations had before that part.  The second, after the end of
 * the dry run, restores the numbers of rows and pages in pg_class, which index
 * builds change in place.  The third returns how many dead rows the dry run
 * leaves in the relation.
 */
extern void cmig_existing_rolled_back(CmigExistingSet *set);
extern void cmig_existing_restore(CmigExistingSet *set);
extern int64 cmig_existing_left_dead(const CmigExisting *relation);

/*
 * Measure a statement, which must run in its own subtransaction.  Call
 * cmig_measure_begin() before the statement.  If the statement succeeds, call
 * cmig_measure_end() before the subtransaction ends.  After an error, call
 * cmig_measure_fail(), which sets only the elapsed time and the WAL size.
 */
extern void cmig_measure_begin(CmigMeasure *measure, CmigExistingSet *relations);
extern void cmig_measure_end(CmigMeasure *measure);
extern void cmig_measure_fail(CmigMeasure *measure);

/* Turn the watch on or off.  Turning it off is always safe. */
extern void cmig_waiters_watch(void);
extern void cmig_waiters_unwatch(void);

/* in lint_rehearse.c */

/*
 * Run the plan's scripts on copies, before they are examined, for a run if
 * "lint->certain" is true; report what the current statement does, whose first finding has the number "first"; and report
 * at the end what was not rehearsed.
 */
extern void cmig_lint_rehearse(CmigLint *lint, const CmigSituation *now, const CmigPlan *plan,
							   CmigStepTexts *texts);
extern void cmig_lint_rehearsed_report(CmigLint *lint, int first);
extern void cmig_lint_rehearsed_finish(CmigLint *lint);

/* in lint.c */

/* Returns the rule with this name, also if it is that of squawk, or NULL. */
extern const CmigLintRule *cmig_lint_rule_find(const List *rules, const char *name);

/*
 * Returns what lint finds in a plan, as a List of CmigLintFinding *, including
 * findings that settings or comments suppress, which are marked as dropped.
 * Never waits for a lock.  The second function counts the others, as
 * cmig_lint_policy_count() does.
 */
extern List *cmig_lint_findings(const CmigSituation *now, const CmigPlan *plan);
extern void cmig_lint_count(List *findings, int *errors, int *warnings);

#endif							/* CMIG_PLAN_INTERNAL_H */
