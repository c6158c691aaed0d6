/*
 * target.h
 *	  What a user typed, resolved to revisions.
 *
 * Pure.  Where upgrade, downgrade, stamp and history go, given what is
 * applied.  Raises MG001 to MG004 and 22023.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_TARGET_H
#define CMIG_TARGET_H

#include "postgres.h"
#include "nodes/pg_list.h"
#include "graph/graph_walk.h"

/*
 * What is applied.  rows are the version rows as found; nodes those of them
 * that the graph knows.
 */
typedef struct CmigApplied
{
	const CmigNames *rows;
	List	   *nodes;			/* of int, in the order of rows */
	List	   *unknown;		/* of char *: rows that name no revision */
	CmigMarks  *applied;		/* rows and their ancestors over dependencies */
} CmigApplied;

extern CmigApplied *cmig_target_applied(const CmigGraph *graph, const CmigNames *rows);

/*
 * Raise MG001 if a row names an unknown revision, MG004 if one row is an
 * ancestor of another, over dependencies too if asked.
 */
extern void cmig_target_require_known_rows(const CmigGraph *graph, const CmigApplied *applied);
extern void cmig_target_require_sound_rows(const CmigGraph *graph, const CmigApplied *applied,
										   bool over_depends);

/* Absolute identifiers: the nodes that they name; base names none. */
extern List *cmig_target_absolute(const CmigGraph *graph, const char *target);

/*
 * Several absolute identifiers; none may be an ancestor of another, over
 * dependencies too if asked.
 */
extern List *cmig_target_list(const CmigGraph *graph, const CmigNames *targets,
							  bool over_depends);

/* The nodes that upgrade is to reach; a list may not hold relative ids. */
extern List *cmig_target_upgrade(const CmigGraph *graph, const CmigApplied *applied,
								 const CmigNames *targets);

/* Where downgrade stops: the roots (whose descendants go), and more. */
typedef struct CmigDowngradeTarget
{
	const char *text;			/* as typed */
	int			node;			/* -1: base */
	List	   *roots;			/* of int: these and their descendants go */
	bool		to_base;		/* "base" was said: everything goes */
} CmigDowngradeTarget;

extern CmigDowngradeTarget *cmig_target_downgrade(const CmigGraph *graph,
												  const CmigApplied *applied,
												  const char *target);

/* Where stamp goes. */
typedef struct CmigStampTarget
{
	List	   *nodes;			/* of int: the destinations */
	bool		base;			/* a base was named: remove ... */
	CmigMarks  *base_lineage;	/* ... rows of this lineage, NULL for all */
} CmigStampTarget;

extern CmigStampTarget *cmig_target_stamp(const CmigGraph *graph,
										  const CmigApplied *applied,
										  const CmigNames *targets);

/*
 * A history range, "from:to" or one identifier; the result marks the
 * revisions of it.  Relative numbers that reach too far are clipped.
 */
extern CmigMarks *cmig_target_range(const CmigGraph *graph, const CmigApplied *applied,
									const char *range);

#endif							/* CMIG_TARGET_H */
