/*
 * rls_bound.h
 *	  Bounds for the queries of a policy, so that trying them cannot take long.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_RLS_BOUND_H
#define CMIG_RLS_BOUND_H

#include "postgres.h"
#include "nodes/parsenodes.h"
#include "nodes/primnodes.h"

/*
 * Of the rows that a sub-select with a LIMIT can return, which one comes first
 * is not known: it is a stranger's if one of them is there.
 */
extern void cmig_rls_bound_any_row(Query *query);

/* A recursive query's entry as one with a LIMIT. */
extern RangeTblEntry *cmig_rls_bound_recursion(RangeTblEntry *entry);

/* A sub-select that is a value returns one row. */
extern void cmig_rls_bound_one_row(SubLink *link);

/*
 * Brings the end of generate_series() near its start; made is the call to
 * change.  False if the step of the call is not a small constant.
 */
extern bool cmig_rls_bound_series(FuncExpr *call, FuncExpr *made);

#endif							/* CMIG_RLS_BOUND_H */
