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
	char	   *rows;			/* its version rows, one a line, in order; ""
								 * if there are none */
	bool		exists;			/* does the schema exist? */
	char	   *failure;		/* the error of the last run, or NULL */
	TimestampTz since;			/* start of the last run, or 0 */
} CmigScopeItem;

/*
 * Returns a list of CmigScopeItem: the existing schemas that match a LIKE
 * pattern and can be scopes, in byte order. Only name and rows are set.
 */
extern List *cmig_scope_list_matching(const char *pattern);

/*
 * Returns a list of CmigScopeItem: all scopes in which a run has been tried,
 * in byte order.
 */
extern List *cmig_scope_list_tried(void);

/* A callback for a scope in cmig_scope_list_in(). */
typedef void (*CmigScopeWork) (void *arg);

/* Do the work with the scope as the current one. */
extern void cmig_scope_list_in(const char *scope, CmigScopeWork work, void *arg);

/*
 * A cache of results for scopes, by their version rows: most scopes have the
 * same rows.
 */
typedef struct CmigScopeCache CmigScopeCache;

extern CmigScopeCache *cmig_scope_list_cache(void);

/*
 * Returns a pointer to the result for the rows. *found is false if the result
 * is new; the caller then sets it.
 */
extern int *cmig_scope_list_result(CmigScopeCache *cache, const char *rows, bool *found);

#endif							/* CMIG_SCOPE_LIST_H */
