/*
 * scope_list.h
 *	  The schemas that can be scopes, their version rows, and their state.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_SCOPE_LIST_H
#define CMIG_SCOPE_LIST_H

#include "postgres.h"
#include "nodes/pg_list.h"
#include "utils/timestamp.h"

/* A scope, and what is recorded about it. */
typedef struct CmigScopeItem
{
	char	   *name;
	char	   *rows;			/* its version rows, sorted, one per line; ""
								 * if there are none */
	bool		exists;			/* does the schema exist? */
	char	   *failure;		/* the error of the last run, or NULL */
	TimestampTz since;			/* start of the last run, or 0 */
} CmigScopeItem;

/*
 * Returns a list of CmigScopeItem: the existing schemas that match a LIKE
 * pattern and can be scopes, sorted by name, in byte order.  Only name, rows,
 * and exists are set.
 */
extern List *cmig_scope_list_matching(const char *pattern);

/*
 * Returns a list of CmigScopeItem: all scopes in which a run has been tried,
 * sorted by name, in byte order.
 */
extern List *cmig_scope_list_tried(void);

/*
 * Returns a list of CmigScopeItem: the scopes that have version rows, but whose
 * schemas do not exist or cannot be scopes.  Only name and exists are set.
 */
extern List *cmig_scope_list_gone(void);

/* The callback of cmig_scope_list_in(). */
typedef void (*CmigScopeWork) (void *arg);

/* Call work(arg) with the given scope as the current scope. */
extern void cmig_scope_list_in(const char *scope, CmigScopeWork work, void *arg);

/*
 * A cache for a number that depends only on a scope's version rows, such as its
 * number of pending revisions.  Most scopes have the same version rows, so the
 * number is computed only once for them.
 */
typedef struct CmigScopeCache CmigScopeCache;

/* Returns an empty cache, allocated in the current memory context. */
extern CmigScopeCache *cmig_scope_list_cache(void);

/*
 * Returns a pointer to the cached number for the given version rows.  If *found
 * is false, the caller must set the number.
 */
extern int *cmig_scope_list_result(CmigScopeCache *cache, const char *rows, bool *found);

#endif							/* CMIG_SCOPE_LIST_H */
