/*
 * check.h
 *	  Finds defects in revisions and version rows, and checks privileges on
 *	  them.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_CHECK_H
#define CMIG_CHECK_H

#include "postgres.h"
#include "nodes/pg_list.h"
#include "report/problem.h"
#include "report/view.h"

/*
 * Returns a List of CmigProblem *, starting with problems in the graph.  If
 * "with_texts" is true, also reads all scripts and checks privileges.
 */
extern List *cmig_check_problems(const CmigView *view, bool with_texts);

#endif							/* CMIG_CHECK_H */
