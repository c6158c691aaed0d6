/*
 * rls_trial_row.h
 *	  Creates the trials of one row for one context.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_RLS_TRIAL_ROW_H
#define CMIG_RLS_TRIAL_ROW_H

#include "postgres.h"
#include "nodes/pg_list.h"
#include "rls/rls_trial_context.h"

/* The owner of a row, and the origin of its key. */
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
	CmigRlsLeakLevel most;		/* the worst level, if the expression is true
								 * for the whole group */
	struct CmigRlsTrial *also;	/* the same row with another stranger's
								 * context, for which the expression must be
								 * true as well; NULL: none */
	int			constant;		/* the input that is a key with a constant
								 * value, or -1 */
	int			context;		/* the input that is a part of the context
								 * with a special value, or -1 */
	bool		counts;			/* false if the trial is only needed as
								 * another trial's "also" */
	bool		is_true;
} CmigRlsTrial;

/* A row to try. */
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

/* Does the value, such as 0 or 'none', stand for nobody? */
extern bool cmig_rls_trial_row_is_nobody(const Const *value);

/*
 * Add the trials of one row for one context, with all values of the other
 * columns.  *group is the number of the trials' group, and is incremented.
 */
extern List *cmig_rls_trial_row_add(List *trials, const CmigRlsModel *model, const CmigRlsTrialContext *context, const CmigRlsTrialRow *row, int *group);

#endif							/* CMIG_RLS_TRIAL_ROW_H */
