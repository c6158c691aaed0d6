/*
 * drift_find.h
 *	  Compares the live schema with what the applied revisions create, in both
 *	  directions.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_DRIFT_FIND_H
#define CMIG_DRIFT_FIND_H

#include "postgres.h"
#include "fmgr.h"
#include "compare/compare.h"
#include "move/move.h"
#include "schema/diff_line.h"
#include "schema/replay.h"
#include "shadow/managed.h"

/*
 * A comparison of the live schema with the schema that the revisions create:
 * its arguments and both images.
 */
typedef struct CmigDrift
{
	CmigManaged *managed;
	const CmigNames *schemas;	/* NULL if all schemas are compared */
	CmigDiffOptions options;
	bool		adopts;			/* true if cmig_drift_adopt() will be called */
	List	   *renames;		/* list of CmigDiffLine: renames and moves */
	CmigImage  *live;
	List	   *audited;		/* list of CmigAudited: the audited live
								 * tables */
	CmigReplayed *replayed;
	List	   *created;		/* list of char *: the extensions that applied
								 * revisions have created */
	const char *left_out;		/* NULL, or the names of other roles' schemas,
								 * for a message */
} CmigDrift;

/*
 * Read the arguments schemas, compare, owners, privileges, comments, renames,
 * and concurrently, starting at argument n.
 */
extern void cmig_drift_arguments(FunctionCallInfo fcinfo, int n, CmigDrift *drift);

/*
 * Read the live image and the image of the schema that the applied revisions
 * create, and issue a NOTICE about schemas that are not compared because they
 * belong to other roles.  "function" is used in error messages, for example
 * "cmig.drift()".  Raises error MG001 if a version row names an unknown
 * revision, and the errors of cmig_replay_run() and cmig_replay_upgrade().
 */
extern void cmig_drift_read(CmigDrift *drift, const CmigSituation *now, const char *function);

/*
 * Both functions return a List of CmigDiffLine *. Call only one of them.
 * cmig_drift_repair() returns the statements that make the live schema match
 * the revisions.  cmig_drift_adopt(), which requires "adopts", returns the
 * statements that make the revisions match the live schema.  Each rename in
 * drift->options gives the object's name before and after these statements.
 */
extern List *cmig_drift_repair(CmigDrift *drift);
extern List *cmig_drift_adopt(CmigDrift *drift);

#endif							/* CMIG_DRIFT_FIND_H */
