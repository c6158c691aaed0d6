/*
 * view.h
 *	  What read-only functions read, and how they build their rows.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_VIEW_H
#define CMIG_VIEW_H

#include "postgres.h"
#include "fmgr.h"
#include "graph/plan.h"
#include "graph/graph.h"
#include "graph/target.h"
#include "nodes/pg_list.h"

/* The graph, which may have defects, and what is applied. */
typedef struct CmigView
{
	CmigGraph  *graph;
	CmigApplied *applied;
	bool	   *is_row;			/* by node: it has a version row */
} CmigView;

extern CmigView cmig_view_read(void);

/* The plan of an upgrade to the heads; the graph must have no defects. */
extern CmigPlan *cmig_view_pending(const CmigView *view);

/* Does the range contain all heads?  Then listings show repeatable revisions, too. */
extern bool cmig_view_has_all_heads(const CmigGraph *graph, const CmigMarks *range);

/* Add a row to the result of a function that called InitMaterializedSRF. */
extern void cmig_view_put_row(FunctionCallInfo fcinfo, Datum *values, bool *nulls);

/* A List of char *, and the ids of the nodes that edges lead to, as text[]. */
extern Datum cmig_view_list(List *names);
extern Datum cmig_view_edges(const CmigGraph *graph, const CmigEdges *edges);

/* All names: "a, b". */
extern char *cmig_view_names_text(const CmigNames *names);

#endif							/* CMIG_VIEW_H */
