/*
 * picture.c
 *	  Drawings of the graph.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "utils/datetime.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "base/base.h"
#include "graph/graph.h"
#include "report/internal.h"

/* ----------------------------------------------------------------
 * Determines the positions of nodes and edges in a drawing of the graph.
 *
 * A drawing has a row for each node, with children above their parents.  Its
 * columns are called lanes.  A lane is in use from a node's first child down to
 * the node.  At most one lane leads to each node, so there are never more lanes
 * than nodes with children.  Edges represent down_revision.
 *
 * A node's lane continues to the node's
 * first parent to which no lane leads yet.  For each other parent without a
 * lane, a new lane begins as near to the node as possible.  If all parents
 * already have a lane, the node's lane ends: it turns into a parent's lane on
 * its left, or a parent's lane on its right moves into it.
 * ----------------------------------------------------------------
 */

/* A drawing in progress. */
struct CmigLanes
{
	const CmigGraph *graph;
	const int  *order;
	int			left;			/* number of nodes that are still to be drawn */
	bool	   *below;			/* by node: is the node in the drawing, and
								 * not drawn yet? */
	int		   *lane_of;		/* by node: the lane that leads to the node,
								 * or -1 */
	int		   *target;			/* by lane: the node that the lane leads to,
								 * or -1 */
	bool	   *passing;		/* by lane: does the lane pass the current
								 * row? */
	int			count;			/* number of lanes in use, including gaps */
	CmigLanesRow row;
};

static void *
alloc_array(int count, Size size)
{
	return palloc_extended(size * (Size) Max(count, 1), MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
}

CmigLanes *
cmig_lanes_begin(const CmigGraph *graph, const int *order, int count)
{
	CmigLanes  *lanes = palloc0(sizeof(CmigLanes));

	lanes->graph = graph;
	lanes->order = order;
	lanes->left = count;
	lanes->below = alloc_array(graph->count, sizeof(bool));
	lanes->lane_of = alloc_array(graph->count, sizeof(int));

	/* there is at most one lane for each node, plus one for the current row */
	lanes->target = alloc_array(count + 1, sizeof(int));
	lanes->passing = alloc_array(count + 1, sizeof(bool));
	lanes->row.forks = alloc_array(count, sizeof(CmigLaneFork));
	for (int i = 0; i < graph->count; i++)
		lanes->lane_of[i] = -1;
	for (int i = 0; i < count; i++)
		lanes->below[order[i]] = true;
	return lanes;
}

/*
 * Returns the free lane nearest to the given lane.  If there is none, returns
 * a new lane on the right.
 */
static int
nearest_free(const CmigLanes *lanes, int near)
{
	for (int distance = 1; distance < lanes->count; distance++)
	{
		if (near + distance < lanes->count && lanes->target[near + distance] < 0)
			return near + distance;
		if (near - distance >= 0 && lanes->target[near - distance] < 0)
			return near - distance;
	}
	return lanes->count;
}

/* Make a lane lead to a node that will be drawn further down. */
static void
lead(CmigLanes *lanes, int lane, int node)
{
	if (lane == lanes->count)
		lanes->passing[lanes->count++] = false;
	lanes->target[lane] = node;
	lanes->lane_of[node] = lane;
}

/* Add an edge from this row's node to another lane. */
static void
add_fork(CmigLanesRow *row, int lane, bool opens)
{
	CmigLaneFork *fork = &row->forks[row->nforks++];

	fork->lane = lane;
	fork->opens = opens;
}

static int
compare_forks(const void *a, const void *b)
{
	return ((const CmigLaneFork *) a)->lane - ((const CmigLaneFork *) b)->lane;
}

/*
 * Draw the edges to the parents of the row's node.  The node's own lane must
 * be free.
 */
static void
lanes_draw_edges(CmigLanes *lanes, CmigLanesRow *row)
{
	const CmigEdges *parents = &lanes->graph->nodes[row->node].parents;
	int			straight = -1;

	for (int i = 0; straight < 0 && i < parents->count; i++)
	{
		if (lanes->below[parents->nodes[i]] && lanes->lane_of[parents->nodes[i]] < 0)
			straight = parents->nodes[i];
	}
	if (straight >= 0)
		lead(lanes, row->lane, straight);
	for (int i = 0; i < parents->count; i++)
	{
		int			parent = parents->nodes[i];
		int			lane = lanes->lane_of[parent];

		if (parent == straight || !lanes->below[parent])
			continue;
		if (lane < 0)
		{
			lane = nearest_free(lanes, row->lane);
			lead(lanes, lane, parent);
			add_fork(row, lane, true);
		}
		else if (straight < 0 && lane > row->lane)
		{
			straight = parent;
			row->ending = lane;
			lanes->target[lane] = -1;
			lead(lanes, row->lane, parent);
		}
		else
			add_fork(row, lane, false);
	}
	row->straight = straight >= 0;
	qsort(row->forks, row->nforks, sizeof(CmigLaneFork), compare_forks);
}

const CmigLanesRow *
cmig_lanes_next(CmigLanes *lanes)
{
	CmigLanesRow *row = &lanes->row;

	while (lanes->count > 0 && lanes->target[lanes->count - 1] < 0)
		lanes->count--;
	if (lanes->left == 0)
		return NULL;
	row->node = lanes->order[--lanes->left];
	row->nforks = 0;
	row->ending = -1;
	row->lane = lanes->lane_of[row->node];
	row->begins = row->lane < 0;
	if (row->begins)
	{
		row->lane = lanes->count > 0 && lanes->target[0] < 0 ? 0 : nearest_free(lanes, 0);
		lanes->count = Max(lanes->count, row->lane + 1);
	}
	lanes->below[row->node] = false;
	lanes->target[row->lane] = -1;
	for (int i = 0; i < lanes->count; i++)
		lanes->passing[i] = lanes->target[i] >= 0;

	lanes_draw_edges(lanes, row);
	row->count = lanes->count;
	row->passing = lanes->passing;
	return row;
}

/* ----------------------------------------------------------------
 * Functions shared by all drawing formats.
 * ----------------------------------------------------------------
 */

/*
 * Returns an array of all nodes in the picture.  Parents precede their
 * children, and repeatable revisions come last.  *members contains, for each
 * node of the graph, whether it is in the picture.
 */
static int *
picture_nodes(const CmigPicture *picture, int *count, bool **members)
{
	const CmigGraph *graph = picture->graph;
	int			extra = picture->repeatables ? graph->repeatable_count : 0;
	int		   *nodes = alloc_array(picture->count + extra, sizeof(int));

	memcpy(nodes, picture->order, sizeof(int) * picture->count);
	for (int i = 0; i < extra; i++)
		nodes[picture->count + i] = graph->count + i;
	*count = picture->count + extra;
	*members = alloc_array(graph->count + graph->repeatable_count, sizeof(bool));
	for (int i = 0; i < *count; i++)
		(*members)[nodes[i]] = true;
	return nodes;
}

/* The names of the states as classes of Mermaid and of the page. */
static const char *const state_classes[] = {
	[CMIG_PICTURE_PENDING] = "pending",
	[CMIG_PICTURE_APPLIED] = "applied",
	[CMIG_PICTURE_CURRENT] = "current",
	[CMIG_PICTURE_PARTIAL] = "partial"
};

/* Append text to a line, with control characters replaced by spaces. */
static void
picture_append_line(StringInfo to, const char *text)
{
	for (const char *c = text ? text : ""; *c; c++)
		appendStringInfoChar(to, (unsigned char) *c < ' ' || *c == 0x7f ? ' ' : *c);
}

/*
 * Append a note to the comma-separated list that begins at offset "start" of
 * "to".
 */
static void
append_note(StringInfo to, int start, const char *what, const char *name)
{
	if (to->len > start)
		appendStringInfoString(to, ", ");
	appendStringInfoString(to, what);
	picture_append_line(to, name);
}

void
cmig_picture_append_notes(StringInfo to, const CmigPicture *picture, int node,
						  const char *prefix, const char *suffix)
{
	const CmigRevision *revision = picture->graph->nodes[node].revision;
	int			whole = to->len;
	int			start;

	appendStringInfoString(to, prefix);
	start = to->len;
	if (revision->repeatable)
		append_note(to, start, "repeatable", "");
	for (int i = 0; i < revision->labels.count; i++)
		append_note(to, start, "", revision->labels.names[i]);
	for (int i = 0; i < revision->depends.count; i++)
		append_note(to, start, "depends on ", revision->depends.names[i]);
	for (int i = 0; i < revision->parents.count && picture->graph->defects != NIL; i++)
		if (cmig_graph_find_name(picture->graph, revision->parents.names[i]) < 0)
			append_note(to, start, "no parent ", revision->parents.names[i]);
	if (picture->states[node] == CMIG_PICTURE_PARTIAL)
		append_note(to, start, "partially applied", "");
	if (to->len > start)
		appendStringInfoString(to, suffix);
	else
	{
		to->len = whole;
		to->data[whole] = '\0';
	}
}

/*
 * Append a revision's label for a chart: its id, its message, and the notes
 * about it, separated by line breaks.  "append" is called for each of these
 * parts, and must escape the part's text.
 */
static void
picture_append_label(StringInfo to, const CmigPicture *picture, int node,
					 void (*append) (StringInfo to, const char *text),
					 const char *line_break)
{
	const CmigRevision *revision = picture->graph->nodes[node].revision;
	StringInfoData notes;

	initStringInfo(&notes);
	cmig_picture_append_notes(&notes, picture, node, "", "");
	append(to, revision->id);
	if (revision->message && revision->message[0])
	{
		appendStringInfoString(to, line_break);
		append(to, revision->message);
	}
	if (notes.len > 0)
	{
		appendStringInfoString(to, line_break);
		append(to, notes.data);
	}
	pfree(notes.data);
}

void
cmig_picture_append_day(StringInfo to, const CmigRevision *revision, const char *prefix)
{
	struct pg_tm tm;
	fsec_t		fraction;
	int			zone;

	if (revision->has_created_at && !TIMESTAMP_NOT_FINITE(revision->created_at) &&
		timestamp2tm(revision->created_at, &zone, &tm, &fraction, NULL, NULL) == 0)
		appendStringInfo(to, "%s%04d-%02d-%02d", prefix, tm.tm_year, tm.tm_mon, tm.tm_mday);
}

/* ----------------------------------------------------------------
 * Draws the graph as lines of text, in the style of git log --graph.
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
 * ----------------------------------------------------------------
 */

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

/* Append a revision to its node's line. */
static void
append_revision(StringInfo line, const CmigPicture *picture, int node)
{
	const CmigRevision *revision = picture->graph->nodes[node].revision;

	picture_append_line(line, revision->id);
	cmig_picture_append_day(line, revision, " ");
	cmig_picture_append_notes(line, picture, node, " (", ")");
	if (revision->message && revision->message[0])
	{
		appendStringInfoChar(line, ' ');
		picture_append_line(line, revision->message);
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
	int			own = 2 * row->lane;

	begin_line(text, row);
	text->data[own] = sign_of(picture, row->node);
	trim(text);
	appendStringInfoChar(text, ' ');
	append_revision(text, picture, row->node);
	line(text->data, arg);

	/* the edges that turn to other lanes */
	if (row->nforks > 0)
	{
		int			left = Min(row->lane, row->forks[0].lane);
		int			right = Max(row->lane, row->forks[row->nforks - 1].lane);

		begin_line(text, row);
		text->data[own] = row->straight ? '|' : ' ';
		draw_span(text->data, left, row->lane);
		draw_span(text->data, row->lane, right);
		if (left < row->lane)
			text->data[own - 1] = '/';
		if (right > row->lane)
			text->data[own + 1] = '\\';
		for (int i = 0; i < row->nforks; i++)
		{
			const CmigLaneFork *fork = &row->forks[i];
			bool		last = fork->lane == left || fork->lane == right;

			if (!fork->opens)
				text->data[2 * fork->lane] = last ? '|' : '+';
			else if (!last || abs(fork->lane - row->lane) > 1)
				text->data[2 * fork->lane] = '.';
		}
		trim(text);
		line(text->data, arg);
	}

	/* the edge from a lane on the right that moves into the node's lane */
	if (row->ending >= 0)
	{
		begin_line(text, row);
		text->data[own] = '|';
		text->data[2 * row->ending] = ' ';
		draw_span(text->data, row->lane, row->ending);
		text->data[2 * row->ending - 1] = '/';
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
		picture_append_line(text, picture->unknown->names[i]);
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

/* ----------------------------------------------------------------
 * Draws the graph as a Mermaid flowchart.
 * ----------------------------------------------------------------
 */

/*
 * Append part of a label.  Characters that could have a meaning in Mermaid,
 * HTML, or Markdown are written as character codes.
 */
static void
mermaid_append_text(StringInfo to, const char *text)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789 .,_-";

	for (const unsigned char *c = (const unsigned char *) (text ? text : ""); *c; c++)
	{
		if (*c < ' ' || *c == 0x7f)
			appendStringInfoChar(to, ' ');
		else if (*c >= 0x80 || strchr(plain, *c) != NULL)
			appendStringInfoChar(to, *c);
		else
			appendStringInfo(to, "#%d;", *c);
	}
}

/* Draw arrows from the revisions that a node follows or depends on. */
static void
mermaid_draw_edges(const CmigEdges *edges, int node, const char *arrow, const bool *members,
				   CmigPictureLine line, void *arg)
{
	for (int i = 0; i < edges->count; i++)
	{
		char	   *text;

		if (!members[edges->nodes[i]])
			continue;
		text = psprintf("    r%d %s r%d", edges->nodes[i], arrow, node);
		line(text, arg);
		pfree(text);
	}
}

void
cmig_mermaid_draw(const CmigPicture *picture, CmigPictureLine line, void *arg)
{
	static const char *const styles[] = {
		"    classDef applied fill:#d3f0dc,stroke:#2a7d46,color:#10351d",
		"    classDef current fill:#2a7d46,stroke:#10351d,color:#ffffff",
		"    classDef pending fill:#ffffff,stroke:#6b7280,color:#1f2937,stroke-dasharray:4 3",
		"    classDef partial fill:#fde7c8,stroke:#b45309,color:#4a2503"
	};
	bool	   *members;
	int			count;
	int		   *nodes = picture_nodes(picture, &count, &members);
	StringInfoData text;

	initStringInfo(&text);
	line("flowchart BT", arg);
	for (int i = 0; i < count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		resetStringInfo(&text);
		appendStringInfo(&text, "    r%d[\"", nodes[i]);
		picture_append_label(&text, picture, nodes[i], mermaid_append_text, "<br>");
		appendStringInfo(&text, "\"]:::%s", state_classes[picture->states[nodes[i]]]);
		line(text.data, arg);
	}
	for (int i = 0; i < count; i++)
	{
		const CmigNode *node = &picture->graph->nodes[nodes[i]];

		mermaid_draw_edges(&node->parents, nodes[i], "-->", members, line, arg);
		mermaid_draw_edges(&node->depends, nodes[i], "-.->", members, line, arg);
	}
	for (int i = 0; i < lengthof(styles); i++)
		line(styles[i], arg);
	pfree(text.data);
	pfree(members);
	pfree(nodes);
}

/* ----------------------------------------------------------------
 * Draws the graph in the DOT language of Graphviz.
 * ----------------------------------------------------------------
 */

/* Append text to a quoted DOT string, with special characters escaped. */
static void
dot_append_text(StringInfo to, const char *text)
{
	for (const unsigned char *c = (const unsigned char *) (text ? text : ""); *c; c++)
	{
		if (*c == '"' || *c == '\\')
			appendStringInfoChar(to, '\\');
		if (*c == '&')
			appendStringInfoString(to, "&amp;");	/* Graphviz interprets
													 * HTML entities */
		else
			appendStringInfoChar(to, *c < ' ' || *c == 0x7f ? ' ' : *c);
	}
}

/* Draw arrows from the revisions that a node follows or depends on. */
static void
dot_draw_edges(const CmigPicture *picture, const CmigEdges *edges, int node, const char *style,
			   const bool *members, StringInfo text, CmigPictureLine line, void *arg)
{
	for (int i = 0; i < edges->count; i++)
	{
		if (!members[edges->nodes[i]])
			continue;
		resetStringInfo(text);
		appendStringInfoString(text, "\t\"");
		dot_append_text(text, cmig_graph_id(picture->graph, edges->nodes[i]));
		appendStringInfoString(text, "\" -> \"");
		dot_append_text(text, cmig_graph_id(picture->graph, node));
		appendStringInfo(text, "\"%s;", style);
		line(text->data, arg);
	}
}

void
cmig_dot_draw(const CmigPicture *picture, CmigPictureLine line, void *arg)
{
	static const char *const styles[] = {
		[CMIG_PICTURE_PENDING] = "style=\"rounded,dashed\"",
		[CMIG_PICTURE_APPLIED] = "fillcolor=\"#d3f0dc\"",
		[CMIG_PICTURE_CURRENT] = "fillcolor=\"#2a7d46\", fontcolor=white",
		[CMIG_PICTURE_PARTIAL] = "fillcolor=\"#fde7c8\""
	};
	bool	   *members;
	int			count;
	int		   *nodes = picture_nodes(picture, &count, &members);
	StringInfoData text;

	initStringInfo(&text);
	line("digraph revisions {", arg);
	line("\trankdir=BT;", arg);
	line("\tnode [shape=box, style=\"rounded,filled\", fillcolor=white, fontname=\"sans-serif\"];", arg);
	for (int i = 0; i < count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		resetStringInfo(&text);
		appendStringInfoString(&text, "\t\"");
		dot_append_text(&text, cmig_graph_id(picture->graph, nodes[i]));
		appendStringInfoString(&text, "\" [label=\"");
		picture_append_label(&text, picture, nodes[i], dot_append_text, "\\n");
		appendStringInfo(&text, "\", %s];", styles[picture->states[nodes[i]]]);
		line(text.data, arg);
	}
	for (int i = 0; i < count; i++)
	{
		int			node = nodes[i];

		dot_draw_edges(picture, &picture->graph->nodes[node].parents, node, "", members,
					   &text, line, arg);
		dot_draw_edges(picture, &picture->graph->nodes[node].depends, node,
					   " [style=dashed]", members, &text, line, arg);
	}
	line("}", arg);
	pfree(text.data);
	pfree(members);
	pfree(nodes);
}

/* ----------------------------------------------------------------
 * Escapes text for an HTML page.
 *
 * The result is ASCII, so it has the same meaning in every encoding.
 * ----------------------------------------------------------------
 */

/* The character that replaces characters that must not be shown. */
#define REPLACEMENT 0xFFFD

/*
 * Append a character, escaped if necessary.  Control characters and invisible
 * characters are replaced.
 */
static void
append_character(StringInfo to, pg_wchar c)
{
	if ((c < ' ' && c != '\n' && c != '\t') || (c >= 0x7f && c < 0xa0) ||
		(c >= 0x200b && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) ||
		(c >= 0x2060 && c <= 0x206f) || c == 0xfeff || (c >= 0xfff0 && c <= 0xffff) ||
		(c >= 0xd800 && c <= 0xdfff) || c > 0x10ffff)
		appendStringInfo(to, "&#x%X;", REPLACEMENT);
	else if (c >= 0x80 || strchr("<>&\"'`", (int) c) != NULL)
		appendStringInfo(to, "&#x%X;", c);
	else
		appendStringInfoChar(to, (char) c);
}

bool
cmig_markup_append(StringInfo to, const char *text, Size most)
{
	Size		length = strlen(text);
	bool		whole = length <= most;
	char	   *utf8;
	const unsigned char *c;
	const unsigned char *end;

	if (!whole)
		length = pg_mbcliplen(text, length, (int) most);
	utf8 = (char *) pg_do_encoding_conversion((unsigned char *) text, (int) length,
											  GetDatabaseEncoding(), PG_UTF8);
	c = (const unsigned char *) utf8;
	end = c + (utf8 == text ? length : strlen(utf8));
	while (c < end)
	{
		int			size = pg_utf_mblen(c);

		/* replace invalid bytes, which can occur in a SQL_ASCII database */
		if (size > end - c || !pg_utf8_islegal(c, size))
		{
			append_character(to, REPLACEMENT);
			c++;
			continue;
		}
		append_character(to, utf8_to_unicode(c));
		c += size;
	}
	if (utf8 != text)
		pfree(utf8);
	return whole;
}

void
cmig_markup_text(StringInfo to, const char *text)
{
	cmig_markup_append(to, text, MaxAllocSize);
}

/* ----------------------------------------------------------------
 * Draws the rows of the graph as SVG.
 *
 * Each row is a separate image, so that other content can be shown between two
 * rows.  The page that contains the images can limit their width.
 *
 * The page may compress the images horizontally if there are many lanes.
 * Therefore, lines have a stroke that does not scale, and a node is drawn as a
 * line of length zero with round ends.
 * ----------------------------------------------------------------
 */

/* The width of a lane and the height of a row, in pixels. */
#define CMIG_SVG_ROW 34

#define MIDDLE (CMIG_SVG_ROW / 2)

/* Returns the x coordinate of the middle of a lane. */
static int
x_of(int lane)
{
	return lane * CMIG_SVG_LANE + CMIG_SVG_LANE / 2;
}

static void
begin_image(StringInfo to, int width, const char *class, int height)
{
	appendStringInfo(to, "<svg class=\"%s\" viewBox=\"0 0 %d %d\" preserveAspectRatio=\"none\" aria-hidden=\"true\">",
					 class, width * CMIG_SVG_LANE, height);
}

/* Does the lane continue below the row? */
static bool
continues(const CmigLanesRow *row, int lane)
{
	if (lane == row->lane)
		return row->straight;
	if (row->passing[lane])
		return lane != row->ending;
	for (int i = 0; i < row->nforks; i++)
	{
		if (row->forks[i].lane == lane)
			return true;
	}
	return false;
}

/*
 * Append vertical lines for the lanes of one color that pass the row or, if
 * "below" is true, for those that continue below the row.
 */
static void
append_verticals(StringInfo to, const CmigLanesRow *row, int color, bool below, int height)
{
	bool		any = false;

	for (int lane = color; lane < row->count; lane += CMIG_SVG_COLORS)
	{
		if (below ? !continues(row, lane) : !row->passing[lane] || lane == row->ending)
			continue;
		if (!any)
			appendStringInfo(to, "<path class=\"l%d\" d=\"", color);
		any = true;
		appendStringInfo(to, "M%d 0V%d", x_of(lane), height);
	}
	if (any)
		appendStringInfoString(to, "\"/>");
}

/*
 * Append an edge that begins at height "start" in one lane and ends at the
 * bottom of the row in another lane.
 */
static void
append_turn(StringInfo to, int from, int start, int lane, int color)
{
	appendStringInfo(to, "<path class=\"l%d\" d=\"M%d %dC%d %d %d %d %d %d\"/>",
					 color %CMIG_SVG_COLORS, x_of(from), start,
					 x_of(from), (start + CMIG_SVG_ROW) / 2 + 2,
					 x_of(lane), (start + CMIG_SVG_ROW) / 2 - 2,
					 x_of(lane), CMIG_SVG_ROW);
}

static void
svg_lanes_append_node(StringInfo to, int lane, CmigPictureState state)
{
	appendStringInfo(to, "<path class=\"n %s\" d=\"M%d %dh0\"/><path class=\"i %s\" d=\"M%d %dh0\"/>",
					 state_classes[state], x_of(lane), MIDDLE, state_classes[state], x_of(lane), MIDDLE);
}

void
cmig_svg_lanes_row(StringInfo to, const CmigLanesRow *row, int width, CmigPictureState state)
{
	begin_image(to, width, "g", CMIG_SVG_ROW);
	for (int color = 0; color <CMIG_SVG_COLORS; color ++)
		append_verticals(to, row, color, false, CMIG_SVG_ROW);
	if (row->ending >= 0)
		append_turn(to, row->ending, 0, row->lane, row->ending);
	for (int i = 0; i < row->nforks; i++)
		append_turn(to, row->lane, MIDDLE, row->forks[i].lane,
					row->forks[i].opens ? row->forks[i].lane : row->lane);
	if (!row->begins || row->straight)
		appendStringInfo(to, "<path class=\"l%d\" d=\"M%d %dV%d\"/>", row->lane % CMIG_SVG_COLORS,
						 x_of(row->lane), row->begins ? MIDDLE : 0,
						 row->straight ? CMIG_SVG_ROW : MIDDLE);
	svg_lanes_append_node(to, row->lane, state);
	appendStringInfoString(to, "</svg>");
}

void
cmig_svg_lanes_single(StringInfo to, int width, CmigPictureState state)
{
	begin_image(to, width, "g", CMIG_SVG_ROW);
	svg_lanes_append_node(to, 0, state);
	appendStringInfoString(to, "</svg>");
}

void
cmig_svg_lanes_below(StringInfo to, const CmigLanesRow *row, int width)
{
	begin_image(to, width, "k", 10);
	for (int color = 0; color <CMIG_SVG_COLORS; color ++)
		append_verticals(to, row, color, true, 10);
	appendStringInfoString(to, "</svg>");
}
