/*
 * alter_locks.h
 *	  The locks of ALTER TABLE and similar statements; a part of
 *	  statement_locks. Pure.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_ALTER_LOCKS_H
#define CMIG_ALTER_LOCKS_H

#include "inspect/named_lock.h"
#include "nodes/pg_list.h"

/* Add the locks of ALTER TABLE, ALTER INDEX, ALTER VIEW, ALTER SEQUENCE ... with actions. */
extern void cmig_alter_locks(List **locks, const AlterTableStmt *alter);

/* Add the tables to which foreign keys among constraints refer. */
extern void cmig_alter_locks_foreign_keys(List **locks, List *constraints);

#endif							/* CMIG_ALTER_LOCKS_H */
