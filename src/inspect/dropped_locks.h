/*
 * dropped_locks.h
 *	  Finds the objects that a DROP removes and the relations that it locks.
 *
 * This follows pg_depend as DROP does: objects that belong to the dropped
 * object are always dropped, and other dependent objects are dropped with
 * CASCADE. Locked relations are returned as lists of OIDs.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_DROPPED_LOCKS_H
#define CMIG_DROPPED_LOCKS_H

#include "postgres.h"
#include "catalog/objectaddress.h"
#include "nodes/parsenodes.h"
#include "nodes/pg_list.h"

/*
 * Find the object that DROP names. Returns false if the object does not exist
 * or if this module does not handle its type.
 */
extern bool cmig_dropped_locks_find(ObjectType type, Node *name, ObjectAddress *object);

/* Returns the relations that DROP locks when it drops an object. */
extern List *cmig_dropped_locks(const ObjectAddress *object, bool cascade);

/*
 * Return the relations that ALTER TABLE locks when it drops a column or a
 * constraint.
 */
extern List *cmig_dropped_locks_column(Oid table, const char *column, bool cascade);
extern List *cmig_dropped_locks_constraint(Oid table, const char *constraint, bool cascade);

/*
 * Callback that returns true if an object that depends on a dropped one is not
 * dropped after all.
 */
typedef bool (*CmigDroppedSpared) (const ObjectAddress *object, void *arg);

/*
 * Returns the objects that DROP ... CASCADE drops, starting with the object
 * itself, as a List of ObjectAddress *. Objects for which the callback returns
 * true are left out, and so are objects that depend only on them.
 */
extern List *cmig_dropped_objects(const ObjectAddress *object, CmigDroppedSpared spared, void *arg);

#endif							/* CMIG_DROPPED_LOCKS_H */
