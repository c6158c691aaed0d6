/*
 * repeatable.h
 *	  Determines which repeatable revisions have to run.
 *
 * A repeatable revision's last row in cmig.journal contains the checksum of the
 * script that ran.  The checksum is a SHA-256 hash of the script's bytes, so
 * changing even a comment makes the revision run again.  A repeatable revision
 * also runs after the next upgrade that follows a downgrade, because the
 * downgrade may have dropped what the revision created.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_REPEATABLE_H
#define CMIG_REPEATABLE_H

#include "postgres.h"
#include "graph/plan.h"

/* The state of a repeatable revision in this database. */
typedef enum CmigRepeatableState
{
	CMIG_REPEATABLE_NEW,		/* never ran */
	CMIG_REPEATABLE_CHANGED,	/* a different script ran last */
	CMIG_REPEATABLE_REVERTED,	/* a downgrade has run since */
	CMIG_REPEATABLE_CURRENT
} CmigRepeatableState;

/* Returns the state of a repeatable revision, given its node. */
extern CmigRepeatableState cmig_repeatable_state(const CmigGraph *graph, int node);

/* The script that a repeatable revision ran last. */
typedef struct CmigRepeatableRun
{
	int			node;
	char	   *sql;			/* NULL: the stored script */
	CmigNames	placeholders;	/* declarations */
	bool		reverted;		/* a downgrade has run since */
} CmigRepeatableRun;

/*
 * Returns a List of CmigRepeatableRun * with the scripts that ran last, in the
 * order in which the revisions run.  Omits scripts that are no longer stored.
 */
extern List *cmig_repeatable_runs(const CmigGraph *graph);

/*
 * If the upgrade reaches the heads, add steps to the plan for the repeatable
 * revisions that are not current, or for all repeatable revisions if "all" is
 * true.
 */
extern void cmig_repeatable_add_due(const CmigGraph *graph, const CmigApplied *applied, CmigPlan *plan, bool all);

/* Returns the checksum that the journal records for an upgrade script. */
extern char *cmig_repeatable_checksum(const char *sql, bool transactional, bool repeatable);

#endif							/* CMIG_REPEATABLE_H */
