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

/* The owner of a row and where the value of its key comes from. */
typedef enum CmigRlsRowKind
{
	CMIG_RLS_ROW_STRANGE,
	CMIG_RLS_ROW_SIMILAR,		/* a stranger's row whose key differs from the
								 * tenant's only in case or spelling */
	CMIG_RLS_ROW_OWN,			/* a row of the tenant; if it is not visible,
								 * the strangers' rows after it do not count */
	CMIG_RLS_ROW_CONSTANT,		/* a row whose key is a constant in the
								 * expression */
	CMIG_RLS_ROW_DEFAULT,		/* a row whose key is the constant that
								 * replaces a missing context */
	CMIG_RLS_ROW_ORPHAN			/* a row whose key is null */
} CmigRlsRowKind;

/* A trial: values for all inputs of the expression, and its result for them. */
typedef struct CmigRlsTrial
{
	List	   *values;			/* of Const, one for each input */
	CmigRlsRowKind row;
	int			whose;			/* number of the row's owner, as for
								 * cmig_rls_sample */
	int			group;			/* number of the trial's group; the trials of
								 * a group differ only in columns that are not
								 * keys */
	bool		unset;			/* is a part of the context missing? */
	bool		ordinary;		/* do the columns that are not keys have
								 * ordinary values? */
	CmigRlsLeakLevel level;		/* severity of the leak if the expression is
								 * true for this trial */
	CmigRlsLeakLevel most;		/* severity of the leak if the expression is
								 * true for all of the group's trials with
								 * ordinary values */
	struct CmigRlsTrial *also;	/* a trial of the same row with another
								 * stranger's context, for which the
								 * expression must be true, too; NULL: none */
	int			constant;		/* index of the input that is a key with a
								 * constant value, or -1 */
	int			context;		/* index of the input that is a part of the
								 * context with a special value, or -1 */
	bool		counts;			/* false if the trial itself is ignored, for
								 * example because it is only the "also" of
								 * another trial */
	bool		is_true;
} CmigRlsTrial;

/* A row of the table for which the expression is tried. */
typedef struct CmigRlsTrialRow
{
	CmigRlsRowKind kind;
	int			whose;			/* number of the row's owner or, for
								 * CMIG_RLS_ROW_DEFAULT, of the default value */
	const char *text;			/* a stranger's key for text columns; NULL:
								 * the sample key of "whose" */
	const char **parts;			/* the values of the keys, indexed by input,
								 * or NULL; a NULL element stands for the
								 * usual value */
	int			input;			/* index of the input that is a key with a
								 * constant value, or -1 */
	Const	   *constant;
} CmigRlsTrialRow;

/* Returns true if the value, such as 0 or 'none', stands for nobody. */
extern bool cmig_rls_trial_row_is_nobody(const Const *value);

/*
 * Add the trials of one row for one context, one for each combination of
 * values in the columns that are not keys.  *group becomes the trials' group
 * number and is then incremented.
 */
extern List *cmig_rls_trial_row_add(List *trials, const CmigRlsModel *model, const CmigRlsTrialContext *context, const CmigRlsTrialRow *row, int *group);

#endif							/* CMIG_RLS_TRIAL_ROW_H */
