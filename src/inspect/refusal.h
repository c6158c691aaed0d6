/*
 * refusal.h
 *	  Refuses statements and function calls that a dry run must not execute.
 *
 * Some effects survive a rollback or reach outside the database, and some
 * statements would block other sessions for a long time.  While the check is
 * on, hooks examine each statement, query, and function call, including those
 * inside functions and DO blocks, and raise an error before a refused one runs.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_REFUSAL_H
#define CMIG_REFUSAL_H

#include "postgres.h"

/* Install the hooks. */
extern void cmig_refusal_init(void);

/*
 * Turn the check on, until the current subtransaction ends or
 * cmig_refusal_unwatch() is called.  "max_table_size" is in bytes; -1 means no
 * limit.
 */
extern void cmig_refusal_watch(int64 max_table_size);

/*
 * Call this before each statement.  "plain" is true if the statement is meant
 * to run without blocking other sessions (with CONCURRENTLY), but may block
 * them because it runs in the dry run's transaction.  In that case, a size
 * limit of 100 MB applies unless max_table_size is set.
 */
extern void cmig_refusal_set_plain(bool plain);

/* Turn off the check that cmig_refusal_watch() turned on. */
extern void cmig_refusal_unwatch(void);

/*
 * Returns the reason for the last refusal since the previous call of this
 * function, or NULL if nothing was refused.  The result is allocated in the
 * current memory context.
 */
extern char *cmig_refusal_take(void);

#endif							/* CMIG_REFUSAL_H */
