/*
 * rls_trial.h
 *	  The rows and contexts for which a policy's expression is evaluated.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_RLS_TRIAL_H
#define CMIG_RLS_TRIAL_H

#include "postgres.h"
#include "nodes/pg_list.h"
#include "rls/rls_trial_context.h"

/* Whose row it is. */
typedef enum CmigRlsRowKind
{
	CMIG_RLS_ROW_STRANGE,
	CMIG_RLS_ROW_SIMILAR,		/* a stranger's row whose key differs from the
								 * own key only in case or spelling */
	CMIG_RLS_ROW_OWN,			/* an own row; the strangers' rows after it
								 * only count if this row is visible */
	CMIG_RLS_ROW_CONSTANT,		/* its key is a constant in the expression */
	CMIG_RLS_ROW_DEFAULT,		/* its key is the constant that replaces a
								 * missing context */
	CMIG_RLS_ROW_ORPHAN			/* its key is null */
} CmigRlsRowKind;

/* One combination of values, and the result of the expression for it. */
typedef struct CmigRlsTrial
{
	List	   *values;			/* of Const, one for each input */
	CmigRlsRowKind row;
	int			whose;			/* number of the stranger */
	int			group;			/* trials that differ only in the other
								 * columns have the same number */
	bool		unset;			/* a part of the context is missing */
	bool		ordinary;		/* the other columns have ordinary values */
	CmigRlsLeakLevel level;		/* how bad it is if the expression is true */
	CmigRlsLeakLevel most;		/* the worst level, if it is true for the
								 * whole group */
	struct CmigRlsTrial *also;	/* the same row with its owner's context, for
								 * which the expression must be true as well;
								 * NULL: none */
	int			constant;		/* the input for the key that is a constant,
								 * or -1 */
	int			context;		/* the input for the part of the context that
								 * has a special value, or -1 */
	bool		counts;			/* the trial is not just another one's "also" */
	bool		is_true;
} CmigRlsTrial;

/*
 * Make a list of trials for each context.  The trials of a group follow each
 * other.  If the model has unknown conditions, each trial is there three times
 * in a row, with these conditions true, false, and null.
 */
extern List *cmig_rls_trial_make(const CmigRlsModel *model);

#endif							/* CMIG_RLS_TRIAL_H */
