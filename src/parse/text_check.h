/*
 * text_check.h
 *	  Whether a script can run, as far as its text alone shows. Pure: uses the
 * server's parser, no catalog access. standard_conforming_strings must be as
 * it will be when the script runs.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_TEXT_CHECK_H
#define CMIG_TEXT_CHECK_H

#include "postgres.h"

/* Why a script cannot run, and what to do about it. */
typedef struct CmigTextProblem
{
	char	   *problem;		/* a sentence without full stop */
	const char *fix;
} CmigTextProblem;

/*
 * The first statement that does not parse or that the runner refuses; NULL if
 * there is none.  Statements after one that sets standard_conforming_strings
 * are not examined.  what names the script, such as "upgrade".  off_mode:
 * cmig.concurrent_ddl is off, so CONCURRENTLY is removed.
 */
extern CmigTextProblem *cmig_text_check(const char *what, const char *sql,
										bool transactional, bool off_mode);

/*
 * Given ascending byte offsets in a script, the index of the first one that is
 * in a statement that does not parse, or -1.
 */
extern int	cmig_text_find_unparsed(const char *sql, const int *offsets, int count);

#endif							/* CMIG_TEXT_CHECK_H */
