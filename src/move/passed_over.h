/*
 * passed_over.h
 *	  Statements of a script that an earlier call has run.
 *
 * A call that resumes a script does not run them again, unless they only set
 * something in the session.  What they created in the earlier session no
 * longer exists, although a later statement may need it.
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
 * What is known about them; at the start of a script, all fields except for
 * context are zero.
 */
typedef struct CmigPassedOver
{
	MemoryContext context;		/* contains the lists */
	bool		any;			/* there is a statement that was not run again */
	int			resumed_at;		/* the first statement after them, or 0 */
	List	   *temporary;		/* of int: the statements whose effects are
								 * gone */
	List	   *temporary_names;	/* of char *: what these statements
									 * created */
} CmigPassedOver;

/*
 * Pass over a statement.  If it set something in the earlier session, it runs
 * again and is committed.
 */
extern void cmig_passed_over_add(CmigPassedOver *passed, const CmigStatement *statement,
								 RawStmt *raw);

/*
 * To be called for a statement that is not passed over: the call resumes
 * there.
 */
extern void cmig_passed_over_end(CmigPassedOver *passed, int statement);

/*
 * The hint for an error of a statement that may need something that the
 * earlier session had, or NULL.
 */
extern char *cmig_passed_over_hint(const CmigPassedOver *passed, const CmigRunStep *step,
								   int sqlstate);

#endif							/* CMIG_PASSED_OVER_H */
