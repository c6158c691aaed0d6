/*
 * subtransaction.h
 *	  Runs work in a subtransaction and catches its error.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_SUBTRANSACTION_H
#define CMIG_SUBTRANSACTION_H

#include "postgres.h"

/* A function that does the work of a subtransaction. */
typedef void (*CmigSubtransactionWork) (void *arg);

/*
 * Do the work, and return NULL if it succeeds.  If the work fails, everything
 * that it did is rolled back, including changes to the current user and to
 * settings.  In that case, a copy of the error is returned, allocated in the
 * caller's memory context.  The caller must rethrow every error that it does
 * not handle, including query cancellation, with ReThrowError().
 */
extern ErrorData *cmig_subtransaction_try(CmigSubtransactionWork work, void *arg);

/* Like cmig_subtransaction_try(), but always rolls the work back. */
extern ErrorData *cmig_subtransaction_rehearse(CmigSubtransactionWork work, void *arg);

/*
 * Returns true if the error must not be handled by any caller, because the work
 * did not cause it: a cancellation, lack of resources, a serialization failure
 * or deadlock, or an internal error of the server.
 */
extern bool cmig_subtransaction_must_rethrow(const ErrorData *error);

/*
 * Call this before starting a subtransaction.  Starting one raises an error if
 * the last statement left invalidation messages unprocessed, as ALTER DOMAIN
 * ... DROP CONSTRAINT does.
 */
extern void cmig_subtransaction_settle(void);

#endif							/* CMIG_SUBTRANSACTION_H */
