/*
 * statement_locks.h
 *	  Determines which locks a statement takes, according to its parse tree.
 *
 * The parse tree shows which relations are named and how they are locked.  The
 * catalogs are not read, so the result has only flags for locks on other
 * relations, such as partitions, indexes, and tables on the other side of
 * foreign keys.  planned_locks.c evaluates these flags.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_STATEMENT_LOCKS_H
#define CMIG_STATEMENT_LOCKS_H

#include "postgres.h"
#include "inspect/named_lock.h"
#include "nodes/pg_list.h"

/*
 * Returns a statement's locks and other actions as a List of CmigLock * in the
 * current memory context.  The entries point into the parse tree.  The list is
 * empty if the statement locks no relation.
 */
extern List *cmig_statement_locks(Node *statement);

/* Is the statement an UPDATE, DELETE, or MERGE? */
extern bool cmig_statement_changes_rows(const Node *statement);

#endif							/* CMIG_STATEMENT_LOCKS_H */
