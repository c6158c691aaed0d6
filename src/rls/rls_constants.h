/*
 * rls_constants.h
 *	  Finds the constants that an expression can have as its value.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_RLS_CONSTANTS_H
#define CMIG_RLS_CONSTANTS_H

#include "postgres.h"
#include "nodes/parsenodes.h"

/*
 * Returns the constants in the node as a List of Const: the node itself or, if
 * it is an array, its elements.
 */
extern List *cmig_rls_constants(Node *node);

/*
 * Returns the constants that a query's n-th column can have.  The query can be
 * a VALUES list or a UNION.
 */
extern List *cmig_rls_constants_of_query(Query *query, int n);

#endif							/* CMIG_RLS_CONSTANTS_H */
