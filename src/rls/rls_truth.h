/*
 * rls_truth.h
 *	  Is a policy's expression the same for every row?
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_RLS_TRUTH_H
#define CMIG_RLS_TRUTH_H

#include "postgres.h"
#include "access/attnum.h"
#include "nodes/bitmapset.h"
#include "nodes/pg_list.h"

typedef enum CmigRlsTruth
{
	CMIG_RLS_DEPENDS,			/* on the row or the context */
	CMIG_RLS_ALWAYS,
	CMIG_RLS_NEVER				/* false or null */
} CmigRlsTruth;

/*
 * keys: attribute numbers of the columns that policies compare with the
 * context.  ALWAYS is also what is true for every row that has values in some
 * columns, when these are compared with themselves or are keys asked to be not
 * null; *but_null are those that can be null.  It may be NULL, and so may the
 * tree, which then DEPENDS.
 */
extern CmigRlsTruth cmig_rls_truth(Node *tree, Oid relid, const Bitmapset *keys,
								   Bitmapset **but_null);

/* The number of columns, dropped ones too; 0 if the table is not there. */
extern int	cmig_rls_columns(Oid relid);

/* Is the column, by its number, declared NOT NULL?  No if it is not there. */
extern bool cmig_rls_is_not_null(Oid relid, AttrNumber column);

/* Does the operator mean equality? */
extern bool cmig_rls_is_equality(Oid opno);

/* Without wrappers that change the type's name only. */
extern Node *cmig_rls_strip(Node *node);

/* Without these, casts, and (SELECT ...) around what needs no FROM. */
extern Node *cmig_rls_bare(Node *node);

#endif							/* CMIG_RLS_TRUTH_H */
