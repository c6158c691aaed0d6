/*
 * export.c
 *	  Revision files from the catalog: cmig.draft and cmig.export.
 *
 * Export also works with a broken graph, so that it can be fixed in an editor.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "base/argument.h"
#include "base/compat.h"
#include "base/errors.h"
#include "format/file_name.h"
#include "format/revision_format.h"
#include "graph/graph_walk.h"
#include "graph/target_range.h"
#include "load/create.h"
#include "tables/catalog.h"
#include "tables/version_rows.h"

PG_FUNCTION_INFO_V1(cmig_draft);
PG_FUNCTION_INFO_V1(cmig_export);
PG_FUNCTION_INFO_V1(cmig_export_array);

/* A file name and its revision, to find two files with the same name. */
typedef struct NamedFile
{
	char	   *name;
	char	   *id;
} NamedFile;

/* All file names that a template gives. */
typedef struct NameList
{
	const char *template;
	int			count;
	int			allocated;
	NamedFile  *files;
	MemoryContext scratch;		/* reset after each name */
} NameList;

/*
 * File names
 */

/* An empty list. */
static void
init_names(NameList *list, const char *template)
{
	memset(list, 0, sizeof(NameList));
	list->template = template;
	list->scratch = AllocSetContextCreate(CurrentMemoryContext, "pg_cmig file name",
										  ALLOCSET_SMALL_SIZES);
}

/* Add a revision's file name to the list, in the current memory context. */
static void
add_name(const CmigRevisionText *revision, void *arg)
{
	NameList   *list = arg;
	NamedFile  *file;
	MemoryContext old;
	char	   *name;

	if (list->count == list->allocated)
	{
		list->allocated = Max(2 * list->allocated, 256);
		list->files = list->files ?
			repalloc_huge(list->files, sizeof(NamedFile) * (Size) list->allocated) :
			palloc(sizeof(NamedFile) * list->allocated);
	}
	file = &list->files[list->count++];
	old = MemoryContextSwitchTo(list->scratch);
	name = cmig_file_name_make(list->template, revision);
	MemoryContextSwitchTo(old);
	file->name = pstrdup(name);
	file->id = pstrdup(revision->edges.id);
	MemoryContextReset(list->scratch);
}

/* For qsort: by file name, then by id. */
static int
compare_files(const void *a, const void *b)
{
	const NamedFile *one = a;
	const NamedFile *other = b;
	int			result = strcmp(one->name, other->name);

	return result ? result : strcmp(one->id, other->id);
}

/* Raise an error if the template gives two revisions the same name. */
static void
require_distinct_names(NameList *list)
{
	if (list->count > 1)
		qsort(list->files, list->count, sizeof(NamedFile), compare_files);
	for (int i = 1; i < list->count; i++)
	{
		const NamedFile *one = &list->files[i - 1];
		const NamedFile *other = &list->files[i];

		if (strcmp(one->name, other->name) == 0)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("file name template \"%s\" gives two revisions the same name",
							list->template),
					 errdetail("Revisions \"%s\" and \"%s\" would both be in \"%s\".",
							   one->id, other->id, one->name),
					 errhint("Put %%(rev)s into the template.")));
	}
}

/*
 * cmig.draft
 */

Datum
cmig_draft(PG_FUNCTION_ARGS)
{
	CmigNewRevision new = {0};
	char	   *template = cmig_argument_text(fcinfo, 7);
	NameList	names;
	TupleDesc	desc;
	Datum		values[2];
	bool		nulls[2] = {false, false};

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");

	new.text.edges.message = cmig_argument_text(fcinfo, 0);
	new.text.edges.id = cmig_argument_text(fcinfo, 1);
	new.head = cmig_argument_text(fcinfo, 2);
	new.splice = cmig_argument_bool(fcinfo, 3, false);
	new.label = cmig_argument_text(fcinfo, 4);
	if (!PG_ARGISNULL(5))
		new.depends = cmig_argument_list(fcinfo, 5, "dependencies");
	new.text.edges.transactional = cmig_argument_bool(fcinfo, 6, true);
	new.text.description = "";
	new.text.upgrade_sql = "";
	new.text.downgrade_sql = "";
	/* whole seconds, as in a header written by hand */
	new.text.created_at = GetCurrentTransactionStartTimestamp();
	new.text.created_at -= new.text.created_at % USECS_PER_SEC;
	new.text.has_created_at = true;

	cmig_create_prepare(&new);
	cmig_revision_canonicalize(&new.text);
	values[0] = CStringGetTextDatum(cmig_file_name_make(template, &new.text));
	init_names(&names, template);
	cmig_catalog_each_name(add_name, &names);
	add_name(&new.text, &names);
	require_distinct_names(&names);
	values[1] = CStringGetTextDatum(cmig_revision_format(&new.text));
	return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls));
}

/*
 * cmig.export
 */

/* A call of cmig.export. */
typedef struct Export
{
	ReturnSetInfo *result;
	NameList	names;
	MemoryContext context;		/* reset after each file */
} Export;

/* Return the file of a revision as a row. */
static void
put_file(const CmigRevisionText *revision, void *arg)
{
	Export	   *export = arg;
	Datum		values[2];
	bool		nulls[2] = {false, false};
	MemoryContext old;

	CHECK_FOR_INTERRUPTS();
	add_name(revision, &export->names);
	old = MemoryContextSwitchTo(export->context);
	values[0] = CStringGetTextDatum(export->names.files[export->names.count - 1].name);
	values[1] = CStringGetTextDatum(cmig_revision_format(revision));
	tuplestore_putvalues(export->result->setResult, export->result->setDesc, values, nulls);
	MemoryContextSwitchTo(old);
	MemoryContextReset(export->context);
}

/* The ids of the revisions that identifiers or ranges name. */
static CmigNames *
find_revisions(const CmigNames *wanted)
{
	CmigRevisionSet *set = cmig_catalog_read_revisions(false);
	CmigGraph  *graph = cmig_graph_build(set->revisions, set->count);
	CmigApplied *applied = cmig_target_applied(graph, cmig_version_rows_read());
	CmigMarks  *marks = cmig_graph_marks(graph);
	CmigNames  *ids = palloc0(sizeof(CmigNames));

	for (int i = 0; i < wanted->count; i++)
	{
		int			node = cmig_graph_find_id(graph, wanted->names[i]);

		if (wanted->names[i][0] == '\0')
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("the revision must not be empty"),
					 errhint("Leave it out for all revisions, or use an id, heads, current, or a range from:to.")));
		if (node >= 0)
			cmig_graph_mark(marks, node);
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
	ids->names = palloc(sizeof(char *) * (marks->count + 1));
	for (int j = 0; j < graph->count; j++)
		if (marks->set[j])
			ids->names[ids->count++] = cmig_graph_id(graph, j);
	return ids;
}

/* Return the files of the wanted revisions, or of all if wanted is NULL. */
static Datum
export(FunctionCallInfo fcinfo, const CmigNames *wanted)
{
	Export		export;

	InitMaterializedSRF(fcinfo, 0);
	export.result = (ReturnSetInfo *) fcinfo->resultinfo;
	init_names(&export.names, cmig_argument_text(fcinfo, 1));
	export.context = AllocSetContextCreate(CurrentMemoryContext, "pg_cmig file",
										   ALLOCSET_DEFAULT_SIZES);

	/* check the names of all revisions, even if only some are wanted */
	if (wanted)
	{
		cmig_catalog_each_name(add_name, &export.names);
		require_distinct_names(&export.names);
		cmig_catalog_each_text_of(find_revisions(wanted), put_file, &export);
	}
	else
	{
		cmig_catalog_each_text(put_file, &export);
		require_distinct_names(&export.names);
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
