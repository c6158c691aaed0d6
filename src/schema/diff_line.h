/*
 * diff_line.h
 *	  Lists of the rows of a difference.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_DIFF_LINE_H
#define CMIG_DIFF_LINE_H

#include "postgres.h"
#include "fmgr.h"
#include "nodes/pg_list.h"
#include "schema/deparse.h"

/* A row of a difference that no longer refers to an image. */
typedef struct CmigDiffLine
{
	char	   *action;
	char	   *kind;
	char	   *object;
	char	   *upgrade;		/* both are NULL for an unsupported change */
	char	   *downgrade;		/* also NULL if the statement cannot be
								 * reverted */
	char	   *hazard;			/* the hazard, with the size of the table;
								 * NULL: none */
	char	   *general_hazard; /* the hazard for a table of any size; NULL:
								 * none */
	char	   *undo_hazard;	/* like general_hazard, but for downgrade */
	char	   *group;			/* the table or other object that the object
								 * belongs to */
	bool		stepwise;
	bool		again;			/* see CmigDiffRow */
	bool		incidental;
} CmigDiffLine;

/*
 * A CmigDiffCallback that appends the row to a List of CmigDiffLine *; lines
 * is a List **.
 */
extern void cmig_diff_line_add(const CmigDiffRow *row, void *lines);

/*
 * Returns one line for each object that differs.  Left out are further
 * statements for such an object, and statements for objects that are the same
 * on both sides but have to be dropped and created again.
 */
extern List *cmig_diff_line_objects(const List *lines);

/*
 * Returns what happens to the object: "alter" also if it is dropped and
 * created again.
 */
extern const char *cmig_diff_line_action(const CmigDiffLine *line);

/* Append a row for an unsupported change. */
extern void cmig_diff_line_add_unsupported(List **lines, const char *kind,
										   const char *object, const char *reason);

/* Put the lines into the caller's materialized result, as rows of cmig.diff. */
extern void cmig_diff_line_put(FunctionCallInfo fcinfo, const List *lines);

#endif							/* CMIG_DIFF_LINE_H */
