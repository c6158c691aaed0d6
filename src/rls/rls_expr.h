/*
 * rls_expr.h
 *	  Finds out what a policy's expression does, from its tree.
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
 * Each name is that of the first object of its kind that was found; NULL if
 * there is none.
 */
typedef struct CmigRlsExpression
{
	CmigRlsTruth truth;
	Bitmapset  *but_null;		/* the expression is always true, except for
								 * rows with null in these columns */
	Bitmapset  *columns;		/* columns of the row that are used, as
								 * attribute numbers; 0 stands for the whole
								 * row */
	Bitmapset  *keys;			/* the ones that are compared with a value
								 * that is the same for all rows */
	char	   *volatile_function;	/* a volatile function that is called for
									 * each row */
	char	   *row_function;	/* a stable function that is called for each
								 * row */
	bool		row_function_has_column;	/* it gets a column, so it cannot
											 * be called just once */
	char	   *in_subselect;	/* the column in x IN (SELECT ...) */
	bool		correlated;		/* a sub-select that depends on the row */
	char	   *cast_of_empty;	/* type to which a setting is cast without
								 * NULLIF */
	char	   *strict_setting; /* setting read without missing_ok */
	bool		reads_setting;
	const char *open_branch;	/* "an OR" and the like, with a branch that
								 * does not use the row */
	bool		open_branch_setting;	/* that branch depends on a setting */
	bool		true_branch;	/* an OR with a branch that is always true */
	const char *true_when_unset;	/* "COALESCE" and the like, which is true
									 * if a setting is null */
	char	   *outer_column;	/* a sub-select returns a column of the row
								 * itself */
	char	   *self_compared;	/* a column is compared with itself */
} CmigRlsExpression;

/* The columns that the tree, which may be NULL, compares with the context. */
extern Bitmapset *cmig_rls_expr_keys(Node *tree);

/*
 * Describe an expression.  If tree is NULL, truth is CMIG_RLS_DEPENDS and
 * nothing else is set.  For keys, see cmig_rls_truth.
 */
extern CmigRlsExpression *cmig_rls_expr_read(Node *tree, Oid relid, const Bitmapset *keys);

/*
 * Does the expression check accept rows that using does not?  Returns true
 * only if that is certain.
 */
extern bool cmig_rls_expr_wider(Node *using, Node *check);

/* Is the node a call of current_setting()? */
extern bool cmig_rls_expr_is_setting(Node *node);

/*
 * Is it a setting, or (SELECT a setting)?  Its value may be '', which many casts
 * do not accept.
 */
extern bool cmig_rls_expr_may_be_empty(Node *node);

#endif							/* CMIG_RLS_EXPR_H */
