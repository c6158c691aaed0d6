/*
 * held_locks.h
 *	  Lists the relation locks that the current subtransaction holds.
 *
 * pg_locks shows the lock table shared by all sessions.  This module reads the
 * backend's local lock table instead.  Reading the local table does not block
 * other sessions, and the local table also shows which subtransactions hold a
 * lock.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_HELD_LOCKS_H
#define CMIG_HELD_LOCKS_H

#include "postgres.h"
#include "storage/lockdefs.h"

/*
 * Callback for each lock.  "of_transaction" is true if the whole transaction
 * holds the lock, as with a lock that nextval() takes.  Such a lock may be
 * older than the subtransaction.
 */
typedef void (*CmigHeldLock) (Oid relation, LOCKMODE mode, bool of_transaction, void *arg);

/*
 * Call the callback for each lock on a relation in this database.  The callback
 * must not take any locks.
 */
extern void cmig_held_locks_each(CmigHeldLock callback, void *arg);

#endif							/* CMIG_HELD_LOCKS_H */
