/*
 * view.h
 *	  Reads the state that read-only functions show, and builds their result
 *	  rows.
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

/* The graph, which may have defects, and the revisions that are applied. */
typedef struct CmigView
{
	CmigGraph  *graph;
	CmigApplied *applied;
	CmigMarks  *database;		/* if the current scope is a schema: the
								 * revisions applied in the database;
								 * otherwise NULL */
	bool	   *is_row;			/* by node: does the revision have a version
								 * row? */
} CmigView;

/* Read the graph and the version rows, in the current memory context. */
extern CmigView cmig_view_read(void);

/*
 * Returns the plan of an upgrade to the heads.  The graph must have no
 * defects.
 */
extern CmigPlan *cmig_view_pending(const CmigView *view);

/*
 * Does the range contain all heads?  If so, listings include repeatable
 * revisions.
 */
extern bool cmig_view_has_all_heads(const CmigGraph *graph, const CmigMarks *range);

/*
 * Add a row to the result of a set-returning function, which must already have
 * called InitMaterializedSRF().
 */
extern void cmig_view_put_row(FunctionCallInfo fcinfo, Datum *values, bool *nulls);

/*
 * Functions that return a text[].  cmig_view_list() converts a List of char *.
 * cmig_view_edges() returns the ids of the nodes to which "edges" lead.
 */
extern Datum cmig_view_list(List *names);
extern Datum cmig_view_edges(const CmigGraph *graph, const CmigEdges *edges);

/* Returns all names as a string of the form "a, b". */
extern char *cmig_view_names_text(const CmigNames *names);

#endif							/* CMIG_VIEW_H */
