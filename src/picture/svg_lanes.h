/*
 * svg_lanes.h
 *	  Draws the rows of the graph as SVG.
 *
 * Each row is a separate image, so that other content can be shown between two
 * rows.  The page that contains the images can limit their width.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_SVG_LANES_H
#define CMIG_SVG_LANES_H

#include "postgres.h"
#include "lib/stringinfo.h"
#include "picture/lanes.h"
#include "picture/picture.h"

/* The width of a lane and the height of a row, in pixels. */
#define CMIG_SVG_LANE 14
#define CMIG_SVG_ROW 34

/*
 * The number of lane colors.  The page defines the colors in the CSS classes
 * l0, l1, ...
 */
#define CMIG_SVG_COLORS 8

/*
 * Append the image of a row.  "width" is the number of lanes in the whole
 * drawing.
 */
extern void cmig_svg_lanes_row(StringInfo to, const CmigLanesRow *row, int width,
							   CmigPictureState state);

/* Append the image of a row without edges. */
extern void cmig_svg_lanes_single(StringInfo to, int width, CmigPictureState state);

/*
 * Append an image of the lanes that continue below a row.  The image can be
 * stretched to any height.
 */
extern void cmig_svg_lanes_below(StringInfo to, const CmigLanesRow *row, int width);

#endif							/* CMIG_SVG_LANES_H */
