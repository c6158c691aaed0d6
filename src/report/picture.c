/*
 * picture.c
 *	  Drawings of the graph.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "mb/pg_wchar.h"

#include "report/internal.h"

/*
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
 */

/* A drawing in progress. */
struct CmigLanes
{
	const CmigGraph *graph;
	const int  *order;
	int			left;			/* number of nodes still to be drawn */
	bool	   *below;			/* by node: is it still to be drawn? */
	int		   *lane_of;		/* by node: the lane that leads to it, or -1 */
	int		   *target;			/* by lane: the node it leads to, or -1 */
	bool	   *passing;		/* by lane: does it pass the current row? */
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

/* Returns the free lane nearest to the lane, or a new one on the right. */
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

static int
compare_forks(const void *a, const void *b)
{
	return ((const CmigLaneFork *) a)->lane - ((const CmigLaneFork *) b)->lane;
}

/* Draw the edges to the parents of the row's node, whose lane must be free. */
static void
lanes_draw_edges(CmigLanes *lanes, CmigLanesRow *row)
{
	const CmigEdges *parents = &lanes->graph->nodes[row->node].parents;
	int			straight = -1;

	for (int i = 0; straight < 0 && i < parents->count; i++)
		if (lanes->below[parents->nodes[i]] && lanes->lane_of[parents->nodes[i]] < 0)
			straight = parents->nodes[i];
	if (straight >= 0)
		lead(lanes, row->lane, straight);
	for (int i = 0; i < parents->count; i++)
	{
		int			parent = parents->nodes[i];
		int			lane = lanes->lane_of[parent];

		if (parent == straight || !lanes->below[parent])
			continue;
		if (lane >= 0 && straight < 0 && lane > row->lane)
		{
			straight = parent;
			row->ending = lane;
			lanes->target[lane] = -1;
			lead(lanes, row->lane, parent);
			continue;
		}
		row->forks[row->nforks].opens = lane < 0;
		if (lane < 0)
		{
			lane = nearest_free(lanes, row->lane);
			lead(lanes, lane, parent);
		}
		row->forks[row->nforks++].lane = lane;
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

/*
 * Functions shared by all drawing formats.
 */

/* The names of the states as classes of Mermaid and of the page. */
static const char *const state_classes[] = {
	[CMIG_PICTURE_PENDING] = "pending",
	[CMIG_PICTURE_APPLIED] = "applied",
	[CMIG_PICTURE_CURRENT] = "current",
	[CMIG_PICTURE_PARTIAL] = "partial",
	[CMIG_PICTURE_EXPANDED] = "partial"
};

/* What must be escaped in a text. */
typedef enum Format
{
	LINE,						/* control characters */
	MERMAID,					/* also what could have a meaning in Mermaid,
								 * HTML, or Markdown */
	DOT							/* also what has a meaning in a DOT string */
} Format;

/*
 * Append text, with control characters replaced by spaces.  Those of U+0080 to
 * U+009F mean the same to a terminal as an escape character and a letter.
 */
static void
append_text(StringInfo to, const char *text, Format format)
{
	static const char plain[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789 .,_-";
	bool		utf8 = GetDatabaseEncoding() == PG_UTF8;

	for (const unsigned char *c = (const unsigned char *) (text ? text : ""); *c; c++)
	{
		if (*c < ' ' || *c == 0x7f)
			appendStringInfoChar(to, ' ');
		else if (utf8 && *c == 0xc2 && c[1] >= 0x80 && c[1] <= 0x9f)
		{
			appendStringInfoChar(to, ' ');
			c++;
		}
		else if (format == MERMAID && *c < 0x80 && strchr(plain, *c) == NULL)
			appendStringInfo(to, "#%d;", *c);
		else if (format == DOT && *c == '&')
			appendStringInfoString(to, "&amp;");	/* Graphviz interprets
													 * HTML entities */
		else
		{
			if (format == DOT && (*c == '"' || *c == '\\'))
				appendStringInfoChar(to, '\\');
			appendStringInfoChar(to, *c);
		}
	}
}

/* Append a note to a comma-separated list. */
static void
append_note(StringInfo to, const char *what, const char *name)
{
	if (to->len > 0)
		appendStringInfoString(to, ", ");
	appendStringInfoString(to, what);
	append_text(to, name, LINE);
}

char *
cmig_picture_notes(const CmigPicture *picture, int node)
{
	const CmigRevision *revision = picture->graph->nodes[node].revision;
	StringInfoData notes;

	initStringInfo(&notes);
	if (revision->repeatable)
		append_note(&notes, "repeatable", "");
	for (int i = 0; i < revision->labels.count; i++)
		append_note(&notes, "", revision->labels.names[i]);
	for (int i = 0; i < revision->depends.count; i++)
		append_note(&notes, "depends on ", revision->depends.names[i]);
	for (int i = 0; i < revision->parents.count && picture->graph->defects != NIL; i++)
		if (cmig_graph_find_name(picture->graph, revision->parents.names[i]) < 0)
			append_note(&notes, "no parent ", revision->parents.names[i]);
	if (picture->states[node] == CMIG_PICTURE_PARTIAL)
		append_note(&notes, "partially applied", "");
	if (picture->states[node] == CMIG_PICTURE_EXPANDED)
		append_note(&notes, "expanded", "");
	return notes.data;
}

char *
cmig_picture_day(const CmigRevision *revision)
{
	struct pg_tm tm;
	fsec_t		fraction;
	int			zone;

	if (!revision->has_created_at || TIMESTAMP_NOT_FINITE(revision->created_at) ||
		timestamp2tm(revision->created_at, &zone, &tm, &fraction, NULL, NULL) != 0)
		return pstrdup("");
	return psprintf("%04d-%02d-%02d", tm.tm_year, tm.tm_mon, tm.tm_mday);
}

/*
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
		if (line[i] == ' ')
			line[i] = '_';
}

/* Append a revision to its node's line, which is then complete. */
static void
append_revision(StringInfo line, const CmigPicture *picture, int node)
{
	const CmigRevision *revision = picture->graph->nodes[node].revision;
	char	   *day = cmig_picture_day(revision);
	char	   *notes = cmig_picture_notes(picture, node);

	append_text(line, revision->id, LINE);
	if (day[0] != '\0')
		appendStringInfo(line, " %s", day);
	if (notes[0] != '\0')
		appendStringInfo(line, " (%s)", notes);
	if (revision->message && revision->message[0])
	{
		appendStringInfoChar(line, ' ');
		append_text(line, revision->message, LINE);
	}
	trim(line);
	picture->line(line->data, picture->arg);
	pfree(day);
	pfree(notes);
}

/* The characters that are drawn for revisions, by state. */
static const char signs[] = {
	[CMIG_PICTURE_PENDING] = 'o',
	[CMIG_PICTURE_APPLIED] = '*',
	[CMIG_PICTURE_CURRENT] = '@',
	[CMIG_PICTURE_PARTIAL] = '%',
	[CMIG_PICTURE_EXPANDED] = '%'
};

static void
draw_row(const CmigPicture *picture, const CmigLanesRow *row, StringInfo text)
{
	int			own = 2 * row->lane;

	begin_line(text, row);
	text->data[own] = signs[picture->states[row->node]];
	trim(text);
	appendStringInfoChar(text, ' ');
	append_revision(text, picture, row->node);

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
		picture->line(text->data, picture->arg);
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
		picture->line(text->data, picture->arg);
	}
}

static void
draw_text(const CmigPicture *picture)
{
	const CmigGraph *graph = picture->graph;
	CmigLanes  *lanes = cmig_lanes_begin(graph, picture->order, picture->count);
	int			extra = picture->repeatables ? graph->repeatable_count : 0;
	const CmigLanesRow *row;
	StringInfoData text;
	int			ended;			/* lane that ends at the previous row's node,
								 * or -1 */

	/* version rows without a revision, and repeatable revisions: no edges */
	initStringInfo(&text);
	for (int i = 0; i < picture->unknown->count; i++)
	{
		resetStringInfo(&text);
		appendStringInfoString(&text, "@ ");
		append_text(&text, picture->unknown->names[i], LINE);
		appendStringInfoString(&text, " (not loaded)");
		picture->line(text.data, picture->arg);
	}
	for (int i = graph->count + extra - 1; i >= graph->count; i--)
	{
		resetStringInfo(&text);
		appendStringInfo(&text, "%c ", signs[picture->states[i]]);
		append_revision(&text, picture, i);
	}
	ended = picture->unknown->count + extra > 0 ? 0 : -1;
	while ((row = cmig_lanes_next(lanes)) != NULL)
	{
		CHECK_FOR_INTERRUPTS();
		if (row->begins && row->lane == ended)
		{
			begin_line(&text, row);
			trim(&text);
			picture->line(text.data, picture->arg);
		}
		draw_row(picture, row, &text);
		ended = row->straight || row->nforks > 0 ? -1 : row->lane;
	}
	pfree(text.data);
}

/*
 * Draws the graph as a Mermaid flowchart, or in the DOT language of Graphviz.
 */

/* The syntax of a chart: what surrounds names and labels. */
typedef struct Chart
{
	Format		format;
	const char *first[4];		/* lines before the nodes */
	const char *last[5];		/* lines after the edges */
	const char *indent;
	const char *label;			/* between a node's name and its label */
	const char *line_break;		/* in labels */
	const char *state;			/* between a node's label and its state */
	const char *const *states;
	const char *end;			/* end of a node */
	const char *arrows[2];		/* from parents, and from dependencies */
	const char *ends[2];		/* ends of these edges */
} Chart;

static const char *const dot_states[] = {
	[CMIG_PICTURE_PENDING] = "style=\"rounded,dashed\"",
	[CMIG_PICTURE_APPLIED] = "fillcolor=\"#d3f0dc\"",
	[CMIG_PICTURE_CURRENT] = "fillcolor=\"#2a7d46\", fontcolor=white",
	[CMIG_PICTURE_PARTIAL] = "fillcolor=\"#fde7c8\"",
	[CMIG_PICTURE_EXPANDED] = "fillcolor=\"#fde7c8\""
};

static const Chart mermaid_chart = {
	.format = MERMAID,
	.first = {"flowchart BT"},
	.last = {
		"    classDef applied fill:#d3f0dc,stroke:#2a7d46,color:#10351d",
		"    classDef current fill:#2a7d46,stroke:#10351d,color:#ffffff",
		"    classDef pending fill:#ffffff,stroke:#6b7280,color:#1f2937,stroke-dasharray:4 3",
		"    classDef partial fill:#fde7c8,stroke:#b45309,color:#4a2503"
	},
	.indent = "    ",.label = "[\"",.line_break = "<br>",.state = "\"]:::",.states =
	state_classes,.end = "",
	.arrows = {" --> ", " -.-> "},.ends = {"", ""}
};

static const Chart dot_chart = {
	.format = DOT,
	.first = {
		"digraph revisions {",
		"\trankdir=BT;",
		"\tnode [shape=box, style=\"rounded,filled\", fillcolor=white, fontname=\"sans-serif\"];"
	},
	.last = {"}"},
	.indent = "\t",.label = " [label=\"",.line_break = "\\n",.state = "\", ",.states =
	dot_states,.end = "];",
	.arrows = {" -> ", " -> "},.ends = {";", " [style=dashed];"}
};

/* Append the name of a node: a number in Mermaid, the revision's id in DOT. */
static void
append_name(StringInfo to, const CmigGraph *graph, const Chart *chart, int node)
{
	if (chart->format == MERMAID)
		appendStringInfo(to, "r%d", node);
	else
	{
		appendStringInfoChar(to, '"');
		append_text(to, cmig_graph_id(graph, node), chart->format);
		appendStringInfoChar(to, '"');
	}
}

static void
draw_chart(const CmigPicture *picture, const Chart *chart)
{
	const CmigGraph *graph = picture->graph;
	int			count = picture->count + (picture->repeatables ? graph->repeatable_count : 0);
	int		   *nodes = alloc_array(count, sizeof(int));
	bool	   *members = alloc_array(graph->count + graph->repeatable_count, sizeof(bool));
	StringInfoData text;

	/* parents first, and repeatable revisions last */
	for (int i = 0; i < count; i++)
	{
		nodes[i] = i < picture->count ? picture->order[i] : graph->count + i - picture->count;
		members[nodes[i]] = true;
	}
	initStringInfo(&text);
	for (int i = 0; chart->first[i]; i++)
		picture->line(chart->first[i], picture->arg);
	for (int i = 0; i < count; i++)
	{
		const CmigRevision *revision = graph->nodes[nodes[i]].revision;
		char	   *notes = cmig_picture_notes(picture, nodes[i]);
		const char *parts[] = {revision->id, revision->message, notes};

		CHECK_FOR_INTERRUPTS();
		resetStringInfo(&text);
		appendStringInfoString(&text, chart->indent);
		append_name(&text, graph, chart, nodes[i]);
		for (int part = 0; part < lengthof(parts); part++)
		{
			if (part > 0 && (parts[part] == NULL || parts[part][0] == '\0'))
				continue;
			appendStringInfoString(&text, part == 0 ? chart->label : chart->line_break);
			append_text(&text, parts[part], chart->format);
		}
		appendStringInfo(&text, "%s%s%s", chart->state, chart->states[picture->states[nodes[i]]],
						 chart->end);
		picture->line(text.data, picture->arg);
		pfree(notes);
	}
	for (int i = 0; i < 2 * count; i++)
	{
		const CmigNode *node = &graph->nodes[nodes[i / 2]];
		const CmigEdges *edges = i % 2 == 0 ? &node->parents : &node->depends;

		for (int j = 0; j < edges->count; j++)
		{
			if (!members[edges->nodes[j]])
				continue;
			resetStringInfo(&text);
			appendStringInfoString(&text, chart->indent);
			append_name(&text, graph, chart, edges->nodes[j]);
			appendStringInfoString(&text, chart->arrows[i % 2]);
			append_name(&text, graph, chart, nodes[i / 2]);
			appendStringInfoString(&text, chart->ends[i % 2]);
			picture->line(text.data, picture->arg);
		}
	}
	for (int i = 0; i < lengthof(chart->last) && chart->last[i]; i++)
		picture->line(chart->last[i], picture->arg);
	pfree(text.data);
	pfree(members);
	pfree(nodes);
}

bool
cmig_picture_draw(const CmigPicture *picture, const char *format)
{
	if (strcmp(format, "text") == 0)
		draw_text(picture);
	else if (strcmp(format, "mermaid") == 0)
		draw_chart(picture, &mermaid_chart);
	else if (strcmp(format, "dot") == 0)
		draw_chart(picture, &dot_chart);
	else
		return false;
	return true;
}

/*
 * Escapes text for an HTML page.
 *
 * The result is ASCII, so it has the same meaning in every encoding.
 */

/* Must the character be replaced, because it is invisible or invalid? */
static bool
is_hidden(pg_wchar c)
{
	return (c < ' ' && c != '\n' && c != '\t') || (c >= 0x7f && c < 0xa0) ||
		(c >= 0x200b && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) ||
		(c >= 0x2060 && c <= 0x206f) || c == 0xfeff || (c >= 0xfff0 && c <= 0xffff) ||
		(c >= 0xd800 && c <= 0xdfff) || c > 0x10ffff;
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
		bool		legal = size <= end - c && pg_utf8_islegal(c, size);
		pg_wchar	code = legal ? utf8_to_unicode(c) : 0;

		/* invalid bytes can occur in a SQL_ASCII database */
		if (!legal || is_hidden(code))
			appendStringInfoString(to, "&#xFFFD;");
		else if (code >= 0x80 || strchr("<>&\"'`", (int) code) != NULL)
			appendStringInfo(to, "&#x%X;", code);
		else
			appendStringInfoChar(to, (char) code);
		c += legal ? size : 1;
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

/*
 * Draws the rows of the graph as SVG.
 *
 * Each row is a separate image, so that other content can be shown between two
 * rows.  The page that contains the images can limit their width.
 *
 * The page may compress the images horizontally if there are many lanes.
 * Therefore, lines have a stroke that does not scale, and a node is drawn as a
 * line of length zero with round ends.
 */

/* The height of a row, in pixels. */
#define ROW 34
#define MIDDLE (ROW / 2)

/* Returns the x coordinate of the middle of a lane. */
static int
x_of(int lane)
{
	return lane * CMIG_SVG_LANE + CMIG_SVG_LANE / 2;
}

static void
begin_image(StringInfo to, int width, const char *class, int height)
{
	appendStringInfo(to,
					 "<svg class=\"%s\" viewBox=\"0 0 %d %d\" preserveAspectRatio=\"none\" aria-hidden=\"true\">",
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
		if (row->forks[i].lane == lane)
			return true;
	return false;
}

/*
 * Append vertical lines for the lanes that pass the row or, if "below" is true,
 * for those that continue below the row: a path for each color.
 */
static void
append_verticals(StringInfo to, const CmigLanesRow *row, bool below, int height)
{
	for (int color = 0; color <CMIG_SVG_COLORS; color ++)
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
}

/*
 * Append an edge that begins at height "start" in one lane and ends at the
 * bottom of the row in another lane.
 */
static void
append_turn(StringInfo to, int from, int start, int lane, int color)
{
	int			middle = (start + ROW) / 2;

	appendStringInfo(to, "<path class=\"l%d\" d=\"M%d %dC%d %d %d %d %d %d\"/>",
					 color %CMIG_SVG_COLORS,
					 x_of(from), start, x_of(from), middle + 2, x_of(lane), middle - 2, x_of(lane),
					 ROW);
}

void
cmig_svg_row(StringInfo to, const CmigLanesRow *row, int width, CmigPictureState state)
{
	int			x = x_of(row ? row->lane : 0);

	begin_image(to, width, "g", ROW);
	if (row)
	{
		append_verticals(to, row, false, ROW);
		if (row->ending >= 0)
			append_turn(to, row->ending, 0, row->lane, row->ending);
		for (int i = 0; i < row->nforks; i++)
			append_turn(to, row->lane, MIDDLE, row->forks[i].lane,
						row->forks[i].opens ? row->forks[i].lane : row->lane);
		if (!row->begins || row->straight)
			appendStringInfo(to, "<path class=\"l%d\" d=\"M%d %dV%d\"/>",
							 row->lane % CMIG_SVG_COLORS,
							 x, row->begins ? MIDDLE : 0, row->straight ? ROW : MIDDLE);
	}
	appendStringInfo(to,
					 "<path class=\"n %s\" d=\"M%d %dh0\"/><path class=\"i %s\" d=\"M%d %dh0\"/></svg>",
					 state_classes[state], x, MIDDLE, state_classes[state], x, MIDDLE);
}

void
cmig_svg_below(StringInfo to, const CmigLanesRow *row, int width)
{
	begin_image(to, width, "k", 10);
	append_verticals(to, row, true, 10);
	appendStringInfoString(to, "</svg>");
}
