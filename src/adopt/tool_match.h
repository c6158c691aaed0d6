/*
 * tool_match.h
 *	  Finds the revisions that another tool has applied.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_TOOL_MATCH_H
#define CMIG_TOOL_MATCH_H

#include "postgres.h"
#include "adopt/tool_state.h"
#include "graph/graph_walk.h"

/* The stored revisions, and which of them the tool has applied. */
typedef struct CmigToolMatches
{
	const CmigTool *tool;
	CmigGraph  *graph;
	List	   *applied;		/* list of CmigToolApplied *, one for each row
								 * of the table */
	int		   *nodes;			/* for each element of "applied": the matching
								 * node, or -1 */
	CmigMarks  *marks;			/* all applied nodes */
} CmigToolMatches;

/* Match the tool's applied migrations with the stored revisions. */
extern CmigToolMatches *cmig_tool_match(const CmigTool *tool, List *applied);

/*
 * Returns the first node that is not applied but has an applied node above it,
 * and sets *above to that applied node.  Returns -1 if there is no such node.
 */
extern int	cmig_tool_match_gap(const CmigToolMatches *matches, int *above);

/*
 * Returns the ids of the applied nodes on which no other applied node builds.
 */
extern CmigNames *cmig_tool_match_tops(const CmigToolMatches *matches);

#endif							/* CMIG_TOOL_MATCH_H */
