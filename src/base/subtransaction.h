/*
 * subtransaction.h
 *	  Work whose error is caught, in a subtransaction of its own.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_SUBTRANSACTION_H
#define CMIG_SUBTRANSACTION_H

#include "postgres.h"

/* What is to be tried. */
typedef void (*CmigSubtransactionWork) (void *arg);

/*
 * Do the work; returns NULL if it succeeded.  After an error everything that it
 * did is rolled back, user and settings included, and a copy of the error is
 * returned in the caller's memory context.  The caller decides which errors it
 * understands and must throw the others again with ReThrowError(), a
 * cancellation among them.
 */
extern ErrorData *cmig_subtransaction_try(CmigSubtransactionWork work, void *arg);

/* The same, but the work is rolled back when it succeeds, too. */
extern ErrorData *cmig_subtransaction_rehearse(CmigSubtransactionWork work, void *arg);

/*
 * To be called before a subtransaction starts, which is an error if the last
 * statement has left invalidation messages unprocessed (ALTER DOMAIN ... DROP
 * CONSTRAINT does).
 */
extern void cmig_subtransaction_settle(void);

#endif							/* CMIG_SUBTRANSACTION_H */
