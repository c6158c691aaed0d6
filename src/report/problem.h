/*
 * problem.h
 *	  A problem that cmig.check reports.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_PROBLEM_H
#define CMIG_PROBLEM_H

#include "postgres.h"
#include "nodes/pg_list.h"

/* A result row of cmig.check. */
typedef struct CmigProblem
{
	const char *severity;		/* error, warning, or notice */
	const char *object;
	const char *problem;
	const char *fix;
} CmigProblem;

/*
 * Append a problem to the list, and return the list.  The strings are not
 * copied.
 */
extern List *cmig_problem_add(List *problems, const char *severity, const char *object,
							  const char *text, const char *fix);

#endif							/* CMIG_PROBLEM_H */
