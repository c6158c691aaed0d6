/*
 * passed_over.h
 *	  Handles the statements of a script that were already run by an earlier
 *	  call.
 *
 * A call that resumes a script does not run these statements again, unless they
 * only set something in the session.  Temporary objects that they created in
 * the earlier session no longer exist, but a later statement may need them.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_PASSED_OVER_H
#define CMIG_PASSED_OVER_H

#include "postgres.h"
#include "nodes/parsenodes.h"
#include "nodes/pg_list.h"
#include "run/script_run.h"

/*
 * What is known about the statements that are skipped.  When a script begins,
 * all fields except context must be zero.
 */
typedef struct CmigPassedOver
{
	MemoryContext context;		/* memory context of the lists */
	bool		any;			/* has any statement been skipped? */
	int			resumed_at;		/* first statement that is not skipped, or 0 */
	List	   *temporary;		/* of int: skipped statements whose effects
								 * are lost */
	List	   *temporary_names;	/* of char *: names of the objects that
									 * these statements created */
} CmigPassedOver;

/*
 * Skip a statement.  A statement that only sets something in the session is run
 * again and committed instead.
 */
extern void cmig_passed_over_add(CmigPassedOver *passed, const CmigStatement *statement,
								 RawStmt *raw);

/*
 * Call this for each statement that is not skipped.  The first one is the one
 * at which the current CALL resumes the script.
 */
extern void cmig_passed_over_end(CmigPassedOver *passed, int statement);

/*
 * Returns the hint for an error in a statement that may need something from the
 * earlier session, or NULL.
 */
extern char *cmig_passed_over_hint(const CmigPassedOver *passed, const CmigRunStep *step,
								   int sqlstate);

#endif							/* CMIG_PASSED_OVER_H */
