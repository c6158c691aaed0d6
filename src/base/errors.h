/*
 * errors.h
 *	  pg_cmig's error codes, class MG.
 *
 * PostgreSQL's error codes are used wherever they fit.  The codes in this file
 * are for conditions that occur only in a migration system;
 * doc/reference/errors.md
 * describes each of them.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_ERRORS_H
#define CMIG_ERRORS_H

#include "utils/errcodes.h"

/* an identifier names no revision */
#define ERRCODE_CMIG_REVISION_NOT_FOUND		MAKE_SQLSTATE('M','G','0','0','1')
/* a partial identifier matches several revisions */
#define ERRCODE_CMIG_AMBIGUOUS_REVISION		MAKE_SQLSTATE('M','G','0','0','2')
/* the call needs a single head, and there are several */
#define ERRCODE_CMIG_MULTIPLE_HEADS			MAKE_SQLSTATE('M','G','0','0','3')
/*
 * the target cannot be reached, overlaps with another target, or is too many
 * steps away
 */
#define ERRCODE_CMIG_INVALID_TARGET			MAKE_SQLSTATE('M','G','0','0','4')
/* cmig.revision has an unknown parent, a cycle, or an invalid id or label */
#define ERRCODE_CMIG_BROKEN_GRAPH			MAKE_SQLSTATE('M','G','0','0','5')
/* a revision that has to be reverted has no downgrade script */
#define ERRCODE_CMIG_IRREVERSIBLE			MAKE_SQLSTATE('M','G','0','0','6')
/* a revision or statement cannot run inside a transaction */
#define ERRCODE_CMIG_NEEDS_STEPWISE			MAKE_SQLSTATE('M','G','0','0','7')
/* the text of an applied revision changed */
#define ERRCODE_CMIG_CHANGED_REVISION		MAKE_SQLSTATE('M','G','0','0','8')
/* verify_sql found the revision's result wrong */
#define ERRCODE_CMIG_VERIFY_FAILED			MAKE_SQLSTATE('M','G','0','0','9')
/* revisions are pending, or the schema differs from the target */
#define ERRCODE_CMIG_NOT_UP_TO_DATE			MAKE_SQLSTATE('M','G','0','1','0')
/* cmig.protect does not allow the operation */
#define ERRCODE_CMIG_PROTECTED				MAKE_SQLSTATE('M','G','0','1','1')
/* a stepwise run cannot know whether a statement took effect */
#define ERRCODE_CMIG_IN_DOUBT				MAKE_SQLSTATE('M','G','0','1','2')
/* a revision file or a script cannot be parsed */
#define ERRCODE_CMIG_BAD_FILE				MAKE_SQLSTATE('M','G','0','1','3')
/* a revision's script cannot be replayed in the shadow */
#define ERRCODE_CMIG_NOT_REPLAYABLE			MAKE_SQLSTATE('M','G','0','1','4')
/* a downgrade does not revert its upgrade */
#define ERRCODE_CMIG_ROUND_TRIP				MAKE_SQLSTATE('M','G','0','1','5')
/* the plan is not the one whose checksum was given */
#define ERRCODE_CMIG_PLAN_CHANGED			MAKE_SQLSTATE('M','G','0','1','6')
/* a revision's precondition is not met */
#define ERRCODE_CMIG_PRECONDITION_FAILED	MAKE_SQLSTATE('M','G','0','1','7')
/* a policy requires a context and none is set */
#define ERRCODE_CMIG_NO_CONTEXT				MAKE_SQLSTATE('M','G','0','2','0')
/* cmig.rls_gate: row-level security has gaps */
#define ERRCODE_CMIG_RLS_GATE				MAKE_SQLSTATE('M','G','0','2','1')
/* cmig.ddl_policy: DDL outside of a run is denied */
#define ERRCODE_CMIG_DDL_DENIED				MAKE_SQLSTATE('M','G','0','2','2')
/* cmig.lint_policy: lint finds errors in an upgrade's scripts */
#define ERRCODE_CMIG_LINT					MAKE_SQLSTATE('M','G','0','2','3')
/* cmig.workload_policy: queries of the application break with an upgrade */
#define ERRCODE_CMIG_WORKLOAD				MAKE_SQLSTATE('M','G','0','2','4')
/* a generated script, which has this as a text: the state is not the expected one */
#define ERRCODE_CMIG_OTHER_STATE			MAKE_SQLSTATE('M','G','0','2','5')

#endif							/* CMIG_ERRORS_H */
