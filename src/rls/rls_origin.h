/*
 * rls_origin.h
 *	  Which column of a table a value in a sub-select comes from.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_RLS_ORIGIN_H
#define CMIG_RLS_ORIGIN_H

#include "postgres.h"
#include "access/attnum.h"
#include "nodes/parsenodes.h"

/*
 * queries: those around the node, the innermost first.  False if the node is
 * not a column.  *entry is the table, or NULL for a column of the row that the
 * policy is for, which is outside all queries.
 */
extern bool cmig_rls_origin(const List *queries, Node *node, RangeTblEntry **entry, AttrNumber *attno);

/* The n-th column of a query, counted from 1, as its expression; NULL: none. */
extern Node *cmig_rls_origin_output(Query *query, int n, List **queries);

#endif							/* CMIG_RLS_ORIGIN_H */
