/*
 * rls_try.h
 *	  Run a statement as another role and roll it back.
 */
#ifndef CMIG_RLS_TRY_H
#define CMIG_RLS_TRY_H

#include "postgres.h"

/* Who tries. */
typedef struct CmigRlsAs
{
	Oid			role;
	char	   *user;			/* the context, NULL for none */
	char	   *tenant;
	bool		partitioned;	/* the table has partitions, or is one */
	const char *probe;			/* NULL, or what the caller counts before all is
								 * rolled back */
} CmigRlsAs;

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
	int64		counts[3];		/* of a SELECT of numbers, or of the probe */
	int64		rows;
	char	   *value;			/* of a SELECT of one text */
	char	   *message;		/* the error's */
	char	   *detail;			/* what else is to be said, or NULL */
} CmigRlsOutcome;

/*
 * Run the statement, with arguments of type text, as the role or (as_role
 * false) as the caller, and roll it back.  Errors that are about the session
 * and not the row, such as a cancel, are raised.
 */
extern CmigRlsOutcome cmig_rls_try(const CmigRlsAs *as, bool as_role, const char *sql,
								   int nargs, char **args);

#endif							/* CMIG_RLS_TRY_H */
