/*
 * internal.h
 *	  What the modules of src/scope share.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_SCOPE_INTERNAL_H
#define CMIG_SCOPE_INTERNAL_H

#include "postgres.h"

#include "utils/hsearch.h"
#include "utils/timestamp.h"

#include "base/base.h"
#include "scope/scope.h"

/* in list.c */

/* A scope and its recorded state. */
typedef struct CmigScopeItem
{
	char	   *name;
	char	   *rows;			/* version rows, sorted, one per line; "" if
								 * there are none */
	char	   *repeated;		/* the last runs of repeatable revisions */
	bool		exists;			/* does the schema exist? */
	char	   *failure;		/* error of the last run, or NULL if it did
								 * not fail */
	TimestampTz since;			/* start of the last run, or 0 */
} CmigScopeItem;

/*
 * A List of CmigScopeItem *, in byte order, of what can be a scope: all schemas
 * and former ones in which a run has ever been started or, given a LIKE pattern,
 * the existing schemas that match it, without failure and since.
 */
extern List *cmig_scope_list(const char *pattern);

/* Make a scope the current one, until AtEOXact_GUC() with the result. */
extern int	cmig_scope_list_enter(const char *scope);

/*
 * A cache, in the current memory context, for a number that depends only on a
 * scope's version rows and last repeatable runs, in which most scopes are
 * alike.
 */
extern HTAB *cmig_scope_list_cache(void);

/*
 * The number for scopes like this one.  If it is not found, the caller must
 * store it through the pointer.
 */
extern int *cmig_scope_list_result(HTAB *cache, const CmigScopeItem *item, bool *found);

/* in upgrade.c */

/* The arguments and results of upgrading or downgrading a scope. */
typedef struct CmigScopeRun
{
	CmigDirection direction;
	const char *target;
	bool		quiet;			/* are the steps run without a NOTICE for
								 * each? */
	bool		begins;			/* see CmigRunPlan */
	void		(*report) (CmigDirection direction, const CmigRevision *revision, void *arg);	/* see CmigRunPlan */
	void	   *arg;

	/* The following fields are set by the run. */
	int			steps;			/* number of steps that were run */
	char	   *revision;		/* revision that was running when an error
								 * occurred, or NULL */
} CmigScopeRun;

/*
 * Upgrade or downgrade the current scope, whose run lock the caller holds, to
 * run->target.
 */
extern void cmig_scope_run(CmigScopeRun *run);

/* in digest.c */

/* Optional properties: those that are true are compared. */
typedef struct CmigScopeOptions
{
	bool		owners;
	bool		privileges;
	bool		comments;
} CmigScopeOptions;

/*
 * The digest of each schema, or NULL if it contains objects that are not
 * supported.  Schemas with the same digest are equal.  Call
 * CommandCounterIncrement() first to include changes of the transaction.
 */
extern char **cmig_scope_digests(const char *const *schemas, int count,
								 const CmigScopeOptions *options);

#endif							/* CMIG_SCOPE_INTERNAL_H */
