/*
 * deferred.h
 *	  Fires a script's deferred triggers, and restores constraint modes.
 *
 * A script must not leave deferred trigger events to the caller's transaction,
 * and it must not leave constraint modes that differ from the caller's.  While
 * the script runs, this module records the tables that the script changes and
 * the constraints whose mode it sets.  At the end of the script, the deferred
 * triggers are fired and the modes are restored.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_DEFERRED_H
#define CMIG_DEFERRED_H

#include "postgres.h"
#include "executor/execdesc.h"
#include "nodes/parsenodes.h"
#include "nodes/pg_list.h"

/*
 * The tables that a script has changed, and the constraint modes that it has
 * set.  When the script begins, all fields except "context" must be zero.
 */
typedef struct CmigDeferred
{
	MemoryContext context;		/* memory context of the lists */
	List	   *tables;			/* of Oid: tables that may have deferred
								 * trigger events */
	List	   *constraints;	/* of Oid: constraints whose mode the script
								 * has set by name */
	bool		set_all;		/* has the script used SET CONSTRAINTS ALL? */
	bool		set_some;		/* has the script used SET CONSTRAINTS at all? */
} CmigDeferred;

/*
 * Record the tables that a query has changed.  Call this before the query's
 * executor is shut down.
 */
extern void cmig_deferred_note_query(CmigDeferred *deferred, const QueryDesc *query);

/*
 * Record the tables into which a COPY FROM may have inserted rows.  This is
 * necessary because ExecutorEnd is not called for COPY.
 */
extern void cmig_deferred_note_copy(CmigDeferred *deferred, const CopyStmt *copy);

/*
 * Call this before a SET CONSTRAINTS statement runs.  Records the constraints
 * whose mode the statement sets.  Returns true if this function has already
 * set the modes and the statement must not run.  This is the case for SET
 * CONSTRAINTS ALL IMMEDIATE.  That statement would also affect constraints
 * that later revisions create, where its effect could not be undone; instead,
 * the modes of all existing constraints are set by name.
 */
extern bool cmig_deferred_set_constraints(CmigDeferred *deferred,
										  const ConstraintsSetStmt *set);

/*
 * At the end of a script, fire the triggers that are still deferred, and
 * restore the constraint modes.  SET CONSTRAINTS ALL would also affect
 * constraints that are created later in the transaction, so the modes are set
 * by name.
 */
extern void cmig_deferred_fire(CmigDeferred *deferred);

#endif							/* CMIG_DEFERRED_H */
