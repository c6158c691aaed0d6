/*
 * repeatable.h
 *	  Determines which repeatable revisions have to run.
 *
 * The last row of a repeatable revision in cmig.journal contains the checksum
 * of the script that ran.  It is a SHA-256 hash of the script's bytes, so even
 * a changed comment makes the revision run again.  It also runs after the next
 * upgrade that follows a downgrade, which may have dropped what it created.
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

/* The script of a repeatable revision that ran last. */
typedef struct CmigRepeatableRun
{
	int			node;
	char	   *sql;			/* NULL: the stored script */
	CmigNames	placeholders;	/* declarations */
	bool		reverted;		/* a downgrade has run since */
} CmigRepeatableRun;

/*
 * Returns a List of CmigRepeatableRun * with the scripts that ran last, in the
 * order in which the revisions run.  A script that is no longer stored is left
 * out.
 */
extern List *cmig_repeatable_runs(const CmigGraph *graph);

/*
 * If the upgrade reaches the heads, add steps for the repeatable revisions that
 * are not current, or for all of them.
 */
extern void cmig_repeatable_add_due(const CmigGraph *graph, const CmigApplied *applied, CmigPlan *plan, bool all);

/* Returns the checksum that the journal records for an upgrade script. */
extern char *cmig_repeatable_checksum(const char *sql, bool transactional, bool repeatable);

#endif							/* CMIG_REPEATABLE_H */
