/*
 * problem.c
 *	  A problem that cmig.check reports.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "report/problem.h"

List *
cmig_problem_add(List *problems, const char *severity, const char *object,
				 const char *text, const char *fix)
{
	CmigProblem *problem = palloc(sizeof(CmigProblem));

	problem->severity = severity;
	problem->object = object;
	problem->problem = text;
	problem->fix = fix;
	return lappend(problems, problem);
}
