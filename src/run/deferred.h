/*
 * deferred.h
 *	  The deferred constraints of a script, and the modes that it sets.
 *
 * A script must not leave deferred events to the caller's transaction, nor
 * constraint modes that differ from what the caller had.  While it runs, the
 * tables that it changes and the constraints whose mode it sets are noted; at
 * its end the events fire and the modes are restored.
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
 * What was noted about a script so far; at its start, all fields except for
 * context are zero.
 */
typedef struct CmigDeferred
{
	MemoryContext context;		/* contains the lists */
	List	   *tables;			/* of Oid: may have deferred events */
	List	   *constraints;	/* of Oid: the script set their mode by name */
	bool		set_all;		/* it set the mode of all constraints */
	bool		set_some;		/* it set the mode of any constraint */
} CmigDeferred;

/* Note the tables that a query has changed, before its executor ends. */
extern void cmig_deferred_note_query(CmigDeferred *deferred, const QueryDesc *query);

/* The same for COPY FROM, which has an executor state of its own. */
extern void cmig_deferred_note_copy(CmigDeferred *deferred, const CopyStmt *copy);

/*
 * Note a SET CONSTRAINTS before it runs.  Returns true if nothing remains to be
 * run: ALL IMMEDIATE is done here, by name and for the constraints that exist,
 * since it could not be undone for constraints that later revisions create.
 */
extern bool cmig_deferred_set_constraints(CmigDeferred *deferred,
										  const ConstraintsSetStmt *set);

/*
 * Fire the triggers that the script left deferred, and restore the modes.
 * Only constraints of tables that have events are set, by name: SET
 * CONSTRAINTS ALL would also apply to constraints created later in the
 * transaction.
 */
extern void cmig_deferred_fire(CmigDeferred *deferred);

#endif							/* CMIG_DEFERRED_H */
