/*
 * repeatable.h
 *	  Determines which repeatable revisions have to run.
 *
 * The last row for a repeatable revision in cmig.journal contains the checksum
 * of the script that was run.  The checksum is a SHA-256 hash of the script's
 * bytes, so even a changed comment makes the revision run again.  A repeatable
 * revision also runs again in the first upgrade after a downgrade, because the
 * downgrade may have dropped objects that the revision created.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_REPEATABLE_H
#define CMIG_REPEATABLE_H

#include "postgres.h"
#include "graph/plan.h"

/* The state of a repeatable revision in the current scope. */
typedef enum CmigRepeatableState
{
	CMIG_REPEATABLE_NEW,		/* the revision has never been run */
	CMIG_REPEATABLE_CHANGED,	/* the script that was run last differs from
								 * the stored one */
	CMIG_REPEATABLE_REVERTED,	/* a downgrade was run after its last run */
	CMIG_REPEATABLE_CURRENT
} CmigRepeatableState;

/* Returns the state of a repeatable revision, given its node. */
extern CmigRepeatableState cmig_repeatable_state(const CmigGraph *graph, int node);

/* The script of a repeatable revision that was run last. */
typedef struct CmigRepeatableRun
{
	int			node;
	char	   *sql;			/* NULL stands for the stored script */
	CmigNames	placeholders;	/* declarations of placeholders in the script */
	bool		reverted;		/* has a downgrade been run since then? */
} CmigRepeatableRun;

/*
 * Returns a List of CmigRepeatableRun * with the scripts that were run last,
 * in the order in which the revisions run.  Leaves out scripts that are no
 * longer stored.
 */
extern List *cmig_repeatable_runs(const CmigGraph *graph);

/*
 * If the plan is an upgrade after which all revisions are applied, add steps
 * for the repeatable revisions that have to run, or for all repeatable
 * revisions if "all" is true.
 */
extern void cmig_repeatable_add_due(const CmigGraph *graph, const CmigApplied *applied, CmigPlan *plan, bool all);

/* Returns the checksum that the journal contains for an upgrade script. */
extern char *cmig_repeatable_checksum(const char *sql, bool transactional, bool repeatable);

#endif							/* CMIG_REPEATABLE_H */
