/*
 * script_text.h
 *	  A revision's script inside a text for psql, and what surrounds it.
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

/* What holds for all scripts of a text, and what was seen of them. */
typedef struct CmigPsqlScripts
{
	const char *pin;			/* sets the encoding of the text */
	char	   *start_session;	/* settings that the text needs, pin among
								 * them */
	char	   *start_script;	/* settings that scripts start with */
	bool		knows_constraints;	/* no deferrable one existed before */
	CmigPsqlFacts facts;		/* of the scripts so far */
	List	   *calling;		/* of char *: revisions that call cmig
								 * functions */
} CmigPsqlScripts;

/*
 * from_base: nothing was applied before; from_here: the text starts where this
 * database is, so that it can be asked.
 */
extern CmigPsqlScripts *cmig_script_text_open(const char *pin, bool from_base, bool from_here);

/*
 * Append the step's script or its verify_sql, and what puts the session back
 * after it.  more: another follows in the same transaction.  Raises what the
 * runner would find before it starts.
 */
extern void cmig_script_text_append(StringInfo out, CmigPsqlScripts *scripts,
									const CmigRunStep *step, bool verify, bool more);

#endif							/* CMIG_SCRIPT_TEXT_H */
