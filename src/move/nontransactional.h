/*
 * nontransactional.h
 *	  Runs the statements of a revision that is not transactional.
 *
 * Each statement runs at top level. cmig.progress records which have run.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_NONTRANSACTIONAL_H
#define CMIG_NONTRANSACTIONAL_H

#include "postgres.h"
#include "nodes/pg_list.h"
#include "run/runner.h"

/* What to do with a statement that is in doubt. */
typedef enum CmigInDoubt
{
	CMIG_IN_DOUBT_STOP,			/* raise MG012 */
	CMIG_IN_DOUBT_DONE,			/* consider it done */
	CMIG_IN_DOUBT_AGAIN			/* run it again */
} CmigInDoubt;

/*
 * Run the step's statements that are not done yet, and commit each of them.
 * On return and after an error, the session's settings, role, temporary
 * objects, prepared statements, and cursors are as they were. *in_doubt
 * applies only to the first statement in doubt.  The current context must be
 * below PortalContext.
 */
extern void cmig_nontransactional_run(const CmigRunStep *step, CmigInDoubt *in_doubt);

/*
 * The role with whose privileges pg_cmig's tables are written: the caller of
 * the run in progress, whatever role its script has set, or else the current
 * user.
 */
extern Oid	cmig_nontransactional_caller(void);

/*
 * To be called by pg_cmig's procedures, whether a step runs them or not, when
 * a part of their work is committed or about to be.  A procedure that fails
 * before that has left nothing behind.
 */
extern void cmig_nontransactional_note_own_work(void);

#endif							/* CMIG_NONTRANSACTIONAL_H */
