/*
 * held_locks.h
 *	  The locks on relations that the current subtransaction has taken.
 *
 * The server's function pg_locks() reads the lock table that all sessions share.
 * This module reads the backend's own table, which also knows which
 * subtransaction took a lock that an earlier one holds too, and which other
 * sessions do not have to wait for.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_HELD_LOCKS_H
#define CMIG_HELD_LOCKS_H

#include "postgres.h"
#include "storage/lockdefs.h"

/*
 * Called for each lock.  of_transaction: it belongs to the whole transaction,
 * like the lock that nextval() takes; it may be older.
 */
typedef void (*CmigHeldLock) (Oid relation, LOCKMODE mode, bool of_transaction, void *arg);

/* The locks on relations of this database. The callback must not lock anything. */
extern void cmig_held_locks_each(CmigHeldLock callback, void *arg);

#endif							/* CMIG_HELD_LOCKS_H */
