/*
 * autogenerate.c
 *	  cmig.autogenerate generates the revision that brings the database to a
 *	  target schema; cmig.require_schema raises an error if such a revision is
 *	  needed.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/argument.h"
#include "base/errors.h"
#include "base/listing.h"
#include "move/pending.h"
#include "run/placeholder_values.h"
#include "run/scope.h"
#include "schema/diff_options.h"
#include "schema/diff_run.h"
#include "schema/generate.h"
#include "schema/section_layout.h"
#include "shadow/target.h"
#include "tables/catalog.h"

#include "funcapi.h"

PG_FUNCTION_INFO_V1(cmig_autogenerate);
PG_FUNCTION_INFO_V1(cmig_require_schema);

/*
 * Returns true if the argument "source" is "replay" (the schema that the
 * revisions create), and false if it is "live".
 */
static bool
replay_argument(FunctionCallInfo fcinfo, int n)
{
	const char *source = cmig_argument_text(fcinfo, n);

	if (source == NULL || strcmp(source, "live") == 0)
		return false;
	if (strcmp(source, "replay") != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid source \"%s\"", source),
				 errhint("Use 'live' for this database, or 'replay' for the schema that the revisions create.")));
	return true;
}

/*
 * Raise an error for an empty target, which is more likely the output of a
 * failed program than a schema without objects.
 */
static void
require_target(const char *target_sql)
{
	if (target_sql[strspn(target_sql, " \t\r\n")] == '\0')
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("target_sql is empty"),
				 errdetail("Everything in the schemas would be dropped."),
				 errhint("If that is what you want, use '-- nothing' as target_sql.")));
}

/*
 * Returns the scripts of the repeatable revisions, which also run after the
 * target's SQL.
 */
static List *
repeatable_scripts(const CmigGraph *graph)
{
	List	   *scripts = NIL;

	for (int node = graph->count; node < graph->count + graph->repeatable_count; node++)
	{
		CmigStoredScript *stored = cmig_catalog_read_script(cmig_graph_id(graph, node), CMIG_UPGRADE);
		CmigTargetScript *script = palloc(sizeof(CmigTargetScript));

		if (stored == NULL)
			continue;
		script->revision = cmig_graph_id(graph, node);
		script->sql = cmig_placeholder_values_insert(stored->sql, &stored->placeholders, script->revision, "upgrade");
		scripts = lappend(scripts, script);
	}
	return scripts;
}

/*
 * Returns a List of CmigDiffLine *: the differences between the source and
 * the target.
 */
static List *
find_differences(const CmigManaged *managed, const char *target_sql,
				 CmigDiffOptions *options, bool replay, const char *function)
{
	CmigSituation now;

	cmig_scope_refuse(function, "RESET cmig.scope. For one schema: SELECT * FROM cmig.diff('<target_sql>', schemas => '{<schema>}')");
	now = cmig_move_read(true);
	require_target(target_sql);
	options->scripts = repeatable_scripts(now.graph);
	if (replay)
		return cmig_diff_run_replay(cmig_replay_plan_all(&now), managed, target_sql, options, function);
	cmig_pending_require_heads(&now);
	return cmig_diff_run(managed, target_sql, options, function);
}

Datum
cmig_autogenerate(PG_FUNCTION_ARGS)
{
	CmigGenerate generate = {0};
	CmigDiffOptions options = {0};
	const char *target_sql = cmig_argument_text(fcinfo, 1);
	CmigManaged *managed;
	bool		replay;
	List	   *lines;

	InitMaterializedSRF(fcinfo, 0);
	cmig_generate_arguments(fcinfo, 2, &generate);
	managed = cmig_diff_schemas_argument(fcinfo, 8);
	cmig_diff_arguments(fcinfo, 9, &options);
	generate.store = cmig_argument_bool(fcinfo, 15, false);
	replay = replay_argument(fcinfo, 16);

	cmig_generate_prepare(&generate, "cmig.autogenerate()");
	cmig_argument_require(fcinfo, 1, "target_sql", "SELECT * FROM cmig.autogenerate('<message>', '<target_sql>')");
	lines = find_differences(managed, target_sql, &options, replay, "cmig.autogenerate()");
	if (lines == NIL)
		ereport(NOTICE,
				(errmsg("the schema does not differ from the target, so there is no revision to write")));
	else
		cmig_generate_put(fcinfo, &generate, lines);
	return (Datum) 0;
}

Datum
cmig_require_schema(PG_FUNCTION_ARGS)
{
	const char *target_sql = cmig_argument_text(fcinfo, 0);
	CmigDiffOptions options = {0};
	CmigManaged *managed = cmig_diff_schemas_argument(fcinfo, 1);
	CmigListing differences;
	bool		replay;
	bool		supported = false;
	List	   *lines;
	ListCell   *cell;

	cmig_argument_require(fcinfo, 0, "target_sql", "SELECT cmig.require_schema('<target_sql>')");
	cmig_diff_arguments(fcinfo, 2, &options);
	options.need_schemas = true;
	replay = replay_argument(fcinfo, 8);
	lines = find_differences(managed, target_sql, &options, replay, "cmig.require_schema()");
	if (lines == NIL)
		PG_RETURN_VOID();
	cmig_listing_init(&differences, CMIG_LISTING_LINES);
	lines = cmig_diff_line_objects(lines);
	foreach(cell, lines)
	{
		const CmigDiffLine *line = lfirst(cell);

		supported |= line->upgrade != NULL;
		if (line->upgrade == NULL)
			cmig_listing_add_format(&differences, "unsupported: %s", cmig_section_layout_unsupported(line));
		else
			cmig_listing_add_format(&differences, "%s %s %s", cmig_diff_line_action(line), line->kind, line->object);
	}
	ereport(ERROR,
			(errcode(ERRCODE_CMIG_NOT_UP_TO_DATE),
			 errmsg("the schema differs from the target"),
			 errdetail_plural("There is %d difference:\n%s", "There are %d differences:\n%s",
							  list_length(lines), list_length(lines), cmig_listing_text(&differences)),
			 supported ? errhint("SELECT * FROM cmig.autogenerate('<message>', <target_sql>)") :
			 errhint("Make the changes by hand, or call the function as a role that owns the objects.")));
}
