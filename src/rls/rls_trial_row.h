/*
 * rls_trial_row.h
 *	  Makes the trials of one row for one context.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_RLS_TRIAL_ROW_H
#define CMIG_RLS_TRIAL_ROW_H

#include "postgres.h"
#include "nodes/pg_list.h"
#include "rls/rls_trial_context.h"

/* Whose row it is. */
typedef enum CmigRlsRowKind
{
	CMIG_RLS_ROW_STRANGE,
	CMIG_RLS_ROW_SIMILAR,		/* a stranger's row whose key differs from the
								 * tenant's only in case or spelling */
	CMIG_RLS_ROW_OWN,			/* a row of the tenant; the strangers' rows
								 * after it only count if this row is visible */
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
	bool		counts;			/* false if the trial serves only as another
								 * one's "also" */
	bool		is_true;
} CmigRlsTrial;

/* The owner of a row. */
typedef struct CmigRlsTrialRow
{
	CmigRlsRowKind kind;
	int			whose;			/* number of the stranger or of the default
								 * value */
	const char *text;			/* the key of a stranger, or NULL */
	const char **parts;			/* the value of each key by its input, or NULL */
	int			input;			/* the key that has a constant value, or -1 */
	Const	   *constant;
} CmigRlsTrialRow;

/* Is it a value, such as 0 or 'none', that stands for nobody? */
extern bool cmig_rls_trial_row_is_nobody(const Const *value);

/*
 * Add the trials of one row for one context, with all values of the other
 * columns.  *group is the number of the trials, and is incremented.
 */
extern List *cmig_rls_trial_row_add(List *trials, const CmigRlsModel *model, const CmigRlsTrialContext *context, const CmigRlsTrialRow *row, int *group);

#endif							/* CMIG_RLS_TRIAL_ROW_H */
