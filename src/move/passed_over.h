/*
 * passed_over.h
 *	  Handles the statements of a script that were already run by an earlier
 *	  call.
 *
 * When a call resumes a script, it skips these statements, except for those
 * that only set something in the session, which it runs again.  Temporary
 * objects that the skipped statements created in the session of the earlier
 * call no longer exist, but a later statement may need them.
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
 * The statements of a script that are skipped.  When a script begins, all
 * fields except "context" must be zero.
 */
typedef struct CmigPassedOver
{
	MemoryContext context;		/* memory context of the lists */
	bool		any;			/* has any statement been skipped? */
	int			resumed_at;		/* number of the first statement that was not
								 * skipped, or 0 */
	List	   *temporary;		/* of int: numbers of the skipped statements
								 * that created temporary objects */
	List	   *temporary_names;	/* of char *: names of the objects that
									 * these statements created */
} CmigPassedOver;

/*
 * Record a statement as skipped, or, if it only sets something in the session,
 * run it again and commit it.
 */
extern void cmig_passed_over_add(CmigPassedOver *passed, const CmigStatement *statement,
								 RawStmt *raw);

/*
 * Call this for each statement that is not skipped.  The first one is recorded
 * as the statement at which the current CALL resumes the script.
 */
extern void cmig_passed_over_end(CmigPassedOver *passed, int statement);

/*
 * Returns the hint for an error with this SQLSTATE if the failed statement may
 * need temporary objects from the session of an earlier call.  Otherwise,
 * returns NULL.
 */
extern char *cmig_passed_over_hint(const CmigPassedOver *passed, const CmigRunStep *step,
								   int sqlstate);

#endif							/* CMIG_PASSED_OVER_H */
