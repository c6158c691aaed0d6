/*
 * generate.c
 *	  cmig.autogenerate.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "access/table.h"
#include "access/transam.h"
#include "catalog/namespace.h"
#include "funcapi.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "parser/parse_expr.h"
#include "parser/parse_relation.h"
#include "parser/parse_type.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/regproc.h"
#include "utils/rel.h"

#include "base/errors.h"
#include "schema/internal.h"

void
cmig_generate_arguments(FunctionCallInfo fcinfo, int n, CmigGenerate *generate)
{
	generate->draft.new.text.edges.message = cmig_argument_text(fcinfo, 0);
	cmig_draft_arguments(fcinfo, n, &generate->draft);
	generate->draft.template = cmig_argument_text(fcinfo, n + 5);
}

void
cmig_generate_prepare(CmigGenerate *generate, const char *function)
{
	generate->draft.new.text.edges.transactional = true;
	if (generate->store)
		(void) cmig_change_begin_revisions(function);
	cmig_draft_prepare(&generate->draft);
}

/* Above an unresolved statement; it makes cmig.load reject the file. */
#define RESOLVE_MARKER "-- cmig:resolve"

/*
 * Returns the file's content, with the unresolved statements at the end of its
 * upgrade section.  The content is formatted with a comment in place of each
 * marker, because a marker cannot be formatted.
 */
static char *
content_with_unresolved(CmigGenerate *generate)
{
	CmigRevisionText *revision = &generate->draft.new.text;
	StringInfoData upgrade;
	StringInfoData all;
	char	   *comment = psprintf("-- resolve %s", revision->edges.id);

	initStringInfo(&upgrade);
	initStringInfo(&all);
	appendStringInfoString(&upgrade, revision->upgrade_sql);
	appendStringInfo(&all, "%s%s", revision->upgrade_sql,
					 revision->downgrade_sql ? revision->downgrade_sql : "");
	foreach_ptr(CmigUnresolved, each, generate->unresolved)
		appendStringInfoString(&all, each->sql);
	while (cmig_text_after(all.data, comment) != NULL)
		comment = psprintf("%s+", comment);
	foreach_ptr(CmigUnresolved, unresolved, generate->unresolved)
	{
		appendStringInfo(&upgrade, "\n%s\n", comment);
		cmig_section_comment(&upgrade, unresolved->place);
		appendStringInfo(&upgrade, "%s;\n", cmig_section_text_escape(unresolved->sql));
	}
	revision->upgrade_sql = upgrade.data;
	return cmig_text_replace(cmig_draft_content(&generate->draft), psprintf("\n%s\n", comment),
							 "\n" RESOLVE_MARKER "\n");
}

void
cmig_generate_put(FunctionCallInfo fcinfo, CmigGenerate *generate, const List *lines)
{
	CmigRevisionText *text = &generate->draft.new.text;
	bool		irreversible = false;
	StringInfoData hazards;
	char	   *content;
	CmigListing places;
	CmigListing unsupported;

	initStringInfo(&hazards);
	cmig_listing_init(&unsupported, CMIG_LISTING_LINES);
	cmig_listing_init(&places, CMIG_LISTING_LINES);
	text->edges.transactional = true;
	foreach_ptr(CmigDiffLine, line, lines)
	{
		const char *hazard = line->hazard ? line->hazard : line->general_hazard;

		if (line->upgrade == NULL)
		{
			cmig_listing_add(&unsupported, cmig_section_unsupported(line));
			hazard = psprintf("unsupported: %s", cmig_section_unsupported(line));
		}
		if (hazard != NULL)
			appendStringInfo(&hazards, "%s%s", hazards.len > 0 ? "\n" : "", hazard);
		text->edges.transactional &= !line->stepwise;
		irreversible |= cmig_text_begins(line->hazard, "cannot be reverted");
		if (line->staged != NULL)
			line->upgrade = line->staged;
		if (line->staged_undo != NULL)
			line->downgrade = line->staged_undo;
	}
	foreach_ptr(CmigUnresolved, each, generate->unresolved)
	{
		const char *place = each->place;

		cmig_listing_add(&places, place);
		appendStringInfo(&hazards, "%sunresolved: %s", hazards.len > 0 ? "\n" : "", place);
	}
	if (unsupported.count > 0)
		ereport(WARNING,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg_plural("the revision leaves out %d change that is not supported",
							   "the revision leaves out %d changes that are not supported",
							   unsupported.count, unsupported.count),
				 errdetail("%s", cmig_listing_text(&unsupported)),
				 errhint("Add the missing statements to the revision, or make the change by hand.")));
	if (places.count > 0)
		ereport(WARNING,
				(errmsg_plural("the revision has %d unresolved statement",
							   "the revision has %d unresolved statements",
							   places.count, places.count),
				 errdetail("%s", cmig_listing_text(&places)),
				 errhint("Each statement is at the end of the upgrade section, below a line \"%s\". Keep the statement if a new database needs it; otherwise, delete it. In either case, delete the line \"%s\".",
						 RESOLVE_MARKER, RESOLVE_MARKER)));
	text->upgrade_sql =
		cmig_section_text_escape(cmig_section_layout(lines, true, !text->edges.transactional));
	text->downgrade_sql = irreversible ? NULL :
		cmig_section_text_escape(cmig_section_layout(lines, false, !text->edges.transactional));

	content = content_with_unresolved(generate);
	if (generate->store)
		cmig_revision_rows_insert(text);
	cmig_result_add_text(fcinfo, text->edges.id, generate->draft.file_name, content,
						 hazards.len > 0 ? hazards.data : NULL);
}

/* ----------------------------------------------------------------
 * cmig.autogenerate generates the revision that brings the database to a
 * target schema; cmig.require_schema raises an error if such a revision is
 * needed.
 * ----------------------------------------------------------------
 */

PG_FUNCTION_INFO_V1(cmig_autogenerate_1_2);
PG_FUNCTION_INFO_V1(cmig_require_schema_1_2);

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
 * Returns a List of CmigDiffLine *: the differences between the source and
 * the target.
 */
static List *
find_differences(const CmigManaged *managed, const char *target_sql,
				 CmigDiffOptions *options, bool replay, const char *function)
{
	CmigSituation now;
	const CmigGraph *graph;

	cmig_scope_refuse(function,
					  "`RESET cmig.scope`. For one schema: `SELECT *"
					  " FROM cmig.diff('<target_sql>', schemas => '{<schema>}')`");
	now = cmig_move_read(true);

	/*
	 * raise an error for an empty target, which is more likely the output of
	 * a failed program than a schema without objects
	 */
	if (target_sql[strspn(target_sql, " \t\r\n")] == '\0')
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("target_sql is empty"),
				 errdetail("Everything in the schemas would be dropped."),
				 errhint("If that is what you want, use '-- nothing' as target_sql.")));
	graph = now.graph;
	for (int node = graph->count; node < graph->count + graph->repeatable_count; node++)
	{
		CmigRevisionText *stored = cmig_catalog_read_text(cmig_graph_id(graph, node));
		CmigTargetScript *script = palloc(sizeof(CmigTargetScript));

		if (stored == NULL)
			continue;
		script->revision = cmig_graph_id(graph, node);
		script->sql = cmig_placeholder_values_insert(stored->upgrade_sql, &stored->placeholders,
													 script->revision, "upgrade", NULL);
		options->scripts = lappend(options->scripts, script);
	}
	if (!replay)
		cmig_pending_require_heads(&now);

	/*
	 * an expanded revision counts as applied, but the tables have the shape
	 * before it
	 */
	if (replay || cmig_expansion_read() != NULL)
		return cmig_diff_run_replay(cmig_replay_plan_all(&now), managed, target_sql, options,
									function);
	return cmig_diff_run(managed, target_sql, options, function);
}

/* The stages, for the end of the message, and for the description. */
static const char *const stages[][2] = {
	{"expand", "Adds what the new version of the application needs. The old version can still run."},
	{"fill", "Fills and checks the existing rows. Run this when the new version of the application writes the new columns."},
	{"contract", "Drops what only the old version of the application uses. Run this when it no longer runs."}
};

/* The id of a further revision, if the caller chose the first one's: 008 after 007. */
static char *
next_id(const char *first, int number)
{
	size_t		length = strlen(first);

	if (strspn(first, "0123456789") == length && length < 10)
		return psprintf("%0*d", (int) length, atoi(first) + number);
	return psprintf("%s_%d", first, number + 1);
}

/* Put a row for each stage that has lines; each revision follows the one before. */
static void
put_stages(FunctionCallInfo fcinfo, CmigGenerate *generate, const List *lines)
{
	CmigRevision *edges = &generate->draft.new.text.edges;
	const char *message = edges->message,
			   *first = PG_ARGISNULL(2) ? NULL : edges->id;
	List	   *staged[lengthof(stages)] = {NIL};
	int			number = 0;

	foreach_ptr(CmigDiffLine, line, lines)
	{
		List	  **list = &staged[Max(line->stage, 1) - 1];

		*list = lappend(*list, line);
	}
	generate->draft.new.placed = true;
	for (int i = 0; i < lengthof(stages); i++)
	{
		if (staged[i] == NIL)
			continue;
		if (number++ > 0)
		{
			edges->parents = *cmig_argument_one(edges->id);
			edges->labels = edges->depends = (CmigNames)
			{
				0
			};
			edges->id = first ? next_id(first, number - 1) : NULL;
		}
		edges->message = psprintf("%s: %s", message, stages[i][0]);
		generate->draft.new.text.description = pstrdup(stages[i][1]);
		foreach_ptr(CmigDiffLine, other, staged[i])
		{
			if (i == 0 && other->hazards != 0)
				generate->draft.new.text.description =
					pstrdup("Adds what the new version of the application needs. First read the comments: some statements rewrite or block tables, or lose data, while the old version runs.");
		}
		cmig_draft_prepare(&generate->draft);
		cmig_generate_put(fcinfo, generate, staged[i]);
	}
}

CMIG_READER(cmig_autogenerate_1_2)
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
	cmig_diff_exclude_argument(fcinfo, 17, &options);
	options.stages = cmig_argument_bool(fcinfo, 18, false);
	options.concurrently |= options.stages;
	options.prove = cmig_argument_bool(fcinfo, 19, true);

	cmig_generate_prepare(&generate, "cmig.autogenerate()");
	cmig_argument_require(fcinfo, 1, "target_sql",
						  "`SELECT * FROM cmig.autogenerate('<message>', '<target_sql>')`");
	lines = find_differences(managed, target_sql, &options, replay, "cmig.autogenerate()");
	if (lines == NIL)
		ereport(NOTICE,
				(errmsg("the schema does not differ from the target, so there is no revision to write")));
	else if (options.stages)
		put_stages(fcinfo, &generate, lines);
	else
		cmig_generate_put(fcinfo, &generate, lines);
	return (Datum) 0;
}

CMIG_READER(cmig_require_schema_1_2)
{
	const char *target_sql = cmig_argument_text(fcinfo, 0);
	CmigDiffOptions options = {0};
	CmigManaged *managed = cmig_diff_schemas_argument(fcinfo, 1);
	CmigListing differences;
	bool		replay;
	bool		supported = false;
	List	   *lines;

	cmig_argument_require(fcinfo, 0, "target_sql", "SELECT cmig.require_schema('<target_sql>')");
	cmig_diff_arguments(fcinfo, 2, &options);
	options.need_schemas = true;
	replay = replay_argument(fcinfo, 8);
	cmig_diff_exclude_argument(fcinfo, 9, &options);
	lines = find_differences(managed, target_sql, &options, replay, "cmig.require_schema()");
	if (lines == NIL)
		PG_RETURN_VOID();
	cmig_listing_init(&differences, CMIG_LISTING_LINES);
	lines = cmig_diff_line_objects(lines);
	foreach_ptr(const CmigDiffLine, line, lines)
	{
		supported |= line->upgrade != NULL;
		if (line->upgrade == NULL)
			cmig_listing_add_format(&differences, "unsupported: %s",
									cmig_section_unsupported(line));
		else
			cmig_listing_add_format(&differences, "%s %s %s%s%s", cmig_diff_line_action(line),
									line->kind, line->object,
									line->change ? ": " : "", line->change ? line->change : "");
	}
	ereport(ERROR,
			(errcode(ERRCODE_CMIG_NOT_UP_TO_DATE),
			 errmsg("the schema differs from the target"),
			 errdetail_plural("There is %d difference:\n%s", "There are %d differences:\n%s",
							  list_length(lines), list_length(lines),
							  cmig_listing_text(&differences)),
			 supported ? cmig_hint("`SELECT * FROM cmig.autogenerate('<message>', <target_sql>)`") :
			 errhint("Make the changes by hand, or call the function as a role that owns the objects.")));
}
