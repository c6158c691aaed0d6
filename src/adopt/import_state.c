/*
 * import_state.c
 *	  Implements cmig.import_state, which stamps the migrations that another
 *	  tool has applied.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "fmgr.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "adopt/tool_match.h"
#include "base/argument.h"
#include "base/compat.h"
#include "graph/repeatables.h"
#include "move/stamp.h"
#include "tables/change.h"
#include "tables/version_rows.h"

PG_FUNCTION_INFO_V1(cmig_import_state);

/*
 * Returns the OID of the table in which the tool records applied migrations.
 * Raises 42P01 if there is no such table, and 42809 if the table cannot belong
 * to the tool.
 */
static Oid
history_table(FunctionCallInfo fcinfo, const CmigTool *tool)
{
	Oid			table = PG_ARGISNULL(1) ? cmig_tool_state_table(tool) : PG_GETARG_OID(1);
	char	   *refusal;

	if (!OidIsValid(table))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("table \"%s\" does not exist", cmig_tool_state_usual_name(tool)),
				 errhint("If the table has a different name: SELECT * FROM cmig.import_state(%s, '<schema>.<table>')", quote_literal_cstr(tool->name))));
	if (get_rel_name(table) == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("relation with OID %u does not exist", table)));
	refusal = cmig_tool_state_refusal(tool, table);
	if (refusal)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("cannot read \"%s\" as the migration table of %s", get_rel_name(table), tool->name),
				 errdetail("%s", refusal)));
	return table;
}

/*
 * Raise 55000 if an applied revision builds on a revision that is not applied.
 */
static void
require_no_gap(const CmigToolMatches *matches)
{
	int			above;
	int			gap = cmig_tool_match_gap(matches, &above);

	if (gap >= 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("%s has applied revision \"%s\", but not its ancestor \"%s\"",
						matches->tool->name, cmig_graph_id(matches->graph, above), cmig_graph_id(matches->graph, gap)),
				 errhint("Apply that ancestor with %s first, or change down_revision to match the order in which the revisions were applied.", matches->tool->name)));
}

/*
 * Raise 55000 if pg_cmig has recorded a revision that the tool has not
 * applied.
 */
static void
require_not_ahead(const CmigToolMatches *matches)
{
	CmigNames  *rows = cmig_version_rows_read();

	for (int i = 0; i < rows->count; i++)
	{
		int			node = cmig_graph_find_name(matches->graph, rows->names[i]);

		if (node < 0 || !matches->marks->set[node])
			ereport(ERROR,
					(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					 errmsg("revision \"%s\" is applied according to cmig.version, but not according to %s", rows->names[i], matches->tool->name),
					 errdetail("The state of another tool can be imported only until pg_cmig runs its first revision."),
					 errhint("If %s is right, reset the state of pg_cmig before you call cmig.import_state again: SELECT cmig.stamp('base')", matches->tool->name)));
	}
}

/* Stamp the revisions that the tool has applied. */
static void
stamp_matches(const CmigToolMatches *matches)
{
	CmigNames  *tops = cmig_tool_match_tops(matches);

	if (tops->count == 0)
		return;
	cmig_graph_require_sound(matches->graph);
	require_not_ahead(matches);
	require_no_gap(matches);
	(void) cmig_stamp_targets(tops, false);
}

/*
 * Returns a note for row number "i" of the tool's table.  Returns NULL if there
 * is nothing to note.
 */
static char *
row_note(const CmigToolMatches *matches, int i)
{
	const CmigToolApplied *applied = list_nth(matches->applied, i);

	if (applied->failed)
		return psprintf("not stamped: %s did not finish it", matches->tool->name);
	if (matches->nodes[i] < 0)
		return pstrdup("not stamped: no such revision is loaded");
	if (cmig_repeatables_is(matches->graph, matches->nodes[i]))
		return pstrdup("not stamped: it is repeatable and will run with the next upgrade to the heads");
	if (!matches->marks->set[matches->nodes[i]])
		return pstrdup("not stamped: it will run again after the pending revisions below it");
	return NULL;
}

Datum
cmig_import_state(PG_FUNCTION_ARGS)
{
	const CmigTool *tool;
	CmigToolMatches *matches;
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;

	cmig_argument_require(fcinfo, 0, "tool", "SELECT * FROM cmig.import_state('<tool>')");
	tool = cmig_tool_find(cmig_argument_text(fcinfo, 0));
	InitMaterializedSRF(fcinfo, 0);
	cmig_change_begin("cmig.import_state()");
	matches = cmig_tool_match(tool, cmig_tool_state_read(tool, history_table(fcinfo, tool)));
	stamp_matches(matches);
	for (int i = 0; i < list_length(matches->applied); i++)
	{
		const CmigToolApplied *applied = list_nth(matches->applied, i);
		char	   *note = row_note(matches, i);
		Datum		values[3];
		bool		nulls[3] = {false, matches->nodes[i] < 0, note == NULL};

		values[0] = CStringGetTextDatum(applied->name);
		if (matches->nodes[i] >= 0)
			values[1] = CStringGetTextDatum(cmig_graph_id(matches->graph, matches->nodes[i]));
		if (note)
			values[2] = CStringGetTextDatum(note);
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
	return (Datum) 0;
}
