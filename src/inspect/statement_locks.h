/*
 * statement_locks.h
 *	  Which locks a statement takes, by its parse tree. Pure: the tree says
 *	  which relations are named and in which mode they are locked. Only the
 *	  catalogs say which other relations are locked with them, such as
 *	  partitions, indexes, and the other side of a foreign key; a lock has
 *	  flags for that, which planned_locks.h evaluates.
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
 * which refers to the tree.  The list is empty if the statement locks no
 * relation.
 */
extern List *cmig_statement_locks(Node *statement);

/* Can the statement change rows of these tables (UPDATE, DELETE, MERGE)? */
extern bool cmig_statement_changes_rows(const Node *statement);

#endif							/* CMIG_STATEMENT_LOCKS_H */
