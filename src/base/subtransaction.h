/*
 * subtransaction.h
 *	  Runs work in a subtransaction and catches its error.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_SUBTRANSACTION_H
#define CMIG_SUBTRANSACTION_H

#include "postgres.h"

/* The work to try. */
typedef void (*CmigSubtransactionWork) (void *arg);

/*
 * Do the work; returns NULL if it succeeded.  After an error everything that it
 * did is rolled back, including changes of the current user and of settings,
 * and a copy of the error is returned in the caller's memory context.  The
 * caller decides which errors it understands and must throw the others again
 * with ReThrowError(), including a cancellation.
 */
extern ErrorData *cmig_subtransaction_try(CmigSubtransactionWork work, void *arg);

/* The same, but the work is rolled back even if it succeeds. */
extern ErrorData *cmig_subtransaction_rehearse(CmigSubtransactionWork work, void *arg);

/*
 * To be called before a subtransaction starts, which is an error if the last
 * statement has left invalidation messages unprocessed (ALTER DOMAIN ... DROP
 * CONSTRAINT does).
 */
extern void cmig_subtransaction_settle(void);

#endif							/* CMIG_SUBTRANSACTION_H */
