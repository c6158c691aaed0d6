/*
 * internal.h
 *	  What the modules of src/scope share.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_SCOPE_INTERNAL_H
#define CMIG_SCOPE_INTERNAL_H

#include "postgres.h"

#include "nodes/pg_list.h"
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
 * Returns a List of CmigScopeItem *: the existing schemas that match a LIKE
 * pattern and can be scopes, sorted by name in byte order.  Only name, rows,
 * exists, and repeated are set.
 */
extern List *cmig_scope_list_matching(const char *pattern);

/*
 * Returns a List of CmigScopeItem *: all scopes in which a run has ever been
 * started, sorted by name in byte order.
 */
extern List *cmig_scope_list_tried(void);

/*
 * Make a scope the current one, until the returned GUC level is passed to
 * AtEOXact_GUC().
 */
extern int	cmig_scope_list_enter(const char *scope);

/*
 * A cache for a number that depends only on a scope's version rows and on the
 * last runs of its repeatable revisions, such as the number of its pending
 * revisions.  Most scopes are alike in this, so the number is computed only once for all of them.  The cache and
 * its entries are allocated in the current memory context of the first call.
 */
extern HTAB *cmig_scope_list_cache(void);

/*
 * Returns a pointer to the number for scopes like the given one.  Sets *found to
 * false if the number is not in the cache yet; in that case, the caller must
 * store it through the pointer.
 */
extern int *cmig_scope_list_result(HTAB *cache, const CmigScopeItem *item, bool *found);

/* in upgrade.c */

/* The arguments and results of upgrading a scope. */
typedef struct CmigScopeRun
{
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
 * Upgrade the current scope to run->target.  The caller must hold the scope's
 * run lock.  Memory is allocated in the current context.
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
 * Returns an array with the digest of each schema, or NULL for those that have
 * none because they contain objects that are not supported.  Schemas with the
 * same digest are equal.  To include changes by the current transaction, call
 * CommandCounterIncrement() first.
 */
extern char **cmig_scope_digests(const char *const *schemas, int count, const CmigScopeOptions *options);

#endif							/* CMIG_SCOPE_INTERNAL_H */
