/*
 * show.c
 *	  Implements cmig.show, which shows everything about one revision.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "fmgr.h"
#include "funcapi.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "base/argument.h"
#include "base/compat.h"
#include "graph/graph_walk.h"
#include "graph/repeatables.h"
#include "report/view.h"
#include "tables/catalog.h"
#include "tables/repeatable.h"
#include "tables/wrong_call.h"

PG_FUNCTION_INFO_V1(cmig_show);
PG_FUNCTION_INFO_V1(cmig_show_wrong);

/* Add a row to the result. */
static void
put_field(FunctionCallInfo fcinfo, const char *field, const char *value)
{
	Datum		values[2];
	bool		nulls[2] = {false, value == NULL};

	values[0] = CStringGetTextDatum(field);
	values[1] = value ? CStringGetTextDatum(value) : (Datum) 0;
	cmig_view_put_row(fcinfo, values, nulls);
}

/* Returns a Boolean value as a string. */
static const char *
yes_no(bool value)
{
	return value ? "yes" : "no";
}

/* Add the message, the description, and the transactional flag. */
static void
put_description(FunctionCallInfo fcinfo, const CmigRevisionText *text)
{
	put_field(fcinfo, "message", text->edges.message);
	put_field(fcinfo, "description", text->description);
	put_field(fcinfo, "transactional", yes_no(text->edges.transactional));
}

/* Add the revision's creator, and what its upgrade requires and runs. */
static void
put_upgrade(FunctionCallInfo fcinfo, const CmigRevisionText *text)
{
	put_field(fcinfo, "created_at",
			  text->has_created_at ? timestamptz_to_str(text->created_at) : NULL);
	put_field(fcinfo, "created_by", text->edges.created_by);
	if (text->placeholders.count > 0)
		put_field(fcinfo, "placeholders", cmig_view_names_text(&text->placeholders));
	if (text->precondition_sql != NULL)
		put_field(fcinfo, "precondition_sql", text->precondition_sql);
	put_field(fcinfo, "upgrade_sql", text->upgrade_sql);
}

/* Return everything about one revision. */
static void
show_revision(FunctionCallInfo fcinfo, const CmigView *view, const CmigShownLabels *labels, int n)
{
	const CmigNode *node = &view->graph->nodes[n];
	CmigRevisionText *text = cmig_catalog_read_text(node->revision->id);
	StringInfoData shown;
	ListCell   *lc;

	if (text == NULL)
		return;					/* deleted by another session */
	initStringInfo(&shown);
	foreach(lc, cmig_graph_labels(labels, n))
	{
		appendStringInfo(&shown, "%s%s", shown.len > 0 ? ", " : "", (char *) lfirst(lc));
	}

	put_field(fcinfo, "revision", node->revision->id);
	put_field(fcinfo, "down_revision", cmig_view_names_text(&node->revision->parents));
	put_field(fcinfo, "depends_on", cmig_view_names_text(&node->revision->depends));
	put_field(fcinfo, "branch_labels", shown.data);
	if (node->revision->replaces.count > 0)
		put_field(fcinfo, "replaces", cmig_view_names_text(&node->revision->replaces));
	put_field(fcinfo, "branches_into",
			  cmig_graph_ids_text(view->graph, node->children.nodes, node->children.count));
	put_description(fcinfo, text);
	put_field(fcinfo, "reversible", yes_no(text->downgrade_sql != NULL));
	put_field(fcinfo, "applied", yes_no(view->applied->applied->set[n]));
	put_field(fcinfo, "head", yes_no(node->children.count == 0));
	put_upgrade(fcinfo, text);
	put_field(fcinfo, "downgrade_sql", text->downgrade_sql);
	put_field(fcinfo, "verify_sql", text->verify_sql);
}

/* Return everything about a repeatable revision. */
static void
show_repeatable(FunctionCallInfo fcinfo, const CmigGraph *graph, int node)
{
	const CmigRevision *revision = graph->nodes[node].revision;
	CmigRevisionText *text = cmig_catalog_read_text(revision->id);

	if (text == NULL)
		return;					/* deleted by another session */
	put_field(fcinfo, "revision", revision->id);
	put_field(fcinfo, "repeatable", "yes");
	put_field(fcinfo, "depends_on", cmig_view_names_text(&revision->depends));
	put_description(fcinfo, text);
	put_field(fcinfo, "applied", yes_no(cmig_repeatable_state(graph, node) == CMIG_REPEATABLE_CURRENT));
	put_upgrade(fcinfo, text);
	put_field(fcinfo, "verify_sql", text->verify_sql);
}

Datum
cmig_show(PG_FUNCTION_ARGS)
{
	CmigView	view;
	char	   *target;
	List	   *nodes;
	CmigShownLabels *labels;
	ListCell   *lc;

	InitMaterializedSRF(fcinfo, 0);
	target = cmig_argument_text(fcinfo, 0);
	if (target == NULL || target[0] == '\0')
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 target ? errmsg("the target must not be empty")
				 : errmsg("the target must not be null"),
				 errhint("Use head, heads, current, a branch label, or an id: SELECT * FROM cmig.show('head')")));
	view = cmig_view_read();
	if (cmig_repeatables_find(view.graph, target) >= 0)
	{
		show_repeatable(fcinfo, view.graph, cmig_repeatables_find(view.graph, target));
		return (Datum) 0;
	}
	if (strcmp(target, "current") == 0)
		nodes = view.applied->nodes;
	else
		nodes = cmig_target_absolute(view.graph, target);
	labels = cmig_graph_shown_labels(view.graph);
	foreach(lc, nodes)
	{
		show_revision(fcinfo, &view, labels, lfirst_int(lc));
	}
	return (Datum) 0;
}

Datum
cmig_show_wrong(PG_FUNCTION_ARGS)
{
	cmig_wrong_call(fcinfo, 0, PG_NARGS() - 1, "SELECT * FROM cmig.show(", CMIG_SEVERAL_NONE);
}
