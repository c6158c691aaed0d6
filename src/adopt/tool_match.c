/*
 * tool_match.c
 *	  Finds the revisions that another tool has applied.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "miscadmin.h"

#include "adopt/tool_match.h"
#include "adopt/tool_text.h"
#include "graph/repeatables.h"
#include "tables/catalog.h"
#include "utils/timestamp.h"

/* The revisions' creation dates. */
typedef struct Dates
{
	const CmigGraph *graph;
	int64	   *milliseconds;	/* since 1970; 0 if unknown */
} Dates;

static void
take_date(const CmigRevisionText *text, void *arg)
{
	Dates	   *dates = arg;
	int			node = cmig_graph_find_id(dates->graph, text->edges.id);

	if (node >= 0 && text->has_created_at)
		dates->milliseconds[node] = text->created_at / 1000 +
			(POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * (USECS_PER_DAY / 1000);
}

/*
 * Returns the revisions' creation dates.  The dates are read only if the tool's
 * rows are matched by date.
 */
static Dates
read_dates(const CmigTool *tool, const CmigGraph *graph)
{
	Dates		dates = {graph};

	if (tool->match == CMIG_TOOL_DATE)
	{
		dates.milliseconds = palloc0(sizeof(int64) * Max(graph->count, 1));
		cmig_catalog_each_name(take_date, &dates);
	}
	return dates;
}

/* Returns the node with this creation date, or -1 if there is none. */
static int
find_date(const Dates *dates, const char *name)
{
	int64		wanted = strtoll(name, NULL, 10);

	for (int i = 0; i < dates->graph->count; i++)
		if (wanted != 0 && dates->milliseconds[i] == wanted)
			return i;
	return -1;
}

/*
 * Does the name consist only of digits and dots, so that it can be compared as
 * a version?
 */
static bool
is_version(const char *name)
{
	return *name != '\0' && name[strspn(name, "0123456789._")] == '\0';
}

static int
find_number(const CmigGraph *graph, const char *name)
{
	for (int i = 0; is_version(name) && i < graph->count; i++)
		if (is_version(cmig_graph_id(graph, i)) && cmig_tool_text_compare_versions(cmig_graph_id(graph, i), name) == 0)
			return i;
	return -1;
}

/*
 * Returns the node for one occurrence of a repeated name.  The last occurrence
 * is the revision whose id is the name itself.  The earlier occurrences are the
 * revisions with ids of the form <name>_at_<tag>, in the order of the graph.
 */
static int
find_occurrence(const CmigToolMatches *matches, const CmigToolApplied *applied)
{
	const CmigGraph *graph = matches->graph;
	CmigMarks  *all = cmig_graph_marks(graph);
	char	   *prefix = psprintf("%s_at_", cmig_tool_text_id(applied->name));
	int			seen = 0;
	int			count;
	int		   *order;

	for (int i = 0; i < graph->count; i++)
		cmig_graph_mark(all, i);
	order = cmig_graph_order(graph, all, &count);
	for (int i = 0; i < count; i++)
		if (cmig_tool_text_begins(cmig_graph_id(graph, order[i]), prefix) && ++seen == applied->occurrence)
			return order[i];
	return cmig_graph_find_id(graph, cmig_tool_text_id(applied->name));
}

/* Returns the node for a row in the tool's table, or -1 if there is none. */
static int
find_node(const CmigToolMatches *matches, const Dates *dates, const CmigToolApplied *applied)
{
	int			node;

	if (*applied->name == '\0')
		return -1;
	if (matches->tool->match == CMIG_TOOL_DATE)
		return find_date(dates, applied->name);
	if (matches->tool->match == CMIG_TOOL_OCCURRENCE)
		return find_occurrence(matches, applied);
	node = cmig_graph_find_name(matches->graph, applied->name);
	if (node < 0)
		node = cmig_graph_find_id(matches->graph, cmig_tool_text_id(applied->name));
	if (node < 0)
		node = cmig_repeatables_find(matches->graph, applied->name);
	if (node < 0)
		node = cmig_repeatables_find(matches->graph, cmig_tool_text_id(applied->name));
	if (node < 0 && matches->tool->match == CMIG_TOOL_NUMBER)
		node = find_number(matches->graph, applied->name);
	return node;
}

/* Have all revisions that the node builds on been applied? */
static bool
is_complete(const CmigToolMatches *matches, int node)
{
	int			below;

	for (int k = 0; (below = cmig_graph_edge_down(&matches->graph->nodes[node], k, true)) >= 0; k++)
		if (!matches->marks->set[below])
			return false;
	return true;
}

/*
 * Mark the revisions in rows with state "repeatable" as applied, except those
 * that build on a pending revision.
 */
static void
mark_repeatable(CmigToolMatches *matches)
{
	bool		changed = true;

	while (changed)
	{
		changed = false;
		for (int i = 0; i < list_length(matches->applied); i++)
		{
			const CmigToolApplied *row = list_nth(matches->applied, i);
			int			node = matches->nodes[i];

			if (row->repeatable && !row->failed && node >= 0 &&
				!cmig_repeatables_is(matches->graph, node) && is_complete(matches, node))
				changed |= cmig_graph_mark(matches->marks, node);
		}
	}
}

CmigToolMatches *
cmig_tool_match(const CmigTool *tool, List *applied)
{
	CmigToolMatches *matches = palloc0(sizeof(CmigToolMatches));
	CmigRevisionSet *set = cmig_catalog_read_revisions(false);
	CmigMarks  *until;
	Dates		dates;

	matches->tool = tool;
	matches->applied = applied;
	matches->graph = cmig_graph_build(set->revisions, set->count);
	cmig_repeatables_add(matches->graph, set->repeatables, set->repeatable_count);
	matches->nodes = palloc(sizeof(int) * Max(list_length(applied), 1));
	matches->marks = cmig_graph_marks(matches->graph);
	until = cmig_graph_marks(matches->graph);
	dates = read_dates(tool, matches->graph);
	for (int i = 0; i < list_length(applied); i++)
	{
		const CmigToolApplied *row = list_nth(applied, i);

		CHECK_FOR_INTERRUPTS();
		matches->nodes[i] = find_node(matches, &dates, row);
		if (matches->nodes[i] >= 0 && !cmig_repeatables_is(matches->graph, matches->nodes[i]) &&
			!row->failed && !row->repeatable)
			cmig_graph_mark(row->until ? until : matches->marks, matches->nodes[i]);
	}
	cmig_graph_mark_ancestors(matches->graph, until, true);
	for (int i = 0; i < matches->graph->count; i++)
		if (until->set[i])
			cmig_graph_mark(matches->marks, i);
	mark_repeatable(matches);
	return matches;
}

int
cmig_tool_match_gap(const CmigToolMatches *matches, int *above)
{
	const CmigGraph *graph = matches->graph;

	for (int i = 0; i < graph->count; i++)
	{
		int			below;

		if (!matches->marks->set[i])
			continue;
		for (int k = 0; (below = cmig_graph_edge_down(&graph->nodes[i], k, true)) >= 0; k++)
			if (!matches->marks->set[below])
			{
				*above = i;
				return below;
			}
	}
	return -1;
}

CmigNames *
cmig_tool_match_tops(const CmigToolMatches *matches)
{
	const CmigGraph *graph = matches->graph;
	CmigNames  *tops = palloc0(sizeof(CmigNames));

	tops->names = palloc(sizeof(char *) * Max(matches->marks->count, 1));
	for (int i = 0; i < graph->count; i++)
	{
		int			upper;
		bool		covered = false;

		if (!matches->marks->set[i])
			continue;
		for (int k = 0; (upper = cmig_graph_edge_up(&graph->nodes[i], k, true)) >= 0; k++)
			covered |= matches->marks->set[upper];
		if (!covered)
			tops->names[tops->count++] = cmig_graph_id(graph, i);
	}
	return tops;
}
