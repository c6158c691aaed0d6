/*
 * waiters.h
 *	  Measures how long other sessions wait for locks on relations.
 *
 * While the watch is on, a timer checks every few milliseconds which processes
 * are waiting for a lock on a relation in this database, and for how long.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_WAITERS_H
#define CMIG_WAITERS_H

#include "postgres.h"
#include "nodes/pg_list.h"

/*
 * cmig_waiters_watch() turns the watch on, and cmig_waiters_unwatch() turns it
 * off.  Turning it off is always safe.
 */
extern void cmig_waiters_watch(void);
extern void cmig_waiters_unwatch(void);

/* Discard the waits seen so far.  Call this when a statement begins. */
extern void cmig_waiters_forget(void);

/*
 * Returns the relations with waits seen since the last call of
 * cmig_waiters_forget(), as a List of OIDs.
 */
extern List *cmig_waiters_relations(void);

/*
 * Returns the longest wait seen for a relation, in microseconds.  Returns 0 if
 * there was none.
 */
extern int64 cmig_waiters_longest(Oid relation);

#endif							/* CMIG_WAITERS_H */
