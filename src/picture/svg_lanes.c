/*
 * svg_lanes.c
 *	  Draws the rows of the graph as SVG.
 *
 * The page may compress the images horizontally if there are many lanes.
 * Therefore, lines have a stroke that does not scale, and a node is drawn as a
 * line of length zero with round ends.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/compat.h"
#include "picture/svg_lanes.h"

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
append_node(StringInfo to, int lane, CmigPictureState state)
{
	static const char *const classes[] = {
		[CMIG_PICTURE_PENDING] = "pending",
		[CMIG_PICTURE_APPLIED] = "applied",
		[CMIG_PICTURE_CURRENT] = "current",
		[CMIG_PICTURE_PARTIAL] = "partial"
	};

	appendStringInfo(to, "<path class=\"n %s\" d=\"M%d %dh0\"/><path class=\"i %s\" d=\"M%d %dh0\"/>",
					 classes[state], x_of(lane), MIDDLE, classes[state], x_of(lane), MIDDLE);
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
	append_node(to, row->lane, state);
	appendStringInfoString(to, "</svg>");
}

void
cmig_svg_lanes_single(StringInfo to, int width, CmigPictureState state)
{
	begin_image(to, width, "g", CMIG_SVG_ROW);
	append_node(to, 0, state);
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
