/*
 * internal.h
 *	  What the modules of src/graph share.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_GRAPH_INTERNAL_H
#define CMIG_GRAPH_INTERNAL_H

#include "postgres.h"

#include "nodes/pg_list.h"

#include "base/compat.h"
#include "graph/graph.h"

/* in graph.c */

/*
 * Record a defect of a revision.  The format and its arguments describe the
 * problem, without a period at the end; "fix" is a sentence that says how to
 * fix it.
 */
extern void cmig_graph_add_defect(CmigGraph *graph, const char *revision, const char *fix,
								  const char *format,...) pg_attribute_printf(4, 5);

/*
 * Returns the nodes whose id or label starts with "prefix" and is longer than
 * 3 characters.  The result is a list of int with one entry for each matching
 * id or label.
 */
extern List *cmig_graph_find_prefix(const CmigGraph *graph, const char *prefix);

/*
 * Returns the ids or labels that are most similar to "name", for "Did you mean
 * ...?": at most 3, quoted, in the order of their revisions.  Returns NULL if
 * none is similar.  Names of the node "except" are left out, because that node
 * contains the mistyped reference; "except" can be -1.
 */
extern char *cmig_graph_suggest(const CmigGraph *graph, const char *name, int except);

/*
 * A head has no children.  An effective head has neither children nor
 * dependents.  A base has no parents.
 */
#define cmig_graph_is_base(graph, node) \
	((graph)->nodes[node].parents.count == 0)

/*
 * Returns a node's lineage: its ancestors, its descendants, and the node
 * itself.
 */
extern CmigMarks *cmig_graph_lineage(const CmigGraph *graph, int node, bool over_depends);

/* in identifier.c */

/* The parts of an identifier, label@symbol+steps.  Missing parts are NULL. */
typedef struct CmigIdentifier
{
	const char *text;			/* as typed */
	char	   *label;
	char	   *symbol;			/* an id or label, the beginning of one, or
								 * head, heads, base, or current */
	bool		relative;		/* does the identifier have steps? */
	int			steps;			/* negative for steps down */
	const char *steps_text;		/* the steps as typed, such as "+2" */
} CmigIdentifier;

/*
 * Parse a target.  Raises error 22023 if the target is NULL, empty, or not an
 * identifier.  "forms" lists the allowed forms of a target for the hint.
 */
extern void cmig_identifier_parse(const CmigGraph *graph, const char *target,
								  const char *forms, CmigIdentifier *id);

/*
 * Returns the node that identifies a branch.  "label" is a label or id, or the
 * beginning of one.
 */
extern int	cmig_identifier_branch(const CmigGraph *graph, const char *label);

/*
 * Returns a branch's lineage: the node that identifies the branch, and its
 * ancestors and descendants over down_revision.  Returns NULL if "label" is
 * NULL.
 */
extern CmigMarks *cmig_identifier_lineage(const CmigGraph *graph, const char *label);

/*
 * The first function returns the heads of a lineage, or of the whole graph if
 * "lineage" is NULL; if "effective" is true, heads that have dependents are
 * left out.  The second function returns the bases of the graph.
 */
extern List *cmig_identifier_bases(const CmigGraph *graph);

/*
 * Returns the nodes to which label@symbol refers, or NIL for base.  "text" is
 * the identifier as typed, for messages.
 */
extern List *cmig_identifier_absolute(const CmigGraph *graph, const char *label,
									  const char *symbol, const char *text);

/*
 * Returns the single node to which label@symbol refers, or -1 for base.
 * Raises error MG003 if it refers to several nodes.
 */
extern int	cmig_identifier_one(const CmigGraph *graph, const char *label,
								const char *symbol, const char *text);

/*
 * Walk a number of steps up or down from the node "start" (-1 for base), and
 * return the node at the end.  A step up from base leads to one of the
 * lineage's bases, and a step down from a node without parents leads to base.
 * If the graph ends before the last step, the walk stops there if "clip" is
 * true, and raises error MG004 otherwise.
 */
extern int	cmig_identifier_walk_up(const CmigGraph *graph, const CmigIdentifier *id,
									int start, int steps,
									const CmigMarks *lineage, bool clip);
extern int	cmig_identifier_walk_down(const CmigGraph *graph, const CmigIdentifier *id,
									  int start, int steps, bool clip);

/* Raise errors for targets that several commands reject. */
pg_noreturn extern void cmig_identifier_multiple_heads(const CmigGraph *graph, List *heads,
													   const char *argument);
pg_noreturn extern void cmig_identifier_walked_too_far(const CmigIdentifier *id);
pg_noreturn extern void cmig_identifier_not_valid(const CmigIdentifier *id,
												  const char *detail, const char *hint);

/*
 * Returns a node in the list that is an ancestor of another node in the list,
 * and sets *above to that other node.  Returns -1 if there is none.  If
 * over_depends is true, ancestors over depends_on count, too.
 */
extern int	cmig_applied_overlap(const CmigGraph *graph, List *nodes, bool over_depends,
								 int *above);

#endif							/* CMIG_GRAPH_INTERNAL_H */
