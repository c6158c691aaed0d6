/*
 * diff_line.h
 *	  Keeps the rows of a difference in a list.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_DIFF_LINE_H
#define CMIG_DIFF_LINE_H

#include "postgres.h"
#include "compare/deparse.h"
#include "nodes/pg_list.h"

/*
 * A line: a row of a difference, copied so that it does not refer to an image.
 */
typedef struct CmigDiffLine
{
	char	   *action;
	char	   *kind;
	char	   *object;
	char	   *upgrade;		/* upgrade and downgrade are NULL for an
								 * unsupported change */
	char	   *downgrade;		/* NULL for an unsupported change, or if the
								 * statement cannot be reverted */
	char	   *hazard;			/* NULL, or the hazard, with the table's size */
	char	   *general_hazard; /* NULL, or the hazard for a table of any size */
	char	   *undo_hazard;	/* like general_hazard, but for downgrade */
	char	   *group;			/* the table (or other object without a
								 * parent) that the object belongs to */
	bool		stepwise;
	bool		again;			/* see CmigDiffRow */
	bool		incidental;
	bool		filtered;
} CmigDiffLine;

/*
 * A CmigDiffCallback that appends a row, as a line, to *lines, a List of
 * CmigDiffLine *. The argument "lines" is a List **.
 */
extern void cmig_diff_line_add(const CmigDiffRow *row, void *lines);

/*
 * Returns a list with only one line for each object that differs.  Further
 * lines for the same object are left out, and so are lines for objects that
 * are the same in both images but must be dropped and re-created.
 */
extern List *cmig_diff_line_objects(const List *lines);

/*
 * Returns the line's action, or "alter" if the object is dropped and
 * re-created.
 */
extern const char *cmig_diff_line_action(const CmigDiffLine *line);

/* Append a line for an unsupported change. */
extern void cmig_diff_line_add_unsupported(List **lines, const char *kind,
										   const char *object, const char *reason);

#endif							/* CMIG_DIFF_LINE_H */
