/*
 * rls_expr.h
 *	  Finds out what a policy's expression does by examining its tree.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_RLS_EXPR_H
#define CMIG_RLS_EXPR_H

#include "postgres.h"
#include "nodes/bitmapset.h"
#include "nodes/pg_list.h"
#include "rls/rls_truth.h"

/*
 * Properties of an expression.  Each char * member names the first object of
 * its kind, and is NULL if there is none.
 */
typedef struct CmigRlsExpression
{
	CmigRlsTruth truth;
	Bitmapset  *but_null;		/* the expression is always true, except for
								 * rows with null in these columns */
	Bitmapset  *columns;		/* columns of the row that are used, as
								 * attribute numbers; 0 stands for the whole
								 * row */
	Bitmapset  *keys;			/* columns that are compared with a value that
								 * is the same for all rows */
	char	   *volatile_function;	/* a volatile function that is called for
									 * each row */
	char	   *row_function;	/* a stable function that is called for each
								 * row */
	bool		row_function_has_column;	/* do the arguments of
											 * row_function use the row, so
											 * that it cannot be called just
											 * once? */
	char	   *in_subselect;	/* the column before IN (SELECT ...), or
								 * "expression" if there is no column */
	bool		correlated;		/* is there a sub-select that depends on the
								 * row? */
	char	   *cast_of_empty;	/* type to which a setting is cast without
								 * NULLIF */
	char	   *strict_setting; /* setting read without missing_ok */
	bool		reads_setting;
	const char *open_branch;	/* description of an operator with a branch
								 * that does not use the row, such as "an OR" */
	bool		open_branch_setting;	/* does the open branch depend on a
										 * setting? */
	bool		open_branch_untried;	/* might the open branch be true for a
										 * setting's value that rls_trial.c
										 * does not try? */
	bool		true_branch;	/* is there an OR with a branch that is always
								 * true? */
	const char *true_when_unset;	/* description of a part that is true if a
									 * setting is null, such as "COALESCE" */
	char	   *outer_column;	/* column of the policy's row that a
								 * sub-select returns */
	char	   *self_compared;	/* not NULL if a column is compared with
								 * itself */
} CmigRlsExpression;

/*
 * Returns the columns that the tree, which may be NULL, compares with the
 * context.
 */
extern Bitmapset *cmig_rls_expr_keys(Node *tree);

/*
 * Returns the expression's properties.  If "tree" is NULL, the result has the
 * truth CMIG_RLS_DEPENDS and no other properties.  "keys" is as for
 * cmig_rls_truth().
 */
extern CmigRlsExpression *cmig_rls_expr_read(Node *tree, Oid relid, const Bitmapset *keys);

/*
 * Might "check" accept rows that "using" does not accept?  Returns false if
 * "check" is known to imply "using", or if either of them is NULL.
 */
extern bool cmig_rls_expr_wider(Node *using, Node *check);

/* Is the node a call of current_setting()? */
extern bool cmig_rls_expr_is_setting(Node *node);

/*
 * Returns true if the node's value can be '', which many casts do not accept.
 * This is true of a setting, even within a sub-select or COALESCE.
 */
extern bool cmig_rls_expr_may_be_empty(Node *node);

#endif							/* CMIG_RLS_EXPR_H */
