/*
 * tool_match.h
 *	  Which revisions are those that another tool has applied.
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
	List	   *applied;		/* of CmigToolApplied * */
	int		   *nodes;			/* the node for each row, or -1 */
	CmigMarks  *marks;			/* all applied nodes */
} CmigToolMatches;

/* Compare with the revisions that are stored. */
extern CmigToolMatches *cmig_tool_match(const CmigTool *tool, List *applied);

/* The first node that is not applied although one that builds on it is, or -1. */
extern int	cmig_tool_match_gap(const CmigToolMatches *matches, int *above);

/* The applied nodes on which no other applied one builds, as ids. */
extern CmigNames *cmig_tool_match_tops(const CmigToolMatches *matches);

#endif							/* CMIG_TOOL_MATCH_H */
