/*
 * picture.h
 *	  Describes a picture of the graph, and declares functions that draw it
 *	  in several formats.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_PICTURE_H
#define CMIG_PICTURE_H

#include "postgres.h"
#include "lib/stringinfo.h"
#include "graph/graph.h"

/* The state of a revision in the database. */
typedef enum CmigPictureState
{
	CMIG_PICTURE_PENDING,
	CMIG_PICTURE_APPLIED,
	CMIG_PICTURE_CURRENT,		/* has a version row */
	CMIG_PICTURE_PARTIAL		/* a stepwise run has begun the revision, but
								 * not finished it */
} CmigPictureState;

/* The revisions to draw, and their states. */
typedef struct CmigPicture
{
	const CmigGraph *graph;
	const int  *order;			/* nodes, with parents before their children */
	int			count;
	bool		repeatables;	/* true to also draw all repeatable revisions,
								 * which have no edges */
	const CmigPictureState *states; /* by node; repeatable revisions are at
									 * the end */
	const CmigNames *unknown;	/* ids in version rows that do not belong to a
								 * stored revision */
} CmigPicture;

/* Callback for each line of a drawing.  The line is freed after the call. */
typedef void (*CmigPictureLine) (const char *line, void *arg);

/* Draw the picture in one of the formats, one line at a time. */
extern void cmig_text_graph_draw(const CmigPicture *picture, CmigPictureLine line, void *arg);
extern void cmig_mermaid_draw(const CmigPicture *picture, CmigPictureLine line, void *arg);
extern void cmig_dot_draw(const CmigPicture *picture, CmigPictureLine line, void *arg);

/*
 * Returns an array of all nodes in the picture.  Parents precede their
 * children, and repeatable revisions come last.
 */
extern int *cmig_picture_nodes(const CmigPicture *picture, int *count);

/*
 * Returns an array that contains, for each node, whether it is in the picture.
 */
extern bool *cmig_picture_members(const CmigPicture *picture);

/* Append text to a line, with control characters replaced by spaces. */
extern void cmig_picture_append_line(StringInfo to, const char *text);

/*
 * Append notes about a revision, such as "billing, depends on 002", with a
 * prefix and a suffix.  Appends nothing if there are no notes.
 */
extern void cmig_picture_append_notes(StringInfo to, const CmigPicture *picture, int node,
									  const char *prefix, const char *suffix);

/*
 * Append a revision's label for a chart: its id, its message, and the notes
 * about it, separated by line breaks.  "append" is called for each of these
 * parts, and must escape the part's text.
 */
extern void cmig_picture_append_label(StringInfo to, const CmigPicture *picture, int node,
									  void (*append) (StringInfo to, const char *text),
									  const char *line_break);

/*
 * Append the day on which a revision was written, with a prefix.  Appends
 * nothing if the day is unknown.
 */
extern void cmig_picture_append_day(StringInfo to, const CmigRevision *revision,
									const char *prefix);

#endif							/* CMIG_PICTURE_H */
