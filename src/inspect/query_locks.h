/*
 * query_locks.h
 *	  The relations that a query reads or writes, by its parse tree.
 *
 * Pure; a part of statement_locks.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_QUERY_LOCKS_H
#define CMIG_QUERY_LOCKS_H

#include "inspect/named_lock.h"
#include "nodes/pg_list.h"

/* Add a lock to a list, and return the lock. */
extern CmigLock *cmig_query_locks_add(List **locks, const RangeVar *relation, LOCKMODE mode, int with);

/*
 * Add the relations of a query, or of an expression.  planned: the query runs,
 * which locks what its views read and the tables that inherit too.
 */
extern void cmig_query_locks(List **locks, Node *query, bool planned);

#endif							/* CMIG_QUERY_LOCKS_H */
