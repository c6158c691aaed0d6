/*
 * passed_over.h
 *	  Handles the statements of a script that an earlier call has already run.
 *
 * A call that resumes a script does not run them again, unless they only set
 * something in the session. Temporary objects that they created in the earlier
 * session no longer exist, but a later statement may need them.
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
 * What is known about these statements. At the start of a script, all fields
 * except context are zero.
 */
typedef struct CmigPassedOver
{
	MemoryContext context;		/* memory context of the lists */
	bool		any;			/* has any statement been skipped? */
	int			resumed_at;		/* first statement after them, or 0 */
	List	   *temporary;		/* of int: statements with lost effects */
	List	   *temporary_names;	/* of char *: names of what they created */
} CmigPassedOver;

/*
 * Skip a statement. If it only sets something in the session, it is run again
 * and committed instead.
 */
extern void cmig_passed_over_add(CmigPassedOver *passed, const CmigStatement *statement,
								 RawStmt *raw);

/*
 * Call this for a statement that is not skipped. The first one is where this
 * call resumes.
 */
extern void cmig_passed_over_end(CmigPassedOver *passed, int statement);

/*
 * Returns the hint for an error of a statement that may need something from the
 * earlier session, or NULL.
 */
extern char *cmig_passed_over_hint(const CmigPassedOver *passed, const CmigRunStep *step,
								   int sqlstate);

#endif							/* CMIG_PASSED_OVER_H */
