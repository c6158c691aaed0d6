/*
 * refusal.h
 *	  What a dry run does not try.
 *
 * Some effects survive a rollback or are outside of the database, and some
 * statements would block other sessions for a long time. While the check is
 * on, hooks examine each statement, query, and function call, including those
 * in functions and DO blocks, and raise an error beforehand.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_REFUSAL_H
#define CMIG_REFUSAL_H

#include "postgres.h"

/* Install the hooks. */
extern void cmig_refusal_init(void);

/*
 * Turn the check on; the end of the current subtransaction, or of the
 * transaction, turns it off.  max_table_size is a size in bytes, or -1.
 */
extern void cmig_refusal_watch(int64 max_table_size);

/*
 * Set whether the next statement runs in the transaction although it is meant
 * to run without blocking others. Then tables must be small, unless
 * max_table_size is greater.
 */
extern void cmig_refusal_set_plain(bool plain);

/* Turn it off. */
extern void cmig_refusal_unwatch(void);

/*
 * Why something was not tried since the last call of this function; NULL if
 * nothing was refused.  The text lives in the current memory context.
 */
extern char *cmig_refusal_take(void);

#endif							/* CMIG_REFUSAL_H */
