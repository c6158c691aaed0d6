/*
 * nontransactional.h
 *	  Runs the statements of a nontransactional revision.
 *
 * Each statement runs at top level. cmig.progress records which statements
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
 * How to handle a statement that is in doubt: one that had committed part of
 * its work before it was interrupted, so that it is unknown how much it has
 * done.
 */
typedef enum CmigInDoubt
{
	CMIG_IN_DOUBT_STOP,			/* raise MG012 */
	CMIG_IN_DOUBT_DONE,			/* treat the statement as done */
	CMIG_IN_DOUBT_AGAIN			/* run the statement again */
} CmigInDoubt;

/*
 * Run the step's remaining statements, and commit each one.  On return and
 * after an error, the session's settings, role, temporary objects, prepared
 * statements, and cursors are restored. *in_doubt applies only to the first
 * statement in doubt.  The current memory context must be below PortalContext.
 */
extern void cmig_nontransactional_run(const CmigRunStep *step, CmigInDoubt *in_doubt);

/*
 * Returns the role whose privileges are used to write to pg_cmig's tables.
 * During a run, this is the role that called the run, regardless of the role
 * that the script has set; otherwise it is the current user.
 */
extern Oid	cmig_nontransactional_caller(void);

/*
 * Call this in a pg_cmig procedure when part of its work has been committed or
 * is about to be committed, whether or not the procedure is run by a step.  A
 * procedure that fails before this call has left nothing behind.
 */
extern void cmig_nontransactional_note_own_work(void);

#endif							/* CMIG_NONTRANSACTIONAL_H */
