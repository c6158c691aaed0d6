/*
 * mermaid.c
 *	  Draws the graph as a Mermaid flowchart.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/compat.h"
#include "picture/picture.h"

/*
 * Append part of a label.  Characters that could have a meaning in Mermaid,
 * HTML, or Markdown are written as character codes.
 */
static void
append_text(StringInfo to, const char *text)
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

static void
append_node(StringInfo to, const CmigPicture *picture, int node)
{
	static const char *const classes[] = {
		[CMIG_PICTURE_PENDING] = "pending",
		[CMIG_PICTURE_APPLIED] = "applied",
		[CMIG_PICTURE_CURRENT] = "current",
		[CMIG_PICTURE_PARTIAL] = "partial"
	};

	appendStringInfo(to, "    r%d[\"", node);
	cmig_picture_append_label(to, picture, node, append_text, "<br>");
	appendStringInfo(to, "\"]:::%s", classes[picture->states[node]]);
}

/* Draw arrows from the revisions that a node follows or depends on. */
static void
draw_edges(const CmigEdges *edges, int node, const char *arrow, const bool *members,
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
	bool	   *members = cmig_picture_members(picture);
	int			count;
	int		   *nodes = cmig_picture_nodes(picture, &count);
	StringInfoData text;

	initStringInfo(&text);
	line("flowchart BT", arg);
	for (int i = 0; i < count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		resetStringInfo(&text);
		append_node(&text, picture, nodes[i]);
		line(text.data, arg);
	}
	for (int i = 0; i < count; i++)
	{
		const CmigNode *node = &picture->graph->nodes[nodes[i]];

		draw_edges(&node->parents, nodes[i], "-->", members, line, arg);
		draw_edges(&node->depends, nodes[i], "-.->", members, line, arg);
	}
	for (int i = 0; i < lengthof(styles); i++)
		line(styles[i], arg);
	pfree(text.data);
	pfree(members);
	pfree(nodes);
}
