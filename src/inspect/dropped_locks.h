/*
 * dropped_locks.h
 *	  Finds the objects that a DROP removes, and the relations that it locks.
 *
 * Like DROP, this module follows pg_depend.  Objects that belong to the dropped
 * object are always dropped.  Other dependent objects are dropped only with
 * CASCADE.  Locked relations are returned as lists of OIDs.
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
 * Find the object named in a DROP statement.  Returns false if the object does
 * not exist or if its type is not supported here.
 */
extern bool cmig_dropped_locks_find(ObjectType type, Node *name, ObjectAddress *object);

/* Returns the relations that are locked when an object is dropped. */
extern List *cmig_dropped_locks(const ObjectAddress *object, bool cascade);

/*
 * Return the relations that are locked when ALTER TABLE drops a column or a
 * constraint.
 */
extern List *cmig_dropped_locks_column(Oid table, const char *column, bool cascade);
extern List *cmig_dropped_locks_constraint(Oid table, const char *constraint, bool cascade);

/*
 * Callback that returns true if a dependent object will not be dropped, and
 * must therefore be left out of the result.
 */
typedef bool (*CmigDroppedSpared) (const ObjectAddress *object, void *arg);

/*
 * Returns the objects that are removed if an object is dropped with CASCADE, as
 * a List of ObjectAddress *.  The first element is the object itself.  Objects
 * for which the callback returns true are left out.  Objects that depend only
 * on left-out objects are also left out.
 */
extern List *cmig_dropped_objects(const ObjectAddress *object, CmigDroppedSpared spared, void *arg);

#endif							/* CMIG_DROPPED_LOCKS_H */
