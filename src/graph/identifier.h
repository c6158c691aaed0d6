/*
 * identifier.h
 *	  Parses the revision identifiers that users type, and looks them up.
 *
 * A node is identified by its number in the graph; -1 stands for "base", the
 * state before the first revision.  The grammar is Alembic's
 * (doc/reference.md, "Identifiers").  An identifier is interpreted as an exact
 * id if possible, otherwise as an exact label, otherwise as a relative
 * identifier, and otherwise as the beginning of an id or label.  The functions
 * raise errors MG001 to MG004 and 22023.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_IDENTIFIER_H
#define CMIG_IDENTIFIER_H

#include "postgres.h"
#include "nodes/pg_list.h"
#include "base/compat.h"
#include "graph/graph_walk.h"

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
extern List *cmig_identifier_heads(const CmigGraph *graph, const CmigMarks *lineage,
								   bool effective);
extern List *cmig_identifier_bases(const CmigGraph *graph);

/*
 * Returns the nodes to which the edges lead.  If "within" is not NULL, only
 * nodes in that set are returned.
 */
extern List *cmig_identifier_edges(const CmigEdges *edges, const CmigMarks *within);

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

/* Returns a list of nodes for a message: "a", "b", "c" and N more. */
extern char *cmig_identifier_list(const CmigGraph *graph, List *nodes);

/* Raise errors for targets that several commands reject. */
pg_noreturn extern void cmig_identifier_multiple_heads(const CmigGraph *graph, List *heads,
													   const char *argument);
pg_noreturn extern void cmig_identifier_walked_too_far(const CmigIdentifier *id);
pg_noreturn extern void cmig_identifier_not_valid(const CmigIdentifier *id,
												  const char *detail, const char *hint);

#endif							/* CMIG_IDENTIFIER_H */
