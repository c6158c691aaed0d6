/*
 * generate.h
 *	  Generates revisions from differences, as the result of an SQL function
 *	  with the columns revision, file_name, content, and hazards.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_GENERATE_H
#define CMIG_GENERATE_H

#include "postgres.h"
#include "fmgr.h"
#include "load/draft.h"
#include "schema/diff_line.h"

/* A statement that the user must resolve before the file can be loaded. */
typedef struct CmigUnresolved
{
	char	   *place;			/* describes the statement and says where it
								 * is from */
	char	   *sql;
} CmigUnresolved;

/* The revision to generate, and the statements that the user must resolve. */
typedef struct CmigGenerate
{
	CmigDraft	draft;
	List	   *unresolved;		/* list of CmigUnresolved *; only if "store"
								 * is false */
	bool		store;			/* true if the revision is also stored, as by
								 * cmig.load */
} CmigGenerate;

/*
 * Read the arguments revision, head, splice, branch_label, depends_on, and
 * file_template, starting at argument n; argument 0 is the message.
 */
extern void cmig_generate_arguments(FunctionCallInfo fcinfo, int n, CmigGenerate *generate);

/*
 * Check the new revision and fill in its id, edges, and file name.  If the
 * revision is to be stored, first take the run lock; "function" is used in
 * error messages, for example "cmig.autogenerate()".
 */
extern void cmig_generate_prepare(CmigGenerate *generate, const char *function);

/*
 * Put the row for a List of CmigDiffLine * into the caller's materialized
 * result, and store the revision if requested.  WARNINGs list unsupported
 * changes and unresolved statements.
 */
extern void cmig_generate_put(FunctionCallInfo fcinfo, CmigGenerate *generate, const List *lines);

#endif							/* CMIG_GENERATE_H */
