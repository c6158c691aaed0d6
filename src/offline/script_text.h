/*
 * script_text.h
 *	  A revision's script within a text for psql, and what surrounds it.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_SCRIPT_TEXT_H
#define CMIG_SCRIPT_TEXT_H

#include "postgres.h"
#include "lib/stringinfo.h"
#include "nodes/pg_list.h"
#include "parse/psql_text.h"
#include "run/runner.h"

/* What applies to all scripts of a text, and what was found in them so far. */
typedef struct CmigPsqlScripts
{
	const char *pin;			/* sets the encoding of the text */
	char	   *start_session;	/* settings that the text needs, including pin */
	char	   *start_script;	/* settings that scripts start with */
	bool		knows_constraints;	/* no deferrable one existed before */
	CmigPsqlFacts facts;		/* found in the scripts so far */
	List	   *calling;		/* of char *: revisions that call functions of
								 * pg_cmig */
} CmigPsqlScripts;

/*
 * from_base: nothing is applied at the start of the text; from_here: the text
 * starts from the state of this database, so the database can be queried.
 */
extern CmigPsqlScripts *cmig_script_text_open(const char *pin, bool from_base, bool from_here);

/* The parts of a revision's step. */
typedef enum CmigScriptPart
{
	CMIG_SCRIPT_PRECONDITION,
	CMIG_SCRIPT_MAIN,			/* the script itself */
	CMIG_SCRIPT_VERIFY
} CmigScriptPart;

/*
 * Append a part of the step, and what restores the session after it. more: another script follows in the same transaction.  Raises the
 * errors that the runner would raise before it starts.
 */
extern void cmig_script_text_append(StringInfo out, CmigPsqlScripts *scripts,
									const CmigRunStep *step, CmigScriptPart part, bool more);

#endif							/* CMIG_SCRIPT_TEXT_H */
