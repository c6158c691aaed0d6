/*
 * rls_try.h
 *	  Runs a statement as another role and rolls it back.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_RLS_TRY_H
#define CMIG_RLS_TRY_H

#include "postgres.h"
#include "base/query.h"
#include "rls/rls_rows.h"

/* The role, context, and table of an attempt. */
typedef struct CmigRlsAs
{
	Oid			role;
	char	   *user;			/* the user in the context; NULL: none */
	char	   *tenant;
	bool		partitioned;	/* is the table partitioned or a partition? */
	CmigRlsRows rows;			/* the table passed to cmig.rls_test */
} CmigRlsAs;

/* A statement to try, and what to read from its result. */
typedef struct CmigRlsAttempt
{
	const char *sql;
	int			nargs;
	Oid		   *types;
	Datum	   *values;
	char	   *nulls;
	CmigRowCallback row;		/* callback for each result row; NULL: store
								 * the row's numbers in counts */
	void	   *arg;
	const CmigRlsKey *key;		/* if not NULL: before the rollback, count the
								 * rows that have "value" in this key */
	const char *value;
} CmigRlsAttempt;

/*
 * The kind of outcome.  PostgreSQL checks policies before constraints, so a
 * row that violates a unique or foreign key constraint has passed row-level
 * security.
 */
typedef enum CmigRlsOutcomeKind
{
	CMIG_RLS_DONE,
	CMIG_RLS_REFUSED,			/* stopped by a policy */
	CMIG_RLS_CONSTRAINT,		/* stopped by a constraint, after the policies */
	CMIG_RLS_FAILED				/* stopped by anything else */
} CmigRlsOutcomeKind;

/* The outcome of an attempt. */
typedef struct CmigRlsOutcome
{
	CmigRlsOutcomeKind kind;
	int64		counts[3];		/* the numbers in the result row */
	int64		rows;
	int64		strange;		/* number of rows with the attempt's "value"
								 * in its key; -1 if unknown */
	char	   *message;		/* the error's message */
	char	   *detail;			/* an additional remark for the user; NULL:
								 * none */
} CmigRlsOutcome;

/*
 * Run the statement as the role and roll it back.  Errors that concern the
 * session rather than the row, such as a cancel request, are rethrown.
 */
extern CmigRlsOutcome cmig_rls_try(const CmigRlsAs *as, const CmigRlsAttempt *attempt);

#endif							/* CMIG_RLS_TRY_H */
