/*
 * text_check.h
 *	  Checks whether a script can run by examining its text alone.
 *
 * This module uses the server's parser, but does not access the catalogs.
 * standard_conforming_strings must have the value that it will have when the
 * script runs.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_TEXT_CHECK_H
#define CMIG_TEXT_CHECK_H

#include "postgres.h"

/* A reason why a script cannot run, and what to do about it. */
typedef struct CmigTextProblem
{
	char	   *problem;		/* a sentence without a period */
	const char *fix;
} CmigTextProblem;

/*
 * Finds the first statement that does not parse or that the runner would
 * reject, and returns the problem with this statement.  Returns NULL if there
 * is none.  If a statement sets standard_conforming_strings, the statements
 * after it are not examined.  "what" is the name of the script, such as
 * "upgrade".  "off_mode" is true if cmig.concurrent_ddl is off, so that
 * CONCURRENTLY will be removed.
 */
extern CmigTextProblem *cmig_text_check(const char *what, const char *sql,
										bool transactional, bool off_mode);

/*
 * Given ascending byte offsets in a script, returns the index of the first
 * offset whose statement does not parse.  Returns -1 if all these statements
 * parse.
 */
extern int	cmig_text_find_unparsed(const char *sql, const int *offsets, int count);

#endif							/* CMIG_TEXT_CHECK_H */
