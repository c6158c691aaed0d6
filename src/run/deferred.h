/*
 * deferred.h
 *	  Handles a script's deferred constraints and constraint modes.
 *
 * A script must not leave deferred trigger events to the caller's transaction,
 * and it must not leave constraint modes that differ from the caller's.  While
 * the script runs, this module records the tables that the script changes and
 * the constraints whose mode it sets.  At the script's end, the deferred
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
 * What has been recorded about a script.  When the script begins, all fields
 * except context must be zero.
 */
typedef struct CmigDeferred
{
	MemoryContext context;		/* memory context of the lists */
	List	   *tables;			/* of Oid: tables that may have deferred
								 * events */
	List	   *constraints;	/* of Oid: constraints whose mode was set by
								 * name */
	bool		set_all;		/* has the script used SET CONSTRAINTS ALL? */
	bool		set_some;		/* has the script used SET CONSTRAINTS at all? */
} CmigDeferred;

/*
 * Record the tables that a query has changed.  Call this before the query's
 * executor is shut down.
 */
extern void cmig_deferred_note_query(CmigDeferred *deferred, const QueryDesc *query);

/*
 * Record the tables that a COPY FROM may have changed.  This is necessary
 * because ExecutorEnd is not called for COPY.
 */
extern void cmig_deferred_note_copy(CmigDeferred *deferred, const CopyStmt *copy);

/*
 * Record a SET CONSTRAINTS statement before it runs.  Returns true if the
 * statement has been handled and must not run.  This is the case for SET
 * CONSTRAINTS ALL IMMEDIATE: its effect could not be undone for constraints
 * that later revisions create, so the existing constraints are set by name
 * instead.
 */
extern bool cmig_deferred_set_constraints(CmigDeferred *deferred,
										  const ConstraintsSetStmt *set);

/*
 * Fire the triggers that the script left deferred, and restore the constraint
 * modes.  The modes are set by name, only for constraints of tables with
 * pending events, because SET CONSTRAINTS ALL would also affect constraints
 * created later in the transaction.
 */
extern void cmig_deferred_fire(CmigDeferred *deferred);

#endif							/* CMIG_DEFERRED_H */
