/*
 * rls_node.h
 *	  Simple functions about expression nodes and table columns.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_RLS_NODE_H
#define CMIG_RLS_NODE_H

#include "postgres.h"
#include "access/attnum.h"
#include "nodes/nodes.h"

/*
 * Returns the number of the table's columns, including dropped ones, or 0 if
 * the table does not exist.
 */
extern int	cmig_rls_columns(Oid relid);

/* Is the column declared NOT NULL?  Returns false if it does not exist. */
extern bool cmig_rls_is_not_null(Oid relid, AttrNumber column);

/* Returns true if the operator tests for equality. */
extern bool cmig_rls_is_equality(Oid opno);

/* Returns the node inside any conversions that only relabel its type. */
extern Node *cmig_rls_strip(Node *node);

/*
 * Like cmig_rls_strip(), but also removes collations, and sub-selects that
 * have no FROM clause.
 */
extern Node *cmig_rls_unwrap(Node *node);

/*
 * Like cmig_rls_strip(), but also removes casts, and sub-selects that have no
 * FROM clause.
 */
extern Node *cmig_rls_bare(Node *node);

#endif							/* CMIG_RLS_NODE_H */
