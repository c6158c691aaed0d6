/*
 * repeatable.h
 *	  Which repeatable revisions have to run.
 *
 * What was last run is derived from cmig.journal: the checksum in the last row
 * of the revision.  It is the sha256 of the script's bytes, so a changed comment is
 * enough to let it run again.  A downgrade may have dropped what it created, so
 * it also runs after the next upgrade.
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
	CMIG_REPEATABLE_NEW,		/* it has never run */
	CMIG_REPEATABLE_CHANGED,	/* another script ran last */
	CMIG_REPEATABLE_REVERTED,	/* a downgrade has run since */
	CMIG_REPEATABLE_CURRENT
} CmigRepeatableState;

/* The state of the node of a repeatable revision. */
extern CmigRepeatableState cmig_repeatable_state(const CmigGraph *graph, int node);

/* A script that has run. */
typedef struct CmigRepeatableRun
{
	int			node;
	char	   *sql;			/* NULL: the stored script */
	CmigNames	placeholders;	/* declarations */
	bool		reverted;		/* a downgrade has run since */
} CmigRepeatableRun;

/*
 * The scripts that ran last, a List of CmigRepeatableRun * in the order in which
 * they run.  A script that is no longer stored is left out.
 */
extern List *cmig_repeatable_runs(const CmigGraph *graph);

/*
 * If the upgrade reaches the heads, add steps for the repeatable revisions that
 * are not current, or for all of them.
 */
extern void cmig_repeatable_add_due(const CmigGraph *graph, const CmigApplied *applied, CmigPlan *plan, bool all);

/* The checksum of an upgrade script as the journal records it. */
extern char *cmig_repeatable_checksum(const char *sql, bool transactional, bool repeatable);

#endif							/* CMIG_REPEATABLE_H */
