/*
 * scope_list.h
 *	  Lists the schemas that can be scopes, with their version rows and their
 *	  state.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_SCOPE_LIST_H
#define CMIG_SCOPE_LIST_H

#include "postgres.h"
#include "nodes/pg_list.h"
#include "utils/timestamp.h"

/* A scope and its recorded state. */
typedef struct CmigScopeItem
{
	char	   *name;
	char	   *rows;			/* version rows, sorted, one per line; "" if
								 * there are none */
	bool		exists;			/* does the schema exist? */
	char	   *failure;		/* error of the last run, or NULL if it did
								 * not fail */
	TimestampTz since;			/* start of the last run, or 0 */
} CmigScopeItem;

/*
 * Returns a List of CmigScopeItem *: the existing schemas that match a LIKE
 * pattern and can be scopes, sorted by name in byte order.  Only name, rows,
 * and exists are set.
 */
extern List *cmig_scope_list_matching(const char *pattern);

/*
 * Returns a List of CmigScopeItem *: all scopes in which a run has ever been
 * started, sorted by name in byte order.
 */
extern List *cmig_scope_list_tried(void);

/*
 * Returns a List of CmigScopeItem *: the scopes that have version rows, but
 * whose schemas do not exist or cannot be scopes.  Only name and exists are
 * set.
 */
extern List *cmig_scope_list_gone(void);

/* A callback for cmig_scope_list_in(). */
typedef void (*CmigScopeWork) (void *arg);

/* Call work(arg) while the given scope is the current one. */
extern void cmig_scope_list_in(const char *scope, CmigScopeWork work, void *arg);

/*
 * A cache for a number that depends only on a scope's version rows, such as
 * the number of its pending revisions.  Most scopes have the same version
 * rows, so the number is computed only once for all of them.
 */
typedef struct CmigScopeCache CmigScopeCache;

/* Returns an empty cache, allocated in the current memory context. */
extern CmigScopeCache *cmig_scope_list_cache(void);

/*
 * Returns a pointer to the number for the given version rows.  Sets *found to
 * false if the number is not in the cache yet; in that case, the caller must
 * store it through the pointer.
 */
extern int *cmig_scope_list_result(CmigScopeCache *cache, const char *rows, bool *found);

#endif							/* CMIG_SCOPE_LIST_H */
