/*
 * history.c
 *	  Implements cmig.current, cmig.heads, cmig.branches, and cmig.history,
 *	  which list revisions.
 *
 * These functions also work if the graph has defects or if a version row
 * belongs to an unknown revision.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "fmgr.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "base/argument.h"
#include "base/compat.h"
#include "graph/graph_walk.h"
#include "graph/repeatables.h"
#include "graph/target_range.h"
#include "report/view.h"
#include "tables/catalog.h"
#include "tables/journal_read.h"
#include "tables/repeatable.h"
#include "tables/version_rows.h"
#include "tables/wrong_call.h"

PG_FUNCTION_INFO_V1(cmig_current);
PG_FUNCTION_INFO_V1(cmig_heads);
PG_FUNCTION_INFO_V1(cmig_branches);
PG_FUNCTION_INFO_V1(cmig_history);
PG_FUNCTION_INFO_V1(cmig_history_wrong);

/* Begin a listing, and find the labels to show. */
static CmigView
begin_listing(FunctionCallInfo fcinfo, CmigShownLabels **labels)
{
	CmigView	view;

	InitMaterializedSRF(fcinfo, 0);
	view = cmig_view_read();
	*labels = cmig_graph_shown_labels(view.graph);
	return view;
}

Datum
cmig_current(PG_FUNCTION_ARGS)
{
	CmigNames  *rows;
	CmigView	view;
	CmigShownLabels *labels;

	InitMaterializedSRF(fcinfo, 0);
	rows = cmig_version_rows_read();

	view = cmig_view_read();
	labels = cmig_graph_shown_labels(view.graph);
	for (int i = 0; i < rows->count; i++)
	{
		int			node = cmig_graph_find_id(view.graph, rows->names[i]);
		Datum		values[5] = {0};
		bool		nulls[5] = {0};

		values[0] = CStringGetTextDatum(rows->names[i]);
		values[1] = BoolGetDatum(node >= 0 && cmig_graph_is_head(view.graph, node));
		values[2] = BoolGetDatum(node >= 0);
		values[3] = cmig_view_list(node >= 0 ? cmig_graph_labels(labels, node) : NIL);
		if (node >= 0)
			values[4] = CStringGetTextDatum(view.graph->nodes[node].revision->message);
		else
			nulls[4] = true;
		cmig_view_put_row(fcinfo, values, nulls);
	}
	return (Datum) 0;
}

Datum
cmig_heads(PG_FUNCTION_ARGS)
{
	CmigShownLabels *labels;
	CmigView	view = begin_listing(fcinfo, &labels);

	for (int i = 0; i < view.graph->count; i++)
	{
		Datum		values[5];
		bool		nulls[5] = {0};

		if (!cmig_graph_is_head(view.graph, i))
			continue;
		values[0] = CStringGetTextDatum(cmig_graph_id(view.graph, i));
		values[1] = cmig_view_list(cmig_graph_labels(labels, i));
		values[2] = BoolGetDatum(view.is_row[i]);
		values[3] = BoolGetDatum(cmig_graph_is_effective_head(view.graph, i));
		values[4] = CStringGetTextDatum(view.graph->nodes[i].revision->message);
		cmig_view_put_row(fcinfo, values, nulls);
	}
	return (Datum) 0;
}

Datum
cmig_branches(PG_FUNCTION_ARGS)
{
	CmigShownLabels *labels;
	CmigView	view = begin_listing(fcinfo, &labels);

	for (int i = 0; i < view.graph->count; i++)
	{
		const CmigNode *node = &view.graph->nodes[i];
		Datum		values[4];
		bool		nulls[4] = {0};

		if (node->children.count < 2)
			continue;
		values[0] = CStringGetTextDatum(node->revision->id);
		values[1] = cmig_view_list(cmig_graph_labels(labels, i));
		values[2] = cmig_view_edges(view.graph, &node->children);
		values[3] = CStringGetTextDatum(node->revision->message);
		cmig_view_put_row(fcinfo, values, nulls);
	}
	return (Datum) 0;
}

/* The times at which revisions were applied, by node; 0 if unknown. */
typedef struct AppliedTimes
{
	const CmigGraph *graph;
	TimestampTz *times;
} AppliedTimes;

/* Journal callback: record when a revision was applied. */
static void
take_time(const char *revision, TimestampTz at, void *arg)
{
	AppliedTimes *applied = arg;
	int			node = cmig_graph_find_id(applied->graph, revision);

	if (node >= 0)
		applied->times[node] = at;
}

static TimestampTz *
read_times(const CmigGraph *graph)
{
	AppliedTimes applied = {.graph = graph};

	applied.times = palloc_extended(sizeof(TimestampTz) * (Size) Max(graph->count + graph->repeatable_count, 1),
									MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	cmig_journal_read_each_applied(take_time, &applied);
	return applied.times;
}

/*
 * Set the columns for creation time, application time, creator, and message.
 */
static void
set_details(Datum *values, bool *nulls, const CmigRevision *revision, bool applied, TimestampTz at)
{
	values[10] = TimestampTzGetDatum(revision->created_at);
	nulls[10] = !revision->has_created_at;
	values[11] = TimestampTzGetDatum(at);
	nulls[11] = !applied || at == 0;
	nulls[12] = revision->created_by == NULL;
	values[12] = nulls[12] ? (Datum) 0 : CStringGetTextDatum(revision->created_by);
	values[13] = CStringGetTextDatum(revision->message);
}

/* Add the repeatable revisions, in reverse order of execution. */
static void
put_repeatables(FunctionCallInfo fcinfo, const CmigGraph *graph, const TimestampTz *times)
{
	for (int i = graph->count + graph->repeatable_count - 1; i >= graph->count; i--)
	{
		const CmigRevision *revision = graph->nodes[i].revision;
		bool		current = cmig_repeatable_state(graph, i) == CMIG_REPEATABLE_CURRENT;
		Datum		values[14] = {0};
		bool		nulls[14] = {false, true};

		values[0] = CStringGetTextDatum(revision->id);
		values[2] = cmig_catalog_names_datum(&revision->depends);
		values[3] = cmig_catalog_names_datum(&revision->labels);
		values[8] = BoolGetDatum(current);
		set_details(values, nulls, revision, current, times[i]);
		cmig_view_put_row(fcinfo, values, nulls);
	}
}

Datum
cmig_history(PG_FUNCTION_ARGS)
{
	CmigView	view;
	CmigMarks  *range;
	CmigShownLabels *labels;
	TimestampTz *times;
	int		   *order;
	int			count;
	MemoryContext context;
	MemoryContext old;

	InitMaterializedSRF(fcinfo, 0);
	view = cmig_view_read();
	range = cmig_target_range(view.graph, view.applied,
							  cmig_argument_text(fcinfo, 0));
	labels = cmig_graph_shown_labels(view.graph);
	times = read_times(view.graph);
	if (cmig_view_has_all_heads(view.graph, range))
		put_repeatables(fcinfo, view.graph, times);
	order = cmig_graph_order(view.graph, range, &count);

	context = AllocSetContextCreate(CurrentMemoryContext, "pg_cmig history row",
									ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(context);
	for (int i = count - 1; i >= 0; i--)
	{
		const CmigNode *node = &view.graph->nodes[order[i]];
		bool		applied = view.applied->applied->set[order[i]];
		Datum		values[14];
		bool		nulls[14] = {0};

		values[0] = CStringGetTextDatum(node->revision->id);
		values[1] = cmig_catalog_names_datum(&node->revision->parents);
		values[2] = cmig_catalog_names_datum(&node->revision->depends);
		values[3] = cmig_view_list(cmig_graph_labels(labels, order[i]));
		values[4] = BoolGetDatum(node->children.count == 0);
		values[5] = BoolGetDatum(view.is_row[order[i]]);
		values[6] = BoolGetDatum(node->children.count > 1);
		values[7] = BoolGetDatum(node->parents.count > 1);
		values[8] = BoolGetDatum(applied);
		values[9] = BoolGetDatum(node->revision->irreversible);
		set_details(values, nulls, node->revision, applied, times[order[i]]);
		cmig_view_put_row(fcinfo, values, nulls);
		MemoryContextReset(context);
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	return (Datum) 0;
}

Datum
cmig_history_wrong(PG_FUNCTION_ARGS)
{
	cmig_wrong_call(fcinfo, 0, PG_NARGS() - 1, "SELECT * FROM cmig.history(", CMIG_SEVERAL_RANGE);
}
