/*
 * draft.c
 *	  Creates the contents of new revision files: cmig.draft.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "base/argument.h"
#include "format/file_name.h"
#include "format/revision_format.h"
#include "load/draft.h"
#include "load/file_names.h"
#include "tables/catalog.h"

PG_FUNCTION_INFO_V1(cmig_draft);

void
cmig_draft_arguments(FunctionCallInfo fcinfo, int n, CmigDraft *draft)
{
	CmigNewRevision *new = &draft->new;

	new->text.edges.id = cmig_argument_text(fcinfo, n);
	new->head = cmig_argument_text(fcinfo, n + 1);
	new->splice = cmig_argument_bool(fcinfo, n + 2, false);
	new->label = cmig_argument_text(fcinfo, n + 3);
	if (!PG_ARGISNULL(n + 4))
		new->depends = cmig_argument_list(fcinfo, n + 4, "dependencies");
}

void
cmig_draft_prepare(CmigDraft *draft)
{
	CmigRevisionText *text = &draft->new.text;
	CmigFileNames names;

	if (text->description == NULL)
		text->description = "";
	if (text->upgrade_sql == NULL)
		text->upgrade_sql = "";
	/* round down to whole seconds, as in a manually written header */
	text->created_at = GetCurrentTransactionStartTimestamp();
	text->created_at -= text->created_at % USECS_PER_SEC;
	text->has_created_at = true;

	cmig_create_prepare(&draft->new);
	cmig_revision_canonicalize(text);
	draft->file_name = cmig_file_name_make(draft->template, text);
	cmig_file_names_init(&names, draft->template);
	cmig_catalog_each_name(cmig_file_names_add, &names);
	cmig_file_names_add(text, &names);
	cmig_file_names_require_distinct(&names);
}

char *
cmig_draft_content(CmigDraft *draft)
{
	cmig_revision_canonicalize(&draft->new.text);
	return cmig_revision_format(&draft->new.text);
}

Datum
cmig_draft(PG_FUNCTION_ARGS)
{
	CmigDraft	draft = {0};
	TupleDesc	desc;
	Datum		values[2];
	bool		nulls[2] = {false, false};

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");

	draft.new.text.edges.message = cmig_argument_text(fcinfo, 0);
	cmig_draft_arguments(fcinfo, 1, &draft);
	draft.new.text.edges.transactional = cmig_argument_bool(fcinfo, 6, true);
	draft.template = cmig_argument_text(fcinfo, 7);
	draft.new.text.precondition_sql = cmig_argument_text(fcinfo, 8);
	draft.new.text.downgrade_sql = "";

	cmig_draft_prepare(&draft);
	values[0] = CStringGetTextDatum(draft.file_name);
	values[1] = CStringGetTextDatum(cmig_draft_content(&draft));
	return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls));
}
