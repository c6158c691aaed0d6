/*
 * text_graph.c
 *	  Draws the graph as lines of text, in the style of git log --graph.
 *
 * Lane n is in column 2n.  An edge that turns into another lane is drawn on a
 * separate line below its node:
 *
 * 	@			a merge; one of its edges opens a lane on the right, ...
 * 	|\
 * 	| *			... whose node is drawn here
 * 	* |
 * 	|/			the right lane moves into the left one
 * 	| | | *		an edge crosses lanes 1 and 2 and leads into lane 0
 * 	|_|_|/
 *
 * If such edges lead to several lanes on the same side, each of these lanes
 * except the outermost one is drawn as "." if it begins here, or else as "+".
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/compat.h"
#include "picture/lanes.h"
#include "picture/picture.h"

#include "utils/memutils.h"

/* Begin a line with the lanes that pass the row. */
static void
begin_line(StringInfo line, const CmigLanesRow *row)
{
	resetStringInfo(line);
	for (int i = 0; i < row->count; i++)
	{
		appendStringInfoChar(line, row->passing[i] ? '|' : ' ');
		appendStringInfoChar(line, ' ');
	}
}

/* Remove trailing spaces. */
static void
trim(StringInfo line)
{
	while (line->len > 0 && line->data[line->len - 1] == ' ')
		line->len--;
	line->data[line->len] = '\0';
}

/* Draw a horizontal line that crosses the lanes between "left" and "right". */
static void
draw_span(char *line, int left, int right)
{
	for (int i = 2 * left + 1; i < 2 * right; i++)
	{
		if (line[i] == ' ')
			line[i] = '_';
	}
}

/* Draw the edges that turn from a node to other lanes. */
static void
draw_forks(char *line, const CmigLanesRow *row)
{
	int			left = Min(row->lane, row->forks[0].lane);
	int			right = Max(row->lane, row->forks[row->nforks - 1].lane);

	line[2 * row->lane] = row->straight ? '|' : ' ';
	draw_span(line, left, row->lane);
	draw_span(line, row->lane, right);
	if (left < row->lane)
		line[2 * row->lane - 1] = '/';
	if (right > row->lane)
		line[2 * row->lane + 1] = '\\';
	for (int i = 0; i < row->nforks; i++)
	{
		const CmigLaneFork *fork = &row->forks[i];
		bool		last = fork->lane == left || fork->lane == right;

		if (!fork->opens)
			line[2 * fork->lane] = last ? '|' : '+';
		else if (!last || abs(fork->lane - row->lane) > 1)
			line[2 * fork->lane] = '.';
	}
}

/* Draw the edge from a lane on the right that moves into the node's lane. */
static void
draw_ending(char *line, const CmigLanesRow *row)
{
	line[2 * row->lane] = '|';
	line[2 * row->ending] = ' ';
	draw_span(line, row->lane, row->ending);
	line[2 * row->ending - 1] = '/';
}

/* Append a revision to its node's line. */
static void
append_revision(StringInfo line, const CmigPicture *picture, int node)
{
	const CmigRevision *revision = picture->graph->nodes[node].revision;

	cmig_picture_append_line(line, revision->id);
	cmig_picture_append_day(line, revision, " ");
	cmig_picture_append_notes(line, picture, node, " (", ")");
	if (revision->message && revision->message[0])
	{
		appendStringInfoChar(line, ' ');
		cmig_picture_append_line(line, revision->message);
	}
	trim(line);
}

/*
 * Returns the character that is drawn for a revision.  The character depends on
 * the revision's state.
 */
static char
sign_of(const CmigPicture *picture, int node)
{
	static const char signs[] = {
		[CMIG_PICTURE_PENDING] = 'o',
		[CMIG_PICTURE_APPLIED] = '*',
		[CMIG_PICTURE_CURRENT] = '@',
		[CMIG_PICTURE_PARTIAL] = '%'
	};

	return signs[picture->states[node]];
}

static void
draw_row(const CmigPicture *picture, const CmigLanesRow *row, StringInfo text,
		 CmigPictureLine line, void *arg)
{
	begin_line(text, row);
	text->data[2 * row->lane] = sign_of(picture, row->node);
	trim(text);
	appendStringInfoChar(text, ' ');
	append_revision(text, picture, row->node);
	line(text->data, arg);
	if (row->nforks > 0)
	{
		begin_line(text, row);
		draw_forks(text->data, row);
		trim(text);
		line(text->data, arg);
	}
	if (row->ending >= 0)
	{
		begin_line(text, row);
		draw_ending(text->data, row);
		trim(text);
		line(text->data, arg);
	}
}

/*
 * Draw version rows without a revision, and repeatable revisions.  Neither has
 * edges.  Returns true if there are any.
 */
static bool
draw_single(const CmigPicture *picture, StringInfo text, CmigPictureLine line, void *arg)
{
	const CmigGraph *graph = picture->graph;
	int			extra = picture->repeatables ? graph->repeatable_count : 0;

	for (int i = 0; i < picture->unknown->count; i++)
	{
		resetStringInfo(text);
		appendStringInfoString(text, "@ ");
		cmig_picture_append_line(text, picture->unknown->names[i]);
		appendStringInfoString(text, " (not loaded)");
		line(text->data, arg);
	}
	for (int i = graph->count + extra - 1; i >= graph->count; i--)
	{
		resetStringInfo(text);
		appendStringInfo(text, "%c ", sign_of(picture, i));
		append_revision(text, picture, i);
		line(text->data, arg);
	}
	return picture->unknown->count + extra > 0;
}

void
cmig_text_graph_draw(const CmigPicture *picture, CmigPictureLine line, void *arg)
{
	CmigLanes  *lanes = cmig_lanes_begin(picture->graph, picture->order, picture->count);
	const CmigLanesRow *row;
	StringInfoData text;
	int			ended = -1;		/* lane that ends at the previous row's node,
								 * or -1 */

	initStringInfo(&text);
	if (draw_single(picture, &text, line, arg))
		ended = 0;
	while ((row = cmig_lanes_next(lanes)) != NULL)
	{
		CHECK_FOR_INTERRUPTS();
		if (row->begins && row->lane == ended)
		{
			begin_line(&text, row);
			trim(&text);
			line(text.data, arg);
		}
		draw_row(picture, row, &text, line, arg);
		ended = row->straight || row->nforks > 0 ? -1 : row->lane;
	}
	pfree(text.data);
}
