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

/* The revisions, and which of them the tool has applied. */
typedef struct CmigToolMatches
{
	const CmigTool *tool;
	CmigGraph  *graph;
	List	   *applied;		/* list of CmigToolApplied * */
	int		   *nodes;			/* the node for each row, or -1 */
	CmigMarks  *marks;			/* all applied nodes */
} CmigToolMatches;

/* Compare what the tool has applied with the stored revisions. */
extern CmigToolMatches *cmig_tool_match(const CmigTool *tool, List *applied);

/*
 * Returns the first node that is not applied although one that builds on it
 * is, or -1. Sets *above to the latter.
 */
extern int	cmig_tool_match_gap(const CmigToolMatches *matches, int *above);

/*
 * Returns the ids of the applied nodes that no other applied node builds on.
 */
extern CmigNames *cmig_tool_match_tops(const CmigToolMatches *matches);

#endif							/* CMIG_TOOL_MATCH_H */
