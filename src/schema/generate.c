/*
 * generate.c
 *	  Generates revisions from differences.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/argument.h"
#include "base/errors.h"
#include "base/listing.h"
#include "schema/generate.h"
#include "schema/section_layout.h"
#include "tables/change.h"
#include "tables/revision_rows.h"

#include "catalog/pg_collation.h"
#include "funcapi.h"
#include "utils/builtins.h"

#define COLUMNS 4

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

/* Issue a WARNING about unsupported changes. */
static void
warn_unsupported(const List *lines)
{
	CmigListing unsupported;
	ListCell   *cell;

	cmig_listing_init(&unsupported, CMIG_LISTING_LINES);
	foreach(cell, lines)
	{
		const CmigDiffLine *line = lfirst(cell);

		if (line->upgrade == NULL)
			cmig_listing_add(&unsupported, cmig_section_layout_unsupported(line));
	}
	if (unsupported.count > 0)
		ereport(WARNING,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg_plural("the revision leaves out %d change that is not supported",
							   "the revision leaves out %d changes that are not supported",
							   unsupported.count, unsupported.count),
				 errdetail("%s", cmig_listing_text(&unsupported)),
				 errhint("Add the missing statements to the revision, or make the change by hand.")));
}

/*
 * Unresolved statements
 *
 * A marker above each unresolved statement makes cmig.load reject the file.
 * The content is formatted with a comment in place of each marker, because a
 * marker cannot be formatted.
 */

#define RESOLVE_MARKER "-- cmig:resolve"

/* Returns an SQL comment that does not occur in the text. */
static char *
placeholder(const CmigGenerate *generate, const char *text)
{
	char	   *comment = psprintf("-- resolve %s", generate->draft.new.text.edges.id);

	while (strstr(text, comment) != NULL)
		comment = psprintf("%s+", comment);
	return comment;
}

/* Append the unresolved statements, each below the placeholder comment. */
static void
append_unresolved(StringInfo text, const CmigGenerate *generate, const char *comment)
{
	ListCell   *cell;

	foreach(cell, generate->unresolved)
	{
		const CmigUnresolved *unresolved = lfirst(cell);

		appendStringInfo(text, "\n%s\n", comment);
		cmig_section_layout_comment(text, unresolved->place);
		appendStringInfo(text, "%s;\n", unresolved->sql);
	}
}

/* Replace the placeholder comments with markers. */
static char *
with_markers(char *content, const char *comment)
{
	text	   *result = DatumGetTextPP(DirectFunctionCall3Coll(replace_text, C_COLLATION_OID,
																CStringGetTextDatum(content),
																CStringGetTextDatum(psprintf("\n%s\n", comment)),
																CStringGetTextDatum("\n" RESOLVE_MARKER "\n")));

	return text_to_cstring(result);
}

/*
 * Returns the file's content, with the unresolved statements at the end of its
 * upgrade section.
 */
static char *
content_with_unresolved(CmigGenerate *generate)
{
	CmigRevisionText *text = &generate->draft.new.text;
	StringInfoData upgrade;
	char	   *comment;

	initStringInfo(&upgrade);
	appendStringInfoString(&upgrade, text->upgrade_sql);
	comment = placeholder(generate, text->upgrade_sql);
	append_unresolved(&upgrade, generate, comment);
	text->upgrade_sql = upgrade.data;
	return with_markers(cmig_draft_content(&generate->draft), comment);
}

/* Returns the hazards, including the unresolved statements. */
static char *
hazards_with_unresolved(const CmigGenerate *generate, const char *hazards)
{
	StringInfoData all;
	ListCell   *cell;

	if (generate->unresolved == NIL)
		return unconstify(char *, hazards);
	initStringInfo(&all);
	appendStringInfoString(&all, hazards ? hazards : "");
	foreach(cell, generate->unresolved)
		appendStringInfo(&all, "%sunresolved: %s", all.len > 0 ? "\n" : "", ((CmigUnresolved *) lfirst(cell))->place);
	return all.data;
}

/* Issue a WARNING about unresolved statements. */
static void
warn_unresolved(const CmigGenerate *generate)
{
	CmigListing places;
	ListCell   *cell;

	if (generate->unresolved == NIL)
		return;
	cmig_listing_init(&places, CMIG_LISTING_LINES);
	foreach(cell, generate->unresolved)
		cmig_listing_add(&places, ((CmigUnresolved *) lfirst(cell))->place);
	ereport(WARNING,
			(errmsg_plural("the revision has %d unresolved statement", "the revision has %d unresolved statements",
						   places.count, places.count),
			 errdetail("%s", cmig_listing_text(&places)),
			 errhint("Each statement is at the end of the upgrade section, below a line \"%s\". Keep the statement if a new database needs it; otherwise, delete it. In either case, delete the line \"%s\".",
					 RESOLVE_MARKER, RESOLVE_MARKER)));
}

void
cmig_generate_put(FunctionCallInfo fcinfo, CmigGenerate *generate, const List *lines)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	CmigRevisionText *text = &generate->draft.new.text;
	CmigSections *sections = cmig_section_layout(lines);
	char	   *hazards;
	Datum		values[COLUMNS];
	bool		nulls[COLUMNS] = {0};

	warn_unsupported(lines);
	warn_unresolved(generate);
	text->upgrade_sql = sections->upgrade;
	text->downgrade_sql = sections->downgrade;
	text->edges.transactional = sections->transactional;

	values[0] = CStringGetTextDatum(text->edges.id);
	values[1] = CStringGetTextDatum(generate->draft.file_name);
	values[2] = CStringGetTextDatum(content_with_unresolved(generate));
	hazards = hazards_with_unresolved(generate, sections->hazards);
	nulls[3] = hazards == NULL;
	values[3] = nulls[3] ? (Datum) 0 : CStringGetTextDatum(hazards);
	if (generate->store)
		cmig_revision_rows_insert(text);
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}
