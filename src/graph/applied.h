/*
 * applied.h
 *	  Determines which revisions are applied according to the version rows.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_APPLIED_H
#define CMIG_APPLIED_H

#include "postgres.h"
#include "nodes/pg_list.h"
#include "graph/graph_walk.h"

/*
 * The version rows, and the revisions that are applied according to them.
 */
typedef struct CmigApplied
{
	const CmigNames *rows;
	List	   *nodes;			/* of int: the nodes of the known rows */
	List	   *unknown;		/* of char *: rows whose revisions are unknown */
	CmigMarks  *applied;		/* the rows' nodes and their ancestors,
								 * including ancestors over depends_on */
} CmigApplied;

extern CmigApplied *cmig_applied_find(const CmigGraph *graph, const CmigNames *rows);

/*
 * Raise an error if the version rows are not valid.  The first function raises
 * error MG001 if a row names an unknown revision.  The second function raises
 * error MG004 if a row is an ancestor of another row; if over_depends is true,
 * ancestors over depends_on count, too.
 */
extern void cmig_applied_require_known(const CmigGraph *graph, const CmigApplied *applied);
extern void cmig_applied_require_sound(const CmigGraph *graph, const CmigApplied *applied,
									   bool over_depends);

/*
 * Returns a node in the list that is an ancestor of another node in the list,
 * and sets *above to that other node.  Returns -1 if there is none.  If
 * over_depends is true, ancestors over depends_on count, too.
 */
extern int	cmig_applied_overlap(const CmigGraph *graph, List *nodes, bool over_depends,
								 int *above);

#endif							/* CMIG_APPLIED_H */
