/*
 * rls_bound.h
 *	  Limits a policy's queries so that trying them cannot take long.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_RLS_BOUND_H
#define CMIG_RLS_BOUND_H

#include "postgres.h"
#include "nodes/parsenodes.h"
#include "nodes/primnodes.h"

/*
 * Let a sub-select with LIMIT return any of its rows first: the worst case is
 * a stranger's row.
 */
extern void cmig_rls_bound_any_row(Query *query);

/* Replace the range table entry of a recursive query with one that has a LIMIT. */
extern RangeTblEntry *cmig_rls_bound_recursion(RangeTblEntry *entry);

/* Make a scalar sub-select return only one row. */
extern void cmig_rls_bound_one_row(SubLink *link);

/*
 * Move the end of generate_series() close to its start. call is the original
 * call; made is a copy of it, which is modified.  Returns false if the step is
 * not a small constant.
 */
extern bool cmig_rls_bound_series(FuncExpr *call, FuncExpr *made);

#endif							/* CMIG_RLS_BOUND_H */
