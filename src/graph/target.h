/*
 * target.h
 *	  Resolves the targets of upgrade, downgrade, and stamp.
 *
 * The functions raise errors MG001 to MG004.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_TARGET_H
#define CMIG_TARGET_H

#include "postgres.h"
#include "nodes/pg_list.h"
#include "graph/applied.h"

/*
 * Returns the nodes to which an absolute identifier refers, or NIL for base.
 */
extern List *cmig_target_absolute(const CmigGraph *graph, const char *target);

/*
 * Returns the nodes to which the absolute identifiers in "targets" refer.
 * Raises error MG004 if one node is an ancestor of another; if over_depends is
 * true, ancestors over depends_on count, too.
 */
extern List *cmig_target_list(const CmigGraph *graph, const CmigNames *targets,
							  bool over_depends);

/*
 * Returns the nodes to which an upgrade leads.  If there are several targets,
 * all must be absolute.
 */
extern List *cmig_target_upgrade(const CmigGraph *graph, const CmigApplied *applied,
								 const CmigNames *targets);

/* The target of a downgrade. */
typedef struct CmigDowngradeTarget
{
	const char *text;			/* as typed */
	int			node;			/* the revision to keep; -1: base */
	List	   *roots;			/* of int: nodes to revert, together with
								 * their descendants */
	bool		to_base;		/* true if the target is "base", so that
								 * everything is reverted */
} CmigDowngradeTarget;

extern CmigDowngradeTarget *cmig_target_downgrade(const CmigGraph *graph,
												  const CmigApplied *applied,
												  const char *target);

/* The target of a stamp. */
typedef struct CmigStampTarget
{
	List	   *nodes;			/* of int: the nodes to stamp */
	bool		base;			/* is any of the targets base or label@base? */
	CmigMarks  *base_lineage;	/* if "base" is true, the lineage whose rows
								 * are removed, or NULL for all rows */
} CmigStampTarget;

extern CmigStampTarget *cmig_target_stamp(const CmigGraph *graph,
										  const CmigApplied *applied,
										  const CmigNames *targets);

#endif							/* CMIG_TARGET_H */
