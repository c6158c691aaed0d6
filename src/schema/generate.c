/*
 * generate.c
 *	  Revisions that are made from a difference.
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
		cmig_change_begin(function);
	cmig_draft_prepare(&generate->draft);
}

/* Issue a warning about unsupported changes. */
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
				 errhint("Add statements for it to the revision, or change it by hand.")));
}

void
cmig_generate_put(FunctionCallInfo fcinfo, CmigGenerate *generate, const List *lines)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	CmigRevisionText *text = &generate->draft.new.text;
	CmigSections *sections = cmig_section_layout(lines);
	Datum		values[COLUMNS];
	bool		nulls[COLUMNS] = {0};

	warn_unsupported(lines);
	text->upgrade_sql = sections->upgrade;
	text->downgrade_sql = sections->downgrade;
	text->edges.transactional = sections->transactional;

	values[0] = CStringGetTextDatum(text->edges.id);
	values[1] = CStringGetTextDatum(generate->draft.file_name);
	values[2] = CStringGetTextDatum(cmig_draft_content(&generate->draft));
	nulls[3] = sections->hazards == NULL;
	values[3] = nulls[3] ? (Datum) 0 : CStringGetTextDatum(sections->hazards);
	if (generate->store)
		cmig_revision_rows_insert(text);
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}
