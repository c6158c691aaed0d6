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

/* in list.c */

/*
 * Returns a List of char *: the scopes that have version rows, but whose
 * schemas do not exist or cannot be scopes.
 */
extern List *cmig_scope_list_gone(void);

/* The scopes in which a run has ever been started, by their state. */
typedef struct CmigScopeSummary
{
	int			count;			/* all of them */
	int			failed;			/* the last run failed */
	int			behind;			/* others with pending revisions */
	int			never;			/* others in which nothing is applied */
	TimestampTz last_run;		/* when the last run in one of them began, or
								 * 0 */
} CmigScopeSummary;

extern CmigScopeSummary cmig_scope_summary(void);

#endif							/* CMIG_SCOPE_H */
