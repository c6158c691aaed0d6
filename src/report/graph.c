/*
 * graph.c
 *	  Drawings of the graph: cmig.graph.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "fmgr.h"
#include "funcapi.h"
#include "utils/builtins.h"

#include "base/argument.h"
#include "base/compat.h"
#include "base/result.h"
#include "graph/target_range.h"
#include "picture/picture.h"
#include "report/view.h"
#include "tables/progress.h"
#include "tables/repeatable.h"

PG_FUNCTION_INFO_V1(cmig_graph);

/* The formats, by name. */
static const struct
{
	const char *name;
	void		(*draw) (const CmigPicture *picture, CmigPictureLine line, void *arg);
}			formats[] = {
	{"text", cmig_text_graph_draw},
	{"mermaid", cmig_mermaid_draw},
	{"dot", cmig_dot_draw}
};

/* The number of a format; raises 22023 if there is none of that name. */
static int
find_format(const char *name)
{
	for (int i = 0; name && i < lengthof(formats); i++)
	{
		if (strcmp(formats[i].name, name) == 0)
			return i;
	}
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 name ? errmsg("there is no format \"%s\"", strlen(name) > NAMEDATALEN ? "..." : name)
			 : errmsg("the format must not be null"),
			 errhint("The formats are: text, mermaid, dot.")));
	return -1;
}

/* By node: its state. */
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

/* The version rows of no revision. */
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

/* Add a line to the result. */
static void
put_line(const char *line, void *arg)
{
	cmig_result_add_text((FunctionCallInfo) arg, line);
}

Datum
cmig_graph(PG_FUNCTION_ARGS)
{
	char	   *format = cmig_argument_text(fcinfo, 1);
	int			chosen = find_format(format);
	CmigView	view;
	CmigMarks  *range;
	CmigPicture picture;

	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
	view = cmig_view_read();
	range = cmig_target_range(view.graph, view.applied, cmig_argument_text(fcinfo, 0));
	picture.graph = view.graph;
	picture.order = cmig_graph_order(view.graph, range, &picture.count);
	picture.repeatables = cmig_view_has_all_heads(view.graph, range);
	picture.states = read_states(&view);
	picture.unknown = read_unknown(&view);
	formats[chosen].draw(&picture, put_line, fcinfo);
	return (Datum) 0;
}
