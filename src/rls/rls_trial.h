/*
 * rls_trial.h
 *	  Which rows and contexts a policy's expression is tried for.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_RLS_TRIAL_H
#define CMIG_RLS_TRIAL_H

#include "postgres.h"
#include "nodes/pg_list.h"
#include "rls/rls_trial_context.h"

/* Whose the row is. */
typedef enum CmigRlsRowKind
{
	CMIG_RLS_ROW_STRANGE,
	CMIG_RLS_ROW_SIMILAR,		/* a stranger's, whose key is the own one in
								 * another case or spelling */
	CMIG_RLS_ROW_OWN,			/* before strangers' rows, which count if it
								 * is seen */
	CMIG_RLS_ROW_CONSTANT,		/* its key is a constant that the expression
								 * asks for */
	CMIG_RLS_ROW_DEFAULT,		/* its key is a constant that stands for a
								 * missing context */
	CMIG_RLS_ROW_ORPHAN			/* without a key */
} CmigRlsRowKind;

/* One combination of values, and what the expression is for it. */
typedef struct CmigRlsTrial
{
	List	   *values;			/* of Const, one for each input */
	CmigRlsRowKind row;
	int			whose;			/* the stranger by number */
	int			group;			/* cases that differ in the other columns only */
	bool		unset;			/* a part of the context is missing */
	bool		ordinary;		/* has ordinary values in the other columns */
	CmigRlsLeakLevel level;		/* what it is when it is true */
	CmigRlsLeakLevel most;		/* and at most if all of its group are */
	struct CmigRlsTrial *also;	/* the same row with a stranger's context,
								 * which must see it too; NULL: none */
	int			constant;		/* the key that is a constant, by its input,
								 * or -1 */
	int			context;		/* the input of the context that is special,
								 * or -1 */
	bool		counts;			/* it is not there for another's also */
	bool		is_true;
} CmigRlsTrial;

/*
 * For each context a list of trials.  Those of a group follow each other, and
 * with unknown conditions in the model every three in a row: these are true,
 * false and null in them.
 */
extern List *cmig_rls_trial_make(const CmigRlsModel *model);

#endif							/* CMIG_RLS_TRIAL_H */
