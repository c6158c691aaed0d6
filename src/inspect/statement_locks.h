/*
 * statement_locks.h
 *	  Which locks a statement takes, by its parse tree.
 *
 * Pure: the tree says which relations are named and in which mode they are
 * locked.  Which other relations are locked with them, such as partitions,
 * indexes, or the other side of a foreign key, only the catalogs know; a lock has
 * marks for that (planned_locks.h follows them).
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_STATEMENT_LOCKS_H
#define CMIG_STATEMENT_LOCKS_H

#include "postgres.h"
#include "inspect/named_lock.h"
#include "nodes/pg_list.h"

/*
 * What a statement does, as a List of CmigLock in the current memory context,
 * which refers to the tree.  Statements that lock no relation give NIL.
 */
extern List *cmig_statement_locks(Node *statement);

/* Can the statement change rows of these tables (UPDATE, DELETE, MERGE)? */
extern bool cmig_statement_changes_rows(const Node *statement);

#endif							/* CMIG_STATEMENT_LOCKS_H */
