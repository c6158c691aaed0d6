/*
 * scope.h
 *	  What src/scope provides to other folders.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_SCOPE_H
#define CMIG_SCOPE_H

#include "postgres.h"

#include "nodes/pg_list.h"
#include "utils/timestamp.h"

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
 * Returns a List of CmigScopeItem *: the scopes that have version rows, but
 * whose schemas do not exist or cannot be scopes.  Only name and exists are
 * set.
 */
extern List *cmig_scope_list_gone(void);

/* The scopes in which a run has ever been started, by their state. */
typedef struct CmigScopeSummary
{
	int			count;			/* all of them */
	int			failed;			/* the last run failed */
	int			behind;			/* others with pending revisions */
	int			never;			/* others in which nothing is applied */
}			CmigScopeSummary;

extern CmigScopeSummary cmig_scope_summary(void);

#endif							/* CMIG_SCOPE_H */
