/*
 * rls_bound.h
 *	  Limits the queries in a policy's expression so that they can be
 *	  evaluated quickly.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_RLS_BOUND_H
#define CMIG_RLS_BOUND_H

#include "postgres.h"
#include "nodes/parsenodes.h"
#include "nodes/primnodes.h"

/*
 * Make a sub-select with LIMIT ignore its ORDER BY, so that it returns the
 * first of the made-up rows.  This row belongs to a stranger (another tenant),
 * which is the worst case.
 */
extern void cmig_rls_bound_any_row(Query *query);

/*
 * Returns a range table entry that replaces a recursive query and has a LIMIT.
 */
extern RangeTblEntry *cmig_rls_bound_recursion(RangeTblEntry *entry);

/* Make a scalar sub-select return only one row. */
extern void cmig_rls_bound_one_row(SubLink *link);

/*
 * Limit the length of a series by moving its end close to its start.  "call" is
 * the original call of generate_series(), and "made" is the converted call,
 * which is modified in place.  Returns false if the step is not a small
 * constant.
 */
extern bool cmig_rls_bound_series(FuncExpr *call, FuncExpr *made);

#endif							/* CMIG_RLS_BOUND_H */
