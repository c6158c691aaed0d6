/*
 * outside.h
 *	  Detects statements and functions whose effects a rollback does not undo.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_RUN_OUTSIDE_H
#define CMIG_RUN_OUTSIDE_H

#include "postgres.h"
#include "nodes/nodes.h"

/*
 * If a utility statement cannot be rolled back, returns a phrase that says why;
 * otherwise, returns NULL.  A cursor that was opened before the subtransaction
 * "since" belongs to the caller, so using or closing it cannot be rolled back.
 */
extern const char *cmig_outside_of_statement(Node *statement, SubTransactionId since);

/*
 * Functions are watched while SQL runs that will be rolled back.  The struct
 * must exist until the watch ends.
 */
typedef struct CmigOutsideWatch
{
	/* Raises an error before a function is called whose effects remain. */
	void		(*refuse) (const char *reason);
	bool		restores_locks; /* are session-level advisory locks allowed? */
	bool		skips_setval;	/* is setval() allowed, because the watch's
								 * owner makes it skip live sequences?  SQL
								 * functions are then not inlined. */
	TransactionId mark;			/* see cmig_outside_mark() */
}			CmigOutsideWatch;

/* Install the hooks. */
extern void cmig_outside_init(void);

/*
 * Start a watch, or end it if "started" is NULL.  Returns the former watch, to
 * which the caller must return.
 */
extern const CmigOutsideWatch *cmig_outside_watch(const CmigOutsideWatch * started);

/* Refuse a statement on behalf of the current watch. */
extern void cmig_outside_raise(const char *reason);

/*
 * Make the procedural languages compile the function separately for the
 * transaction or subtransaction "mark", which must be current and be rolled
 * back.
 */
extern void cmig_outside_mark(Oid function, TransactionId mark);

#endif							/* CMIG_RUN_OUTSIDE_H */
