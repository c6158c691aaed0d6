/*
 * nontransactional.h
 *	  Runs the statements of a nontransactional revision.
 *
 * Each statement runs at top level.  cmig.progress records which statements
 * have run.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_NONTRANSACTIONAL_H
#define CMIG_NONTRANSACTIONAL_H

#include "postgres.h"
#include "nodes/pg_list.h"
#include "run/script_run.h"

/*
 * How to handle a statement in doubt: one that had committed at least part of
 * its work when it was interrupted, so that it is unknown whether it
 * completed.
 */
typedef enum CmigInDoubt
{
	CMIG_IN_DOUBT_STOP,			/* raise error MG012 */
	CMIG_IN_DOUBT_DONE,			/* treat the statement as done */
	CMIG_IN_DOUBT_AGAIN			/* run the statement again */
} CmigInDoubt;

/*
 * Run the statements of a step's script that earlier calls have not run, and
 * commit each one.  On return and after an error, the session's settings,
 * role, temporary objects, prepared statements, and cursors are restored.
 * *in_doubt applies only to the first statement in doubt.  The current memory
 * context must be below PortalContext.
 */
extern void cmig_nontransactional_run(const CmigRunStep *step, CmigInDoubt *in_doubt);

/*
 * Returns the role whose privileges are used to write to pg_cmig's tables.
 * During a run, this is the role that called the run, regardless of the role
 * that the script has set; otherwise it is the current user.
 */
extern Oid	cmig_nontransactional_caller(void);

/*
 * Every pg_cmig procedure calls this function when it has committed part of
 * its work or is about to do so, even if no revision's script has called the
 * procedure.  A procedure that fails before this call has left nothing behind.
 */
extern void cmig_nontransactional_note_own_work(void);

#endif							/* CMIG_NONTRANSACTIONAL_H */
