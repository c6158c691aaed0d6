/*
 * rls_expr.h
 *	  What a policy's expression does, read from its tree.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_RLS_EXPR_H
#define CMIG_RLS_EXPR_H

#include "postgres.h"
#include "nodes/bitmapset.h"
#include "nodes/pg_list.h"
#include "rls/rls_truth.h"

/* The names are of the first of their kind; NULL when there is none. */
typedef struct CmigRlsExpression
{
	CmigRlsTruth truth;
	Bitmapset  *but_null;		/* always true but for rows with null in these */
	Bitmapset  *columns;		/* of the row; attribute numbers, 0 for all of
								 * it */
	Bitmapset  *keys;			/* of them, those compared with what is the
								 * same for all rows */
	char	   *volatile_function;	/* called for each row */
	char	   *row_function;	/* stable, called for each row */
	bool		row_function_has_column;	/* with a column: cannot be called
											 * once */
	char	   *in_subselect;	/* column of x IN (SELECT ...) */
	bool		correlated;		/* a sub-select that depends on the row */
	char	   *cast_of_empty;	/* type that a setting is cast to without
								 * NULLIF */
	char	   *strict_setting; /* setting read without missing_ok */
	bool		reads_setting;
	const char *open_branch;	/* "an OR" and the like, of what does not look
								 * at the row */
	bool		open_branch_setting;	/* and that is a setting */
	bool		true_branch;	/* an OR with a branch that is always true */
	const char *true_when_unset;	/* "COALESCE" and the like, true where a
									 * setting is null */
	char	   *outer_column;	/* a sub-select returns a column of the row
								 * itself */
	char	   *self_compared;	/* a column is compared with itself */
} CmigRlsExpression;

/* Columns that the tree, which may be NULL, compares with the context. */
extern Bitmapset *cmig_rls_expr_keys(Node *tree);

/*
 * tree may be NULL: then truth is CMIG_RLS_DEPENDS and nothing else is set.
 * keys: as for cmig_rls_truth.
 */
extern CmigRlsExpression *cmig_rls_expr_read(Node *tree, Oid relid, const Bitmapset *keys);

/* Does what check admits reach further than using does?  Certain only if so. */
extern bool cmig_rls_expr_wider(Node *using, Node *check);

/*
 * The same expression with settings read once a statement, with missing_ok
 * and NULLIF, and IN (SELECT ...) as = ANY (ARRAY(SELECT ...)); as text.
 */
extern char *cmig_rls_expr_repaired(Node *tree, Oid relid);

/* Is there anything that it would change? */
extern bool cmig_rls_expr_can_repair(Node *tree, Oid relid);

/*
 * An OR without the branches that do not look at the row, as text; NULL if it
 * is not an OR, or if nothing or all would be left.
 */
extern char *cmig_rls_expr_without_branch(Node *tree, Oid relid);

#endif							/* CMIG_RLS_EXPR_H */
