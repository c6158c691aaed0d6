/*
 * page_graph.c
 *	  Writes the graph and the revisions' scripts on an HTML page.
 *
 * Each revision is a <details> element.  Its summary is a row of the drawing.
 * A click on the summary shows the scripts.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/compat.h"
#include "picture/lanes.h"
#include "picture/markup.h"
#include "picture/svg_lanes.h"
#include "report/page.h"
#include "report/page_graph.h"
#include "tables/catalog.h"

#include "utils/memutils.h"

/* Maximum number of bytes of a script to show. */
#define MOST_SCRIPT 20000

static const char *const state_names[] = {
	[CMIG_PICTURE_PENDING] = "pending",
	[CMIG_PICTURE_APPLIED] = "applied",
	[CMIG_PICTURE_CURRENT] = "current",
	[CMIG_PICTURE_PARTIAL] = "partially applied"
};

int
cmig_page_graph_width(const CmigPicture *picture)
{
	CmigLanes  *lanes = cmig_lanes_begin(picture->graph, picture->order, picture->count);
	const CmigLanesRow *row;
	int			width = 1;

	while ((row = cmig_lanes_next(lanes)) != NULL)
		width = Max(width, row->count);
	return width;
}

/* Append a script with a title.  Does nothing if there is no script. */
static void
append_script(StringInfo page, const char *title, const char *sql)
{
	if (sql == NULL || sql[0] == '\0')
		return;
	cmig_page_element(page, "p", "dim", title);
	appendStringInfoString(page, "<pre>");
	if (!cmig_markup_append(page, sql, MOST_SCRIPT))
		appendStringInfo(page, "\n... (%zu bytes in all)", strlen(sql));
	appendStringInfoString(page, "</pre>\n");
}

/* Append the summary of a revision. */
static void
append_summary(StringInfo page, const CmigPicture *picture, int node)
{
	const CmigRevision *revision = picture->graph->nodes[node].revision;
	CmigPictureState state = picture->states[node];
	StringInfoData text;

	appendStringInfoString(page, "<span class=\"w\">");
	cmig_page_element(page, "span", "id", revision->id);
	if (state == CMIG_PICTURE_CURRENT)
		appendStringInfoString(page, "<span class=\"tag ok\">current</span>");
	else if (state == CMIG_PICTURE_PARTIAL)
		appendStringInfoString(page, "<span class=\"tag warn\">partially applied</span>");
	else if (state == CMIG_PICTURE_PENDING)
		appendStringInfoString(page, "<span class=\"tag\">pending</span>");
	initStringInfo(&text);
	cmig_picture_append_notes(&text, picture, node, "", "");
	if (text.len > 0)
		cmig_page_element(page, "span", "tag", text.data);
	cmig_page_element(page, "span", "m", revision->message ? revision->message : "");
	resetStringInfo(&text);
	cmig_picture_append_day(&text, revision, "");
	cmig_page_element(page, "span", "d", text.data);
	appendStringInfoString(page, "</span>");
	pfree(text.data);
}

/* Append a revision's details, which appear when its summary is clicked. */
static void
append_content(StringInfo page, const CmigPicture *picture, int node)
{
	CmigRevisionText *text = cmig_catalog_read_text(cmig_graph_id(picture->graph, node));

	if (text == NULL)
		return;					/* deleted by another session */
	if (text->edges.created_by)
		cmig_page_element(page, "p", "dim", psprintf("stored by %s", text->edges.created_by));
	if (text->description && text->description[0])
		cmig_page_element(page, "p", NULL, text->description);
	append_script(page, "Precondition", text->precondition_sql);
	append_script(page, "Upgrade", text->upgrade_sql);
	if (text->downgrade_sql != NULL)
		append_script(page, "Downgrade", text->downgrade_sql);
	else if (!text->edges.repeatable)
		cmig_page_element(page, "p", "dim", "irreversible: no downgrade script");
	append_script(page, "Verify", text->verify_sql);
}

/*
 * Append a revision.  "row" is its row in the drawing, or NULL if the revision
 * has no edges.
 */
static void
append_revision(StringInfo page, const CmigPicture *picture, int node,
				const CmigLanesRow *row, int width)
{
	CmigPictureState state = picture->states[node];

	appendStringInfo(page, "<details id=\"r%d\"><summary title=\"", node);
	cmig_markup_text(page, cmig_graph_id(picture->graph, node));
	appendStringInfo(page, ": %s\">", state_names[state]);
	if (row)
		cmig_svg_lanes_row(page, row, width, state);
	else
		cmig_svg_lanes_single(page, width, state);
	append_summary(page, picture, node);
	appendStringInfoString(page, "</summary><div class=\"b\">");
	if (row)
		cmig_svg_lanes_below(page, row, width);
	append_content(page, picture, node);
	appendStringInfoString(page, "</div></details>\n");
}

/* Append a legend of the symbols. */
static void
append_legend(StringInfo page)
{
	appendStringInfoString(page, "<div class=\"legend\">");
	for (int i = 0; i < lengthof(state_names); i++)
	{
		appendStringInfoString(page, "<span>");
		cmig_svg_lanes_single(page, 1, i);
		appendStringInfo(page, "%s</span>", state_names[i]);
	}
	appendStringInfoString(page, "<span>Click a revision to see its scripts.</span></div>\n");
}

void
cmig_page_graph(StringInfo page, void *arg)
{
	const CmigPicture *picture = arg;
	CmigLanes  *lanes = cmig_lanes_begin(picture->graph, picture->order, picture->count);
	const CmigLanesRow *row;
	int			width = cmig_page_graph_width(picture);
	int			extra = picture->repeatables ? picture->graph->repeatable_count : 0;
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "pg_cmig report row",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);

	if (picture->count + extra == 0)
		cmig_page_element(page, "p", "dim", "There are no revisions.");
	else
		append_legend(page);
	for (int i = picture->graph->count + extra - 1; i >= picture->graph->count; i--)
		append_revision(page, picture, i, NULL, width);
	while ((row = cmig_lanes_next(lanes)) != NULL)
	{
		CHECK_FOR_INTERRUPTS();
		append_revision(page, picture, row->node, row, width);
		MemoryContextReset(context);
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
}
