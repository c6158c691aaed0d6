/*
 * check.h
 *	  Defects of revisions and version rows, and privileges on them.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_CHECK_H
#define CMIG_CHECK_H

#include "postgres.h"
#include "nodes/pg_list.h"
#include "report/view.h"

/* A row of the result of cmig.check. */
typedef struct CmigProblem
{
	const char *severity;		/* error, warning, notice */
	const char *object;
	const char *problem;
	const char *fix;
} CmigProblem;

/*
 * A List of CmigProblem *, those of the graph first. with_texts: also read all
 * scripts and check privileges.
 */
extern List *cmig_check_problems(const CmigView *view, bool with_texts);

#endif							/* CMIG_CHECK_H */
