/*
 * drawing.c
 *	  Builds the picture of a range of revisions and their states.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/compat.h"
#include "report/drawing.h"
#include "tables/progress.h"
#include "tables/repeatable.h"

/* Returns an array of the nodes' states. */
static CmigPictureState *
read_states(const CmigView *view)
{
	CmigNames  *begun = cmig_progress_begun();
	int			total = view->graph->count + view->graph->repeatable_count;
	CmigPictureState *states = palloc_extended(sizeof(CmigPictureState) *
											   (Size) Max(total, 1), MCXT_ALLOC_HUGE);

	for (int i = 0; i < view->graph->count; i++)
	{
		if (view->is_row[i])
			states[i] = CMIG_PICTURE_CURRENT;
		else if (view->applied->applied->set[i])
			states[i] = CMIG_PICTURE_APPLIED;
		else
			states[i] = CMIG_PICTURE_PENDING;
	}
	for (int i = view->graph->count; i < total; i++)
		states[i] = cmig_repeatable_state(view->graph, i) == CMIG_REPEATABLE_CURRENT ?
			CMIG_PICTURE_APPLIED : CMIG_PICTURE_PENDING;
	for (int i = 0; i < begun->count; i++)
	{
		int			node = cmig_graph_find_id(view->graph, begun->names[i]);

		if (node >= 0)
			states[node] = CMIG_PICTURE_PARTIAL;
	}
	return states;
}

/* Returns the ids in version rows that do not belong to stored revisions. */
static CmigNames *
read_unknown(const CmigView *view)
{
	CmigNames  *unknown = palloc0(sizeof(CmigNames));
	ListCell   *lc;

	unknown->names = palloc(sizeof(char *) * (list_length(view->applied->unknown) + 1));
	foreach(lc, view->applied->unknown)
	{
		unknown->names[unknown->count++] = lfirst(lc);
	}
	return unknown;
}

CmigPicture
cmig_drawing_read(const CmigView *view, const CmigMarks *range)
{
	CmigPicture picture;

	picture.graph = view->graph;
	picture.order = cmig_graph_order(view->graph, range, &picture.count);
	picture.repeatables = cmig_view_has_all_heads(view->graph, range);
	picture.states = read_states(view);
	picture.unknown = read_unknown(view);
	return picture;
}
