/*
 * rls_trial_context.h
 *	  The contexts with which a policy's expression is evaluated.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_RLS_TRIAL_CONTEXT_H
#define CMIG_RLS_TRIAL_CONTEXT_H

#include "postgres.h"
#include "nodes/pg_list.h"
#include "rls/rls_model.h"

/* How serious it is if other tenants' rows are visible. */
typedef enum CmigRlsLeakLevel
{
	CMIG_RLS_CLOSED,			/* no visible row of another tenant was found */
	CMIG_RLS_MARKED,			/* rows that are marked as visible by a column
								 * such as is_public */
	CMIG_RLS_SOME,				/* rows with a value that many rows have */
	CMIG_RLS_OPEN				/* ordinary rows */
} CmigRlsLeakLevel;

/* A context with which the expression is evaluated. */
typedef struct CmigRlsTrialContext
{
	List	   *values;			/* of Const; NULL for inputs that are not part
								 * of the context */
	bool		unset;
	int			special;		/* index of the input that has a special
								 * value, or -1 */
	CmigRlsLeakLevel most;
	int			whose;			/* CMIG_RLS_OWN, or a stranger's number if the
								 * context is used for the "also" of other
								 * trials */
	const char *own;			/* the tenant's key; NULL: the usual key */
	List	   *strangers;		/* of char *: the strangers' keys; NIL: the
								 * usual keys */
} CmigRlsTrialContext;

/*
 * Returns all contexts to try: a tenant's context; no context; contexts that
 * lack one part; a context for each value with which the expression compares
 * the context; and a context for each role to which the policy applies.  If
 * functions are applied to keys, there are also contexts with keys that the
 * functions may map to the same value.
 */
extern List *cmig_rls_trial_contexts(const CmigRlsModel *model);

/* Returns the tenant's usual context. */
extern CmigRlsTrialContext *cmig_rls_trial_context_own(const CmigRlsModel *model);

/* Is the input of type text or varchar? */
extern bool cmig_rls_trial_is_text(const CmigRlsInput *input);

#endif							/* CMIG_RLS_TRIAL_CONTEXT_H */
