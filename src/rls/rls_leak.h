/*
 * rls_leak.h
 *	  Which rows of strangers a policy's expression can be true for.
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

/* A case where the expression is true. */
typedef struct CmigRlsCase
{
	CmigRlsLeakLevel level;
	AttrNumber	column;			/* of the row; 0: none matters */
	char	   *value;			/* NULL is null */
	char	   *context;		/* a setting or function; NULL: none matters */
	char	   *context_value;
	bool		constant;		/* the column is a key, which the expression
								 * compares with the value */
	bool		similar;		/* the key is the own one in another case or
								 * spelling */
} CmigRlsCase;

typedef struct CmigRlsLeak
{
	CmigRlsCase unset;			/* strangers' rows while there is no context */
	CmigRlsCase foreign;		/* strangers' rows with a context */
	CmigRlsCase orphan;			/* rows without a key, though none is asked to
								 * be null */
	bool		unknown;		/* a part could not be judged */
	bool		unknown_opens;	/* and lets strangers' rows through if it is
								 * true */
	bool		reads_context;
	char	   *function;		/* that could not be looked into; NULL: none */
	char	   *condition;		/* that could not be judged; NULL: none that
								 * can be shown */
	char	   *spelling;		/* a function of the key that gives the same
								 * for similar ones; NULL: none */
} CmigRlsLeak;

/* Keeps what was found of equal expressions; lives as long as its memory. */
typedef struct CmigRlsLeakCache CmigRlsLeakCache;

extern CmigRlsLeakCache *cmig_rls_leak_cache(void);

/*
 * tree is of the table's policies for the role, InvalidOid for PUBLIC.  text is
 * what was stored of it, by which equal ones are known; keys as for
 * cmig_rls_truth.  own: columns whose value is the context's own in the rows of
 * strangers too.
 */
extern const CmigRlsLeak *cmig_rls_leak_find(CmigRlsLeakCache *cache, Node *tree, const char *text,
											 Oid relid, Oid role, const Bitmapset *keys,
											 const Bitmapset *own);

#endif							/* CMIG_RLS_LEAK_H */
