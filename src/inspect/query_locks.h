/*
 * query_locks.h
 *	  Finds, based on a query's parse tree, the relations that the query reads
 *	  or writes; used by table_locks.c and statement_locks.c.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_QUERY_LOCKS_H
#define CMIG_QUERY_LOCKS_H

#include "inspect/named_lock.h"
#include "nodes/pg_list.h"

/*
 * Add a lock to a list, and return the new entry.  "with" is a bit mask of
 * CMIG_LOCK_CHILDREN and so on (see named_lock.h).
 */
extern CmigLock *cmig_query_locks_add(List **locks, const RangeVar *relation, LOCKMODE mode, int with);

/* Add a lock on a relation.  Does nothing if the relation is NULL. */
extern void cmig_query_locks_add_named(List **locks, const RangeVar *relation, LOCKMODE mode, int with);

/* Add an entry for a relation that the statement creates. */
extern void cmig_query_locks_add_created(List **locks, const RangeVar *relation);

/*
 * Convert a list of String nodes to a RangeVar.  Returns NULL if the list
 * cannot be a relation name.
 */
extern RangeVar *cmig_query_locks_relation(List *name);

/*
 * Returns the relation to which an object such as a trigger or column belongs.
 * Returns NULL if the object's name does not contain a relation name.
 */
extern RangeVar *cmig_query_locks_owner(Node *object);

/*
 * Add the relations used in a query or an expression.  "planned" is true if the
 * query will be planned and run.  In that case, child tables and the relations
 * that views read are also locked.
 */
extern void cmig_query_locks(List **locks, Node *query, bool planned);

#endif							/* CMIG_QUERY_LOCKS_H */
