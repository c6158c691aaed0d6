/*
 * rls_leak.h
 *	  Finds rows of other users and tenants (strangers) for which a policy's
 *	  expression can be true.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_RLS_LEAK_H
#define CMIG_RLS_LEAK_H

#include "postgres.h"
#include "access/attnum.h"
#include "nodes/bitmapset.h"
#include "nodes/primnodes.h"
#include "nodes/pg_list.h"
#include "rls/rls_trial.h"

/* A combination of values for which the expression is true. */
typedef struct CmigRlsCase
{
	CmigRlsLeakLevel level;
	AttrNumber	column;			/* column worth reporting; 0: none */
	char	   *value;			/* the column's value; NULL means null */
	char	   *context;		/* setting or function worth reporting; NULL:
								 * none */
	char	   *context_value;
	bool		constant;		/* is the column a key that the expression
								 * compares with the constant in "value"? */
	bool		similar;		/* does the key differ from the tenant's own
								 * key only in case or spelling? */
} CmigRlsCase;

/* The strangers' rows that a policy lets through. */
typedef struct CmigRlsLeak
{
	CmigRlsCase unset;			/* strangers' rows that are visible without a
								 * context */
	CmigRlsCase foreign;		/* strangers' rows that are visible with a
								 * context */
	CmigRlsCase orphan;			/* visible rows without a key, if the
								 * expression does not test keys for null */
	bool		unknown;		/* is there a part of the expression that
								 * could not be judged? */
	bool		unknown_opens;	/* are strangers' rows visible for some value
								 * of the unknown part? */
	bool		reads_context;
	char	   *function;		/* a function whose body could not be read;
								 * NULL: none */
	char	   *condition;		/* a condition that could not be judged; NULL:
								 * none that can be shown */
	char	   *spelling;		/* a function that gives the same result for
								 * similar keys; NULL: none */
} CmigRlsLeak;

/*
 * A cache of leaks, so that equal expressions are evaluated only once.  The
 * cache lives as long as the memory context in which it was created.
 */
typedef struct CmigRlsLeakCache CmigRlsLeakCache;

/* Returns an empty cache. */
extern CmigRlsLeakCache *cmig_rls_leak_cache(void);

/*
 * Find the leak of "tree", the combined expression of a table's policies for a
 * role (InvalidOid for PUBLIC).  "text" is the stored form of these policies,
 * by which equal expressions are recognized.  "keys" is as for cmig_rls_truth.
 * "own" contains the columns that have the context's value even in strangers'
 * rows.  The result belongs to the cache.
 */
extern const CmigRlsLeak *cmig_rls_leak_find(CmigRlsLeakCache *cache, Node *tree, const char *text,
											 Oid relid, Oid role, const Bitmapset *keys,
											 const Bitmapset *own);

#endif							/* CMIG_RLS_LEAK_H */
