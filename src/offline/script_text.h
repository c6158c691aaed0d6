/*
 * script_text.h
 *	  Writes a revision's script as part of a psql script.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_SCRIPT_TEXT_H
#define CMIG_SCRIPT_TEXT_H

#include "postgres.h"
#include "lib/stringinfo.h"
#include "nodes/pg_list.h"
#include "parse/psql_text.h"
#include "run/script_run.h"

/*
 * Data that applies to all revisions' scripts, and facts found in the scripts
 * so far.
 */
typedef struct CmigPsqlScripts
{
	const char *pin;			/* a line that sets the client encoding */
	char	   *start_session;	/* statements at the start of the psql script,
								 * including pin */
	char	   *start_script;	/* statements that run before each revision's
								 * script */
	bool		knows_constraints;	/* true if it is certain that no
									 * deferrable constraint existed when the
									 * psql script started */
	CmigPsqlFacts facts;		/* found in the scripts that have been read so
								 * far */
	List	   *calling;		/* of char *: revisions that call pg_cmig's
								 * functions */
} CmigPsqlScripts;

/*
 * Returns the data shared by all scripts.  "from_base" is true if nothing is
 * applied when the psql script starts.  "from_here" is true if the psql script
 * starts from the state of this database.  In that case, the database can be
 * queried.
 */
extern CmigPsqlScripts *cmig_script_text_open(const char *pin, bool from_base, bool from_here);

/* The parts of a step. */
typedef enum CmigScriptPart
{
	CMIG_SCRIPT_PRECONDITION,
	CMIG_SCRIPT_MAIN,			/* the upgrade or downgrade script */
	CMIG_SCRIPT_VERIFY
} CmigScriptPart;

/*
 * Append a part of the step, followed by statements that restore the session.
 * "more" is true if another script follows in the same transaction.  Raises
 * the errors that the runner would raise before running the script.
 */
extern void cmig_script_text_append(StringInfo out, CmigPsqlScripts *scripts,
									const CmigRunStep *step, CmigScriptPart part, bool more);

#endif							/* CMIG_SCRIPT_TEXT_H */
