/*
 * nontransactional.h
 *	  Carries out the statements of a revision that is not transactional, each
 *	  at top level, and notes in cmig.progress what was done.
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
	CMIG_IN_DOUBT_DONE,			/* take it as done */
	CMIG_IN_DOUBT_AGAIN			/* run it once more */
} CmigInDoubt;

/*
 * Run the step's statements that are not done yet, and commit each.  On
 * return and on error the session's settings, role, temporary objects,
 * prepared statements and cursors are as they were.  *in_doubt holds for the
 * first statement only that is in doubt.  The current context must live below
 * PortalContext.
 */
extern void cmig_nontransactional_run(const CmigRunStep *step, CmigInDoubt *in_doubt);

/*
 * The role with whose rights own tables are written: who called the run that
 * is under way, whatever role its script has set, or else the current user.
 */
extern Oid	cmig_nontransactional_caller(void);

/*
 * For cmig's own procedures, whether a step runs them or not: a part of their
 * work is committed, or is about to be.  One that fails before is as if it
 * had not begun.
 */
extern void cmig_nontransactional_note_own_work(void);

#endif							/* CMIG_NONTRANSACTIONAL_H */
