/*
 * identifier.h
 *	  Identifiers as users type them: taking them apart, looking names up,
 *	  lineages, walks.
 *
 * Pure.  A node is a number of the graph, -1 is base.  The grammar is
 * Alembic's (doc/reference.md, "Identifiers").  An exact id wins over
 * everything, then an exact label, then the relative forms, then a prefix.
 * Raises MG001 to MG004 and 22023.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_IDENTIFIER_H
#define CMIG_IDENTIFIER_H

#include "postgres.h"
#include "nodes/pg_list.h"
#include "base/compat.h"
#include "graph/graph_walk.h"

/* label@symbol+steps, taken apart; absent parts are NULL. */
typedef struct CmigIdentifier
{
	const char *text;			/* as typed */
	char	   *label;
	char	   *symbol;
	bool		relative;
	int			steps;			/* signed */
	const char *steps_text;		/* "+2" */
} CmigIdentifier;

/* forms: what may be said, for the error of a target that is NULL or empty */
extern void cmig_identifier_parse(const CmigGraph *graph, const char *target,
								  const char *forms, CmigIdentifier *id);

/* The revision that stands for a branch: a label, an id, or part of one. */
extern int	cmig_identifier_branch(const CmigGraph *graph, const char *label);

/* Its ancestors and descendants over down_revision; NULL for no label. */
extern CmigMarks *cmig_identifier_lineage(const CmigGraph *graph, const char *label);

/* Heads inside a lineage, or everywhere if that is NULL; bases. */
extern List *cmig_identifier_heads(const CmigGraph *graph, const CmigMarks *lineage,
								   bool effective);
extern List *cmig_identifier_bases(const CmigGraph *graph);

/* The ends of edges, inside a set of nodes if that is not NULL. */
extern List *cmig_identifier_edges(const CmigEdges *edges, const CmigMarks *within);

/* The nodes that label@symbol names; base names none. */
extern List *cmig_identifier_absolute(const CmigGraph *graph, const char *label,
									  const char *symbol, const char *text);

/* The one node that it names. */
extern int	cmig_identifier_one(const CmigGraph *graph, const char *label,
								const char *symbol, const char *text);

/*
 * Walks.  Up from base goes to a base inside the lineage; down from a base
 * goes to base, and from there no further.  With clip the walk stops where it
 * cannot go on.
 */
extern int	cmig_identifier_walk_up(const CmigGraph *graph, const CmigIdentifier *id,
									int start, int steps,
									const CmigMarks *lineage, bool clip);
extern int	cmig_identifier_walk_down(const CmigGraph *graph, const CmigIdentifier *id,
									  int start, int steps, bool clip);

/* "a", "b", "c" and N more */
extern char *cmig_identifier_list(const CmigGraph *graph, List *nodes);

/* Errors that several commands raise. */
pg_noreturn extern void cmig_identifier_multiple_heads(const CmigGraph *graph, List *heads,
													   const char *argument);
pg_noreturn extern void cmig_identifier_walked_too_far(const CmigIdentifier *id);
pg_noreturn extern void cmig_identifier_not_valid(const CmigIdentifier *id,
												  const char *detail, const char *hint);

#endif							/* CMIG_IDENTIFIER_H */
