/*
 * internal.h
 *	  What the modules of src/report share.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_REPORT_INTERNAL_H
#define CMIG_REPORT_INTERNAL_H

#include "postgres.h"

#include "catalog/pg_type.h"
#include "commands/dbcommands.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "plan/plan.h"
#include "scope/scope.h"
#include "store/store.h"
#include "versions/versions.h"

/* in picture.c */

/* An edge that turns into another lane below its node. */
typedef struct CmigLaneFork
{
	int			lane;
	bool		opens;			/* does the target lane begin here? */
} CmigLaneFork;

/* A row of the drawing, which contains one node. */
typedef struct CmigLanesRow
{
	int			node;
	int			lane;
	bool		begins;			/* true if no lane leads to the node */
	bool		straight;		/* does the lane continue to a parent? */
	int			nforks;
	CmigLaneFork *forks;		/* edges to other parents, from left to right */
	int			ending;			/* lane on the right that moves in, or -1 */
	int			count;			/* number of lanes in use before or after this
								 * row, including gaps: the number of the last
								 * lane plus 1 */
	const bool *passing;		/* by lane: does it pass row and forks? */
} CmigLanesRow;

typedef struct CmigLanes CmigLanes;

/*
 * Start a drawing.  "order" lists the nodes in the order of
 * cmig_graph_order(), with parents before their children.
 */
extern CmigLanes *cmig_lanes_begin(const CmigGraph *graph, const int *order, int count);

/*
 * Returns the next row, from top to bottom; returns NULL after the last row.
 * The result is valid until the next call.
 */
extern const CmigLanesRow *cmig_lanes_next(CmigLanes *lanes);

/* The state of a revision in the database. */
typedef enum CmigPictureState
{
	CMIG_PICTURE_PENDING,
	CMIG_PICTURE_APPLIED,
	CMIG_PICTURE_CURRENT,		/* has a version row */
	CMIG_PICTURE_PARTIAL,		/* begun by a stepwise run, not finished */
	CMIG_PICTURE_EXPANDED
} CmigPictureState;

/* The revisions to draw, and their states. */
typedef struct CmigPicture
{
	const CmigGraph *graph;
	const int  *order;			/* nodes, with parents before their children */
	int			count;
	bool		repeatables;	/* draw these, too; they have no edges */
	const CmigPictureState *states; /* by node; repeatable revisions last */
	const CmigNames *unknown;	/* version rows without a revision */
	/* called with "arg" for each line, which is freed after the call */
	void		(*line) (const char *line, void *arg);
	void	   *arg;
} CmigPicture;

/*
 * Draw the picture as text, mermaid, or dot, one line at a time.  Returns false
 * if the format is another one.
 */
extern bool cmig_picture_draw(const CmigPicture *picture, const char *format);

/*
 * Returns notes about a revision, such as "billing, depends on 002", and the day
 * on which it was written; "" if there are none, or if the day is unknown.
 */
extern char *cmig_picture_notes(const CmigPicture *picture, int node);
extern char *cmig_picture_day(const CmigRevision *revision);

/*
 * Append at most the first "most" bytes of a string from the database, for use
 * between tags or in a double-quoted attribute.  The escaped text cannot end
 * the element or the attribute.  Control characters, invisible characters, and
 * characters that change the text direction are replaced by U+FFFD.  Returns
 * true if the whole string was appended.
 */
extern bool cmig_markup_append(StringInfo to, const char *text, Size most);
extern void cmig_markup_text(StringInfo to, const char *text);

#define CMIG_SVG_LANE 14		/* width of a lane, in pixels */
#define CMIG_SVG_COLORS 8		/* CSS classes l0, l1, ... of the page */

/*
 * Append the image of a row, which is NULL for a node without edges, and an
 * image of the lanes that continue below it, which can be stretched to any
 * height.  "width" is the number of lanes in the whole drawing.
 */
extern void cmig_svg_row(StringInfo to, const CmigLanesRow *row, int width, CmigPictureState state);
extern void cmig_svg_below(StringInfo to, const CmigLanesRow *row, int width);

/* in history.c */

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
 * Returns, for each node, whether a revision of its tree is applied in a scope
 * and none in the database, to which the tree then does not belong.  Returns
 * NULL if there is no such tree, in a scope, if the graph has defects, and if
 * the caller cannot read the version rows of scopes.
 */
extern const bool *cmig_view_elsewhere(const CmigView *view);

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

/* Convert a List of char *. */
extern CmigNames *cmig_view_names(const List *list);

/* in check.c */

/* A result row of cmig.check. */
typedef struct CmigProblem
{
	const char *severity;		/* error, warning, or notice */
	const char *object;
	const char *problem;
	const char *fix;
} CmigProblem;

/*
 * Returns the privileges on the schemas cmig and cmig_audit that no access
 * level includes, as a List of CmigProblem *.  Warnings come first; problems of
 * the same severity are sorted by object.
 */
extern List *cmig_access_findings(void);

/*
 * Returns the number of heads if there are several that should be merged,
 * because not each of them has a branch label of its own; otherwise returns 0.
 */
extern int	cmig_check_unmerged_heads(const CmigGraph *graph);

/*
 * Returns a List of CmigProblem *, starting with problems in the graph.  If
 * "with_texts" is true, also reads all scripts and checks privileges.
 */
extern List *cmig_check_problems(const CmigView *view, bool with_texts, bool rehearse);

#endif							/* CMIG_REPORT_INTERNAL_H */
