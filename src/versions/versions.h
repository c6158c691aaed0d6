/*
 * versions.h
 *	  What other folders may call: the state of an expansion.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_VERSIONS_H
#define CMIG_VERSIONS_H

#include "move/move.h"
#include "store/store.h"

/* in bound.c */

/* Install a hook. */
extern void cmig_versions_init(void);

/* in live.c */

/* The rows of an expanded table */
typedef struct CmigExpansionRows
{
	bool		counted;		/* could the caller read all of them? */
	int64		filled;
	int64		left;
	int64		failed;
	char	   *why;			/* why a row failed, they were not counted, or
								 * the old build's writes are not noted */
	char	   *last_write;		/* when the old build last wrote one, or NULL */
	bool		unread;			/* may the caller not see that? */
} CmigExpansionRows;

/* Count a table's rows for at most "limit" milliseconds. */
extern CmigExpansionRows cmig_expansion_rows(const CmigExpansion *expansion, const char *relation,
											 int limit);

/*
 * The queries of pg_stat_statements that break with cmig.contract, so that only
 * the old version can have run them, and that were called since cmig.expand.
 */
typedef struct CmigOldCalls
{
	char	   *since;			/* NULL if nothing is known */
	char	   *unknown;		/* why there may be more of them, or NULL */
	int64		calls;
	char	   *callers;		/* the roles */
	int			count;			/* of those that cmig.workload_policy applies
								 * to */
	char	   *detail;			/* these */
} CmigOldCalls;

/* A hook that finds them.  The plan is that of the contraction. */
extern CmigOldCalls (*cmig_expansion_find_calls) (const CmigSituation *now, const CmigPlan *plan,
												  const CmigExpansion *expansion);

/* in changed.c */

/*
 * Returns what was changed by hand since the revision was expanded in the current
 * scope, and would be lost in a contraction, or is a privilege that only one version
 * has, in the form of rows of cmig.check().
 */
extern List *cmig_expansion_changes(void);

#endif							/* CMIG_VERSIONS_H */
