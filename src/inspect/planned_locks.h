/*
 * planned_locks.h
 *	  The locks that statements would take, found without running them.
 *
 * To the locks of statement_locks, this module adds those on partitions,
 * indexes, the other side of foreign keys, and what a DROP also drops, as the
 * catalogs say. It takes no lock on a user's table. Statements are given in
 * the order in which they would run; what one of them creates, drops, or
 * renames is known to those after it.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_PLANNED_LOCKS_H
#define CMIG_PLANNED_LOCKS_H

#include "postgres.h"
#include "nodes/parsenodes.h"
#include "nodes/pg_list.h"
#include "storage/lockdefs.h"

/* A lock on a relation. */
typedef struct CmigPlannedLock
{
	Oid			oid;			/* InvalidOid unless it exists */
	LOCKMODE	mode;
	char	   *name;			/* qualified and quoted; as written unless it
								 * exists */
	char		kind;			/* as pg_class.relkind; 0 unless it exists */
	int64		size;
	bool		is_new;			/* an earlier statement creates it */
} CmigPlannedLock;

/* What is known about the statements so far. */
typedef struct CmigPlannedLocks CmigPlannedLocks;

/* Lives in the current memory context. */
extern CmigPlannedLocks *cmig_planned_locks_start(void);

/*
 * The locks of a statement, a List of CmigPlannedLock, one for each relation, in
 * the current memory context.  search_path must be that of the script.  *unknown
 * is set to the name of a statement whose code cannot be read, such as "DO", or
 * NULL.  May raise errors of name lookups.
 */
extern List *cmig_planned_locks_of(CmigPlannedLocks *plan, Node *statement, const char **unknown);

/*
 * Add locks to those of other statements, and keep the strongest one for each
 * relation.
 */
extern List *cmig_planned_locks_merge(List *locks, List *more);

/* The locks as text, a line each, the strongest first; NULL if there is none. */
extern char *cmig_planned_locks_text(List *locks);

#endif							/* CMIG_PLANNED_LOCKS_H */
