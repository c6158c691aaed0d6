/*
 * identifier.h
 *	  Identifiers as users type them: their parts, the nodes that they name,
 *	  lineages, and walks.
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
	char	   *symbol;			/* an id, a label, a part of one, or head,
								 * heads, base, current */
	bool		relative;		/* it has steps */
	int			steps;			/* signed */
	const char *steps_text;		/* "+2" */
} CmigIdentifier;

/*
 * Parse a target; raises 22023 if it is NULL, empty, or not an identifier.
 * forms lists the possible forms, for the hint.
 */
extern void cmig_identifier_parse(const CmigGraph *graph, const char *target,
								  const char *forms, CmigIdentifier *id);

/* The revision that stands for a branch: a label, an id, or part of one. */
extern int	cmig_identifier_branch(const CmigGraph *graph, const char *label);

/* Its ancestors and descendants over down_revision; NULL for no label. */
extern CmigMarks *cmig_identifier_lineage(const CmigGraph *graph, const char *label);

/*
 * The heads of a lineage, or of the graph if that is NULL; effective ones have
 * no dependents, either.  The bases of the graph.
 */
extern List *cmig_identifier_heads(const CmigGraph *graph, const CmigMarks *lineage,
								   bool effective);
extern List *cmig_identifier_bases(const CmigGraph *graph);

/* The nodes that edges lead to, only those in within unless that is NULL. */
extern List *cmig_identifier_edges(const CmigEdges *edges, const CmigMarks *within);

/* The nodes that label@symbol names, text as typed; base names none. */
extern List *cmig_identifier_absolute(const CmigGraph *graph, const char *label,
									  const char *symbol, const char *text);

/* The one node that it names, -1 for base; raises MG003 for several. */
extern int	cmig_identifier_one(const CmigGraph *graph, const char *label,
								const char *symbol, const char *text);

/*
 * The node to which a number of steps leads. A step up from base leads to a
 * base of the lineage; a step down from a base leads to base, and nothing is
 * below that. If a walk cannot continue, it stops there if clip is set, and
 * otherwise raises MG004.
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
