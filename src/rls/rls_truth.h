/*
 * rls_truth.h
 *	  Finds policy expressions that have the same result for every row.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_RLS_TRUTH_H
#define CMIG_RLS_TRUTH_H

#include "postgres.h"
#include "nodes/bitmapset.h"
#include "nodes/pg_list.h"

/* How an expression's result depends on the row. */
typedef enum CmigRlsTruth
{
	CMIG_RLS_DEPENDS,			/* the result depends on the row or the
								 * context */
	CMIG_RLS_ALWAYS,
	CMIG_RLS_NEVER				/* the result is false or null */
} CmigRlsTruth;

/*
 * Returns how the expression's result depends on the row.  "keys" contains the
 * attribute numbers of the columns that policies compare with the context.
 *
 * The result is also ALWAYS if the expression is true for every row that has a
 * value in certain columns: columns that are compared with themselves, and
 * keys that are tested for not being null.  If "but_null" is not NULL,
 * *but_null is set to those of these columns that are nullable.  If "tree" is
 * NULL, the result is DEPENDS.
 */
extern CmigRlsTruth cmig_rls_truth(Node *tree, Oid relid, const Bitmapset *keys,
								   Bitmapset **but_null);

#endif							/* CMIG_RLS_TRUTH_H */
