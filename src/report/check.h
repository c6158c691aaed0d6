/*
 * check.h
 *	  What is wrong with the revisions, the version rows, and rights on them.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_CHECK_H
#define CMIG_CHECK_H

#include "postgres.h"
#include "nodes/pg_list.h"
#include "report/view.h"

typedef struct CmigProblem
{
	const char *severity;		/* error, warning, notice */
	const char *object;
	const char *problem;
	const char *fix;
} CmigProblem;

/*
 * A List of CmigProblem *, the graph's first.  with_texts: also read all
 * scripts and look at who has rights.
 */
extern List *cmig_check_problems(const CmigView *view, bool with_texts);

#endif							/* CMIG_CHECK_H */
