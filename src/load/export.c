/*
 * export.c
 *	  Writes stored revisions as revision files: cmig.export.
 *
 * A graph with defects can be exported, too, so that its files can be fixed in
 * an editor.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "base/argument.h"
#include "base/citus.h"
#include "base/errors.h"
#include "format/revision_format.h"
#include "graph/graph_walk.h"
#include "graph/repeatables.h"
#include "graph/target_range.h"
#include "load/file_names.h"
#include "tables/catalog.h"
#include "tables/version_rows.h"
#include "tables/wrong_call.h"

PG_FUNCTION_INFO_V1(cmig_export);
PG_FUNCTION_INFO_V1(cmig_export_array);
PG_FUNCTION_INFO_V1(cmig_export_wrong);

/* The state of a call to cmig.export. */
typedef struct Export
{
	ReturnSetInfo *result;
	CmigFileNames names;
	MemoryContext context;		/* memory for one file; reset after each file */
} Export;

/* Callback: add a row with a revision's file to the result. */
static void
put_file(const CmigRevisionText *revision, void *arg)
{
	Export	   *export = arg;
	Datum		values[2];
	bool		nulls[2] = {false, false};
	MemoryContext old;

	CHECK_FOR_INTERRUPTS();
	cmig_file_names_add(revision, &export->names);
	old = MemoryContextSwitchTo(export->context);
	values[0] = CStringGetTextDatum(export->names.files[export->names.count - 1].name);
	values[1] = CStringGetTextDatum(cmig_revision_format(revision));
	tuplestore_putvalues(export->result->setResult, export->result->setDesc, values, nulls);
	MemoryContextSwitchTo(old);
	MemoryContextReset(export->context);
}

/*
 * Returns the ids of the revisions to which the identifiers and ranges in
 * "wanted" refer.
 */
static CmigNames *
find_revisions(const CmigNames *wanted)
{
	CmigRevisionSet *set = cmig_catalog_read_revisions(false);
	CmigGraph  *graph = cmig_graph_build(set->revisions, set->count);
	CmigApplied *applied = cmig_applied_find(graph, cmig_version_rows_read());
	CmigMarks  *marks = cmig_graph_marks(graph);
	CmigNames  *ids = palloc0(sizeof(CmigNames));

	cmig_repeatables_add(graph, set->repeatables, set->repeatable_count);
	ids->names = palloc(sizeof(char *) * (graph->count + wanted->count + 1));
	for (int i = 0; i < wanted->count; i++)
	{
		int			node = cmig_graph_find_id(graph, wanted->names[i]);

		if (wanted->names[i][0] == '\0')
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("the revision must not be empty"),
					 errhint("Omit the argument for all revisions, or use an id, heads, current, or a range from:to.")));
		if (node >= 0)
			cmig_graph_mark(marks, node);
		else if (cmig_repeatables_find(graph, wanted->names[i]) >= 0)
			ids->names[ids->count++] = wanted->names[i];
		else if (strchr(wanted->names[i], ':') || strcmp(wanted->names[i], "current") == 0)
		{
			CmigMarks  *range = cmig_target_range(graph, applied, wanted->names[i]);

			for (int j = 0; j < graph->count; j++)
				if (range->set[j])
					cmig_graph_mark(marks, j);
		}
		else
		{
			ListCell   *lc;

			foreach(lc, cmig_target_absolute(graph, wanted->names[i]))
			{
				cmig_graph_mark(marks, lfirst_int(lc));
			}
		}
	}
	for (int j = 0; j < graph->count; j++)
		if (marks->set[j])
			ids->names[ids->count++] = cmig_graph_id(graph, j);
	return ids;
}

/*
 * Return the files of the revisions to which "wanted" refers, or of all
 * revisions if "wanted" is NULL.
 */
static Datum
export(FunctionCallInfo fcinfo, const CmigNames *wanted)
{
	Export		export;

	InitMaterializedSRF(fcinfo, 0);
	export.result = (ReturnSetInfo *) fcinfo->resultinfo;
	cmig_file_names_init(&export.names, cmig_argument_text(fcinfo, 1));
	export.context = AllocSetContextCreate(CurrentMemoryContext, "pg_cmig file",
										   ALLOCSET_DEFAULT_SIZES);

	/*
	 * check that all stored revisions have distinct file names, even if only
	 * some files are returned
	 */
	if (wanted)
	{
		cmig_catalog_each_name(cmig_file_names_add, &export.names);
		cmig_file_names_require_distinct(&export.names);
		cmig_catalog_each_text_of(find_revisions(wanted), put_file, &export);
	}
	else
	{
		cmig_catalog_each_text(put_file, &export);
		if (export.names.count == 0)
			cmig_citus_warn_worker();
		cmig_file_names_require_distinct(&export.names);
	}
	MemoryContextDelete(export.context);
	return (Datum) 0;
}

Datum
cmig_export(PG_FUNCTION_ARGS)
{
	CmigNames	wanted = {0};
	char	   *revision = cmig_argument_text(fcinfo, 0);

	wanted.names = &revision;
	wanted.count = 1;
	return export(fcinfo, revision ? &wanted : NULL);
}

Datum
cmig_export_array(PG_FUNCTION_ARGS)
{
	return export(fcinfo, cmig_argument_list(fcinfo, 0, "revisions"));
}

Datum
cmig_export_wrong(PG_FUNCTION_ARGS)
{
	cmig_wrong_call(fcinfo, 0, 0, "SELECT * FROM cmig.export(", CMIG_SEVERAL_NONE);
}
