/*
 * planned_locks.h
 *	  Determines the locks that statements would take, without running them.
 *
 * In addition to the locks from statement_locks, this module reads the
 * catalogs to find locks on partitions, indexes, tables on the other side of
 * foreign keys, and objects that are dropped together with another object.  It
 * takes no locks on user tables.  Statements must be passed in execution order,
 * because a statement can refer to names that earlier statements have created,
 * dropped, or renamed.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_PLANNED_LOCKS_H
#define CMIG_PLANNED_LOCKS_H

#include "postgres.h"
#include "nodes/parsenodes.h"
#include "nodes/pg_list.h"
#include "storage/lockdefs.h"

/* A lock that a statement would take on a relation. */
typedef struct CmigPlannedLock
{
	Oid			oid;			/* InvalidOid if the relation does not exist */
	LOCKMODE	mode;
	char	   *name;			/* qualified and quoted */
	char		kind;			/* as in pg_class.relkind; 0 if the relation
								 * does not exist */
	int64		size;
	bool		is_new;			/* true if an earlier statement creates the
								 * relation */
	bool		routed;			/* true for a partition that is locked only if
								 * the statement adds rows to the partition */
} CmigPlannedLock;

/* The names changed by the statements that have been read so far. */
typedef struct CmigPlannedLocks CmigPlannedLocks;

/*
 * Start a sequence of statements.  The state lives in the current memory
 * context.
 */
extern CmigPlannedLocks *cmig_planned_locks_start(void);

/*
 * Returns the locks of a statement, one for each relation, as a List of
 * CmigPlannedLock * in the current memory context.  search_path must be the
 * same as when the script runs.  Sets *unknown to a List of char * that names
 * the parts of the statement whose code cannot be analyzed, such as "DO" or
 * "the function public.f".  May raise errors from name lookups.
 */
extern List *cmig_planned_locks_of(CmigPlannedLocks *plan, Node *statement, List **unknown);

/*
 * Forget the temporary relations of a script, which are dropped when the script
 * ends.
 */
extern void cmig_planned_locks_end_script(CmigPlannedLocks *plan);

/* Merge two lists of locks, keeping the strongest lock on each relation. */
extern List *cmig_planned_locks_merge(List *locks, List *more);

/*
 * Returns the locks as a string with one line per lock, strongest lock first.
 * Returns NULL if there are no locks.
 */
extern char *cmig_planned_locks_text(List *locks);

#endif							/* CMIG_PLANNED_LOCKS_H */
