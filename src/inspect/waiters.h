/*
 * waiters.h
 *	  How long other sessions wait for locks on relations.
 *
 * While the watch is on, a timer checks every few milliseconds which processes
 * are waiting for a lock on a relation of this database, and for how long.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_WAITERS_H
#define CMIG_WAITERS_H

#include "postgres.h"
#include "nodes/pg_list.h"

/* Turn the watch on and off.  Turning it off is always safe. */
extern void cmig_waiters_watch(void);
extern void cmig_waiters_unwatch(void);

/* To be called when a statement begins: forget the waits that were seen. */
extern void cmig_waiters_forget(void);

/* The relations for which waits were seen since then: a List of Oid. */
extern List *cmig_waiters_relations(void);

/* The longest wait that was seen for a relation, in microseconds; 0 if none was. */
extern int64 cmig_waiters_longest(Oid relation);

#endif							/* CMIG_WAITERS_H */
