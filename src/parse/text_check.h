/*
 * text_check.h
 *	  What a script's text alone tells about whether it can run.
 *
 * Pure: needs core's parser, no catalog access.  standard_conforming_strings
 * must be as it will be when the script runs.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_TEXT_CHECK_H
#define CMIG_TEXT_CHECK_H

#include "postgres.h"

/* Why a script cannot run, and what to do. */
typedef struct CmigTextProblem
{
	char	   *problem;		/* a sentence without full stop */
	const char *fix;
} CmigTextProblem;

/*
 * The first statement that does not parse, or that the runner refuses; NULL
 * if there is none.  What follows a statement that sets
 * standard_conforming_strings is not looked at.  what names the script:
 * "upgrade".  off_mode: CONCURRENTLY would be taken off.
 */
extern CmigTextProblem *cmig_text_check(const char *what, const char *sql,
										bool transactional, bool off_mode);

/*
 * Of ascending byte offsets in a script, the index of the first that lies in a
 * statement that does not parse, or -1.
 */
extern int	cmig_text_find_unparsed(const char *sql, const int *offsets, int count);

#endif							/* CMIG_TEXT_CHECK_H */
