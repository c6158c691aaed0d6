/*
 * alter_locks.h
 *	  Adds the locks that ALTER TABLE and similar statements take; used by
 *	  statement_locks.c.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_ALTER_LOCKS_H
#define CMIG_ALTER_LOCKS_H

#include "inspect/named_lock.h"
#include "nodes/pg_list.h"

/*
 * Add the locks of a statement with ALTER TABLE actions: ALTER TABLE, ALTER
 * INDEX, ALTER VIEW, ALTER SEQUENCE, and so on.
 */
extern void cmig_alter_locks(List **locks, const AlterTableStmt *alter);

/*
 * Add locks on the tables referenced by the foreign keys in a list of
 * constraints.
 */
extern void cmig_alter_locks_foreign_keys(List **locks, List *constraints);

/*
 * Add an entry for a statement that changes or drops a trigger, rule, or policy
 * of the relation.  Returns the entry, in which the caller must set the
 * remaining fields.
 */
extern CmigLock *cmig_alter_locks_part(List **locks, ObjectType type, const RangeVar *relation,
									   const char *name, LOCKMODE mode);

#endif							/* CMIG_ALTER_LOCKS_H */
