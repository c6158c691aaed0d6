/*
 * graph.c
 *	  Implements cmig.graph, which draws the graph.
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
#include "report/drawing.h"
#include "tables/wrong_call.h"

PG_FUNCTION_INFO_V1(cmig_graph);
PG_FUNCTION_INFO_V1(cmig_graph_wrong);

/* The formats, each with the function that draws the graph in that format. */
static const struct
{
	const char *name;
	void		(*draw) (const CmigPicture *picture, CmigPictureLine line, void *arg);
}			formats[] = {
	{"text", cmig_text_graph_draw},
	{"mermaid", cmig_mermaid_draw},
	{"dot", cmig_dot_draw}
};

/* Returns the index of a format.  Raises 22023 if the format does not exist. */
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
			 name ? errmsg("unknown format \"%s\"", strlen(name) > NAMEDATALEN ? "..." : name)
			 : errmsg("the format must not be null"),
			 errhint("The formats are: text, mermaid, dot.")));
	return -1;
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
	picture = cmig_drawing_read(&view, range);
	formats[chosen].draw(&picture, put_line, fcinfo);
	return (Datum) 0;
}

Datum
cmig_graph_wrong(PG_FUNCTION_ARGS)
{
	cmig_wrong_call(fcinfo, 0, 0, "SELECT * FROM cmig.graph(", CMIG_SEVERAL_NONE);
}
