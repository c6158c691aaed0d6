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
 * Take a target apart; raises 22023 if it is NULL, empty or no identifier.
 * forms lists what may be given, for the hint.
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
 * Where a number of steps leads.  Up from base is a base of the lineage; down
 * from a base is base, and nothing is below that.  A walk that cannot go on
 * stops there with clip, and otherwise raises MG004.
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
