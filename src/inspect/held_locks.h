/*
 * held_locks.h
 *	  The locks on relations that the current subtransaction has taken.
 *
 * The view pg_locks shows the lock table that all sessions share. This module
 * reads the backend's own table, which other sessions need not wait for, and
 * which also says which subtransactions have taken a lock.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_HELD_LOCKS_H
#define CMIG_HELD_LOCKS_H

#include "postgres.h"
#include "storage/lockdefs.h"

/*
 * Called for each lock. of_transaction: the lock belongs to the whole
 * transaction, as the one of nextval() does, and may be older than the
 * subtransaction.
 */
typedef void (*CmigHeldLock) (Oid relation, LOCKMODE mode, bool of_transaction, void *arg);

/* The locks on relations of this database. The callback must not lock anything. */
extern void cmig_held_locks_each(CmigHeldLock callback, void *arg);

#endif							/* CMIG_HELD_LOCKS_H */
