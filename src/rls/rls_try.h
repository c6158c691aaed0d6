/*
 * rls_try.h
 *	  Run a statement as another role and roll it back.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_RLS_TRY_H
#define CMIG_RLS_TRY_H

#include "postgres.h"
#include "base/query.h"
#include "rls/rls_rows.h"

/* Who tries, and where. */
typedef struct CmigRlsAs
{
	Oid			role;
	char	   *user;			/* the context, NULL for none */
	char	   *tenant;
	bool		partitioned;	/* the table has partitions, or is one */
	CmigRlsRows rows;			/* the table */
} CmigRlsAs;

/* What is tried. */
typedef struct CmigRlsAttempt
{
	const char *sql;
	int			nargs;
	Oid		   *types;
	Datum	   *values;
	char	   *nulls;
	CmigRowCallback row;		/* NULL: a row of numbers goes to counts */
	void	   *arg;
	const CmigRlsKey *key;		/* NULL, or: before all is rolled back, the
								 * rows */
	const char *value;			/* that have this value of the key are counted */
} CmigRlsAttempt;

/*
 * What came of it.  The server asks the policies before any constraint, so a
 * row that a unique or foreign key stops has passed row-level security.
 */
typedef enum CmigRlsOutcomeKind
{
	CMIG_RLS_DONE,
	CMIG_RLS_REFUSED,			/* by a policy */
	CMIG_RLS_CONSTRAINT,		/* by a constraint, past the policies */
	CMIG_RLS_FAILED				/* by anything else */
} CmigRlsOutcomeKind;

typedef struct CmigRlsOutcome
{
	CmigRlsOutcomeKind kind;
	int64		counts[3];		/* of a SELECT of numbers */
	int64		rows;
	int64		strange;		/* the rows that have the value, -1 unknown */
	char	   *message;		/* the error's */
	char	   *detail;			/* what else is to be said, or NULL */
} CmigRlsOutcome;

/*
 * Run the statement as the role and roll it back.  Errors that are about the
 * session and not the row, such as a cancel, are raised.
 */
extern CmigRlsOutcome cmig_rls_try(const CmigRlsAs *as, const CmigRlsAttempt *attempt);

#endif							/* CMIG_RLS_TRY_H */
