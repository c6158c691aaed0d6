/*
 * rls_origin.h
 *	  Finds the table column from which a value in a sub-select comes.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_RLS_ORIGIN_H
#define CMIG_RLS_ORIGIN_H

#include "postgres.h"
#include "access/attnum.h"
#include "nodes/parsenodes.h"

/*
 * Find the table column from which a node's value comes.  "queries" contains
 * the queries around the node, innermost first.  Returns false if the node is
 * not a column.  *entry is set to the table, or to NULL if the column belongs
 * to the row to which the policy is applied.
 */
extern bool cmig_rls_origin(const List *queries, Node *node, RangeTblEntry **entry, AttrNumber *attno);

/*
 * Returns the expression of the query's n-th column, or NULL if there is none;
 * n starts at 1.  The queries around that expression are added to *queries.
 */
extern Node *cmig_rls_origin_output(Query *query, int n, List **queries);

#endif							/* CMIG_RLS_ORIGIN_H */
