/*
 * dot.c
 *	  Draws the graph in the DOT language of Graphviz.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/compat.h"
#include "picture/picture.h"

/* Append text to a quoted DOT string, with special characters escaped. */
static void
append_text(StringInfo to, const char *text)
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

static void
append_node(StringInfo to, const CmigPicture *picture, int node)
{
	static const char *const styles[] = {
		[CMIG_PICTURE_PENDING] = "style=\"rounded,dashed\"",
		[CMIG_PICTURE_APPLIED] = "fillcolor=\"#d3f0dc\"",
		[CMIG_PICTURE_CURRENT] = "fillcolor=\"#2a7d46\", fontcolor=white",
		[CMIG_PICTURE_PARTIAL] = "fillcolor=\"#fde7c8\""
	};
	const CmigRevision *revision = picture->graph->nodes[node].revision;

	appendStringInfoString(to, "\t\"");
	append_text(to, revision->id);
	appendStringInfoString(to, "\" [label=\"");
	cmig_picture_append_label(to, picture, node, append_text, "\\n");
	appendStringInfo(to, "\", %s];", styles[picture->states[node]]);
}

/* Draw arrows from the revisions that a node follows or depends on. */
static void
draw_edges(const CmigPicture *picture, const CmigEdges *edges, int node, const char *style,
		   const bool *members, StringInfo text, CmigPictureLine line, void *arg)
{
	for (int i = 0; i < edges->count; i++)
	{
		if (!members[edges->nodes[i]])
			continue;
		resetStringInfo(text);
		appendStringInfoString(text, "\t\"");
		append_text(text, cmig_graph_id(picture->graph, edges->nodes[i]));
		appendStringInfoString(text, "\" -> \"");
		append_text(text, cmig_graph_id(picture->graph, node));
		appendStringInfo(text, "\"%s;", style);
		line(text->data, arg);
	}
}

void
cmig_dot_draw(const CmigPicture *picture, CmigPictureLine line, void *arg)
{
	bool	   *members = cmig_picture_members(picture);
	int			count;
	int		   *nodes = cmig_picture_nodes(picture, &count);
	StringInfoData text;

	initStringInfo(&text);
	line("digraph revisions {", arg);
	line("\trankdir=BT;", arg);
	line("\tnode [shape=box, style=\"rounded,filled\", fillcolor=white, fontname=\"sans-serif\"];", arg);
	for (int i = 0; i < count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		resetStringInfo(&text);
		append_node(&text, picture, nodes[i]);
		line(text.data, arg);
	}
	for (int i = 0; i < count; i++)
	{
		int			node = nodes[i];

		draw_edges(picture, &picture->graph->nodes[node].parents, node, "", members,
				   &text, line, arg);
		draw_edges(picture, &picture->graph->nodes[node].depends, node,
				   " [style=dashed]", members, &text, line, arg);
	}
	line("}", arg);
	pfree(text.data);
	pfree(members);
	pfree(nodes);
}
