/*
 * dropped_locks.h
 *	  What is dropped together with an object, and the relations that are
 *	  locked for it.
 *
 * Follows pg_depend as DROP does: what belongs to the object always, what
 * depends on it with CASCADE.  Locks are lists of OIDs.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_DROPPED_LOCKS_H
#define CMIG_DROPPED_LOCKS_H

#include "postgres.h"
#include "catalog/objectaddress.h"
#include "nodes/parsenodes.h"
#include "nodes/pg_list.h"

/* The object that DROP names; false if it is of a kind that locks no relation, or missing. */
extern bool cmig_dropped_locks_find(ObjectType type, Node *name, ObjectAddress *object);

/* What is locked to drop an object. */
extern List *cmig_dropped_locks(const ObjectAddress *object, bool cascade);

/* The same for a column and for a constraint of a table. */
extern List *cmig_dropped_locks_column(Oid table, const char *column, bool cascade);
extern List *cmig_dropped_locks_constraint(Oid table, const char *constraint, bool cascade);

/* Is an object that depends on a dropped one not dropped, for another reason? */
typedef bool (*CmigDroppedSpared) (const ObjectAddress *object, void *arg);

/*
 * What is dropped with CASCADE, beginning with the object itself: a List of
 * ObjectAddress *.  What is spared is left out, and what depends only on that.
 */
extern List *cmig_dropped_objects(const ObjectAddress *object, CmigDroppedSpared spared, void *arg);

#endif							/* CMIG_DROPPED_LOCKS_H */
