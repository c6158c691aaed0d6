/*
 * rls_trial_context.h
 *	  The contexts that a policy's expression is tried with.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_RLS_TRIAL_CONTEXT_H
#define CMIG_RLS_TRIAL_CONTEXT_H

#include "postgres.h"
#include "nodes/pg_list.h"
#include "rls/rls_model.h"

/* How far rows that are let through break the isolation of tenants. */
typedef enum CmigRlsLeakLevel
{
	CMIG_RLS_CLOSED,			/* none was found */
	CMIG_RLS_MARKED,			/* rows that a column marks for it, such as
								 * is_public */
	CMIG_RLS_SOME,				/* rows with a value that many have */
	CMIG_RLS_OPEN				/* ordinary rows */
} CmigRlsLeakLevel;

typedef struct CmigRlsTrialContext
{
	List	   *values;			/* of Const, NULL for inputs that are none */
	bool		unset;
	int			special;		/* the input that is, or -1 */
	CmigRlsLeakLevel most;
	int			whose;			/* by number; CMIG_RLS_OWN but for an also */
	const char *own;			/* the own key, NULL for the usual one */
	List	   *strangers;		/* of char *: their keys, NIL for the usual
								 * ones */
} CmigRlsTrialContext;

/*
 * That of somebody, none at all, none in part, with the values that it is
 * compared with, as each role that the policy binds; and, where functions make
 * a text of keys, with keys that they may take for the same.
 */
extern List *cmig_rls_trial_contexts(const CmigRlsModel *model);

/* That of somebody. */
extern CmigRlsTrialContext *cmig_rls_trial_context_own(const CmigRlsModel *model);

/* Can a text be put into the input, as a key that a function changes? */
extern bool cmig_rls_trial_is_text(const CmigRlsInput *input);

#endif							/* CMIG_RLS_TRIAL_CONTEXT_H */
