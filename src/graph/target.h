/*
 * target.h
 *	  What a user typed, resolved to revisions.
 *
 * Pure.  Where upgrade, downgrade and stamp lead, given what is applied.  Raises
 * MG001 to MG004.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_TARGET_H
#define CMIG_TARGET_H

#include "postgres.h"
#include "nodes/pg_list.h"
#include "graph/graph_walk.h"

/*
 * What is applied: the version rows as found, and what follows from them.
 */
typedef struct CmigApplied
{
	const CmigNames *rows;
	List	   *nodes;			/* of int: rows that the graph knows, in order */
	List	   *unknown;		/* of char *: rows that name no revision */
	CmigMarks  *applied;		/* rows and their ancestors, also through
								 * depends_on */
} CmigApplied;

extern CmigApplied *cmig_target_applied(const CmigGraph *graph, const CmigNames *rows);

/*
 * Raise MG001 if a row names an unknown revision; MG004 if one row is an
 * ancestor of another (if over_depends is set, also through depends_on).
 */
extern void cmig_target_require_known_rows(const CmigGraph *graph, const CmigApplied *applied);
extern void cmig_target_require_sound_rows(const CmigGraph *graph, const CmigApplied *applied,
										   bool over_depends);

/* The nodes that an absolute identifier names; base names none. */
extern List *cmig_target_absolute(const CmigGraph *graph, const char *target);

/*
 * The nodes of several absolute identifiers; none may be an ancestor of
 * another (if over_depends is set, also through depends_on).
 */
extern List *cmig_target_list(const CmigGraph *graph, const CmigNames *targets,
							  bool over_depends);

/* The nodes that upgrade must reach; several targets must be absolute. */
extern List *cmig_target_upgrade(const CmigGraph *graph, const CmigApplied *applied,
								 const CmigNames *targets);

/* Where downgrade stops. */
typedef struct CmigDowngradeTarget
{
	const char *text;			/* as typed */
	int			node;			/* -1: base */
	List	   *roots;			/* of int: these and their descendants are
								 * reverted */
	bool		to_base;		/* "base" was given: everything is reverted */
} CmigDowngradeTarget;

extern CmigDowngradeTarget *cmig_target_downgrade(const CmigGraph *graph,
												  const CmigApplied *applied,
												  const char *target);

/* Where stamp goes. */
typedef struct CmigStampTarget
{
	List	   *nodes;			/* of int: the destinations */
	bool		base;			/* a base was named */
	CmigMarks  *base_lineage;	/* the lineage whose rows are then removed;
								 * NULL: all rows */
} CmigStampTarget;

extern CmigStampTarget *cmig_target_stamp(const CmigGraph *graph,
										  const CmigApplied *applied,
										  const CmigNames *targets);

#endif							/* CMIG_TARGET_H */
