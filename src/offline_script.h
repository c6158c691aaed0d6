/*
 * offline_script.h
 *	  A revision's script inside a text for psql, and what surrounds it.
 */
#ifndef CMIG_OFFLINE_SCRIPT_H
#define CMIG_OFFLINE_SCRIPT_H

#include "postgres.h"
#include "lib/stringinfo.h"
#include "nodes/pg_list.h"
#include "psql_text.h"
#include "runner.h"

/* What holds for all scripts of a text, and what was seen of them. */
typedef struct CmigOfflineScripts
{
	const char *pin;			/* sets the encoding of the text */
	char	   *start_session;	/* settings that the text needs, pin among them */
	char	   *start_script;	/* settings that scripts start with */
	bool		knows_constraints;	/* no deferrable one existed before */
	CmigPsqlFacts facts;		/* of the scripts so far */
	List	   *calling;		/* of char *: revisions that call cmig functions */
} CmigOfflineScripts;

/*
 * from_base: nothing was applied before; from_here: the text starts where this
 * database is, so that it can be asked.
 */
extern CmigOfflineScripts *cmig_offline_scripts(const char *pin, bool from_base, bool from_here);

/*
 * Append the step's script or its verify_sql, and what puts the session back
 * after it.  more: another follows in the same transaction.  Raises what the
 * runner would find before it starts.
 */
extern void cmig_offline_append_script(StringInfo out, CmigOfflineScripts *scripts,
									   const CmigRunStep *step, bool verify, bool more);

#endif							/* CMIG_OFFLINE_SCRIPT_H */
