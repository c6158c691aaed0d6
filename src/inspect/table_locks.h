/*
 * table_locks.h
 *	  Determines which locks a statement about a table, view, or sequence takes.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_TABLE_LOCKS_H
#define CMIG_TABLE_LOCKS_H

#include "postgres.h"
#include "inspect/named_lock.h"
#include "nodes/pg_list.h"

/*
 * Add the locks of a statement that creates, alters, truncates, or refreshes a
 * relation.  Returns false for other statements.
 */
extern bool cmig_table_locks(List **locks, Node *statement);

#endif							/* CMIG_TABLE_LOCKS_H */
