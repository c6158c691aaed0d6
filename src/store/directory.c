/*
 * directory.c
 *	  Folders of revision files: cmig.load_directory reads them on the server,
 *	  and cmig.export returns their names and contents.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include <sys/stat.h>

#include "funcapi.h"
#include "mb/pg_wchar.h"
#include "storage/fd.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "base/errors.h"
#include "store/internal.h"

PG_FUNCTION_INFO_V1(cmig_load_directory);

/* An error context callback that names the file that is being converted. */
static void
name_file(void *arg)
{
	errcontext("file \"%s\"", (const char *) arg);
}

/*
 * Returns the contents of a UTF-8 file in the encoding of the database,
 * without a byte order mark.  The result may point into "content".
 */
static char *
decode_file(const char *name, StringInfo content)
{
	ErrorContextCallback callback;
	char	   *text = content->data;
	int			length = content->len;
	int			valid;

	if (length >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0)
	{
		text += 3;
		length -= 3;
	}
	valid = pg_encoding_verifymbstr(PG_UTF8, text, length);
	if (valid < length)
	{
		int			line = 1;

		for (int i = 0; i < valid; i++)
			if (text[i] == '\n')
				line++;
		ereport(ERROR,
				(errcode(ERRCODE_CHARACTER_NOT_IN_REPERTOIRE),
				 errmsg("file \"%s\" is not valid UTF-8", name),
				 errdetail("Line %d contains an unexpected byte 0x%02x.",
						   line, (unsigned char) text[valid]),
				 errhint("Save the file in UTF-8.")));
	}

	/*
	 * the conversion fails if the database's encoding does not have a
	 * character, so add the file's name to the error
	 */
	callback.callback = name_file;
	callback.arg = (void *) name;
	callback.previous = error_context_stack;
	error_context_stack = &callback;
	text = pg_any_to_server(text, length, PG_UTF8);
	error_context_stack = callback.previous;
	return text;
}

/*
 * Use this in ereport() instead of errcode_for_file_access(), which reports
 * some errors caused by an invalid path as internal errors.
 */
static int
errcode_for_path(void)
{
	errcode_for_file_access();
	if (geterrcode() == ERRCODE_INTERNAL_ERROR)
		errcode(ERRCODE_SYSTEM_ERROR);
	return 0;
}

/* Read a file into "content". */
static void
read_file(const char *path, StringInfo content)
{
	FILE	   *file = AllocateFile(path, PG_BINARY_R);

	if (file == NULL)
		ereport(ERROR,
				(errcode_for_path(),
				 errmsg("could not open file \"%s\": %m", path),
				 cmig_hint("The server's operating system user must be able to read it. To load files from the client, pass their text to `cmig.load`.")));
	resetStringInfo(content);
	for (;;)
	{
		size_t		got;

		enlargeStringInfo(content, 65536);
		got = fread(content->data + content->len, 1, 65536, file);
		if (ferror(file))
			ereport(ERROR,
					(errcode_for_path(),
					 errmsg("could not read file \"%s\": %m", path)));
		if (got == 0)
			break;
		content->len += got;
		content->data[content->len] = '\0';
	}
	FreeFile(file);
}

/* Returns the names of a directory's .sql files, except hidden ones. */
static List *
list_directory(const char *path)
{
	List	   *names = NIL;
	DIR		   *directory = AllocateDir(path);
	struct dirent *entry;

	if (directory == NULL)
		ereport(ERROR,
				(errcode_for_path(),
				 errmsg("could not open directory \"%s\": %m", path),
				 cmig_hint("The directory must be on the server, and the server's operating system user must be able to read it. To load files from the client, pass their text to `cmig.load`.")));
	while ((entry = ReadDir(directory, path)) != NULL)
	{
		int			length = strlen(entry->d_name);
		char	   *file;
		struct stat status;

		if (entry->d_name[0] == '.' || length < 5 ||
			strcmp(entry->d_name + length - 4, ".sql") != 0)
			continue;
		file = psprintf("%s/%s", path, entry->d_name);
		if (stat(file, &status) != 0)
			ereport(ERROR,
					(errcode_for_path(),
					 errmsg("could not stat file \"%s\": %m", file)));
		if (S_ISREG(status.st_mode))
			names = lappend(names, pstrdup(entry->d_name));
		pfree(file);
	}
	FreeDir(directory);
	return names;
}

/* Load the .sql files in a directory on the server, ordered by name. */
Datum
cmig_load_directory(PG_FUNCTION_ARGS)
{
	char	   *path = cmig_argument_text(fcinfo, 0);
	List	   *names;
	List	   *files = NIL;
	StringInfoData content;		/* one buffer for all files */

	if (path == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the path must not be null"),
				 errhint("Pass the path of a directory on the server.")));
	if (!has_privs_of_role(GetUserId(), ROLE_PG_READ_SERVER_FILES))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied to read files on the server"),
				 errdetail("cmig.load_directory() requires the privileges of role pg_read_server_files."),
				 cmig_hint("Send the files to `cmig.load()` with psql, or have a superuser GRANT pg_read_server_files TO %s",
						   quote_identifier(GetUserNameFromId(GetUserId(), false)))));

	if (strlen(path) >= MAXPGPATH)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the path is too long"),
				 errdetail("It has %zu bytes; a path has at most %d.", strlen(path), MAXPGPATH - 1),
				 cmig_hint("Pass the path of a directory on the server. To load the text of files, use `cmig.load`.")));
	names = list_directory(path);
	if (names == NIL)
		ereport(ERROR,
				(errcode(ERRCODE_CMIG_BAD_FILE),
				 errmsg("directory \"%s\" contains no .sql files", path),
				 errhint("Specify the directory on the server that contains the revision files; its subdirectories are not read.")));
	cmig_text_list_sort(names);
	initStringInfo(&content);

	foreach_ptr(char, name, names)
	{
		char	   *path_of_file = psprintf("%s/%s", path, name);
		char	   *text;

		CHECK_FOR_INTERRUPTS();
		read_file(path_of_file, &content);
		text = decode_file(name, &content);
		files = list_concat(files, cmig_revision_file_parse(text, name));
		if (text < content.data || text > content.data + content.len)
			pfree(text);
		pfree(path_of_file);
	}
	pfree(content.data);
	return cmig_load_call(fcinfo, "cmig.load_directory()", files);
}

/* ----------------------------------------------------------------
 * Collects revision file names and checks that they are distinct.
 * ----------------------------------------------------------------
 */

void
cmig_file_names_init(CmigFileNames *list, const char *template)
{
	list->template = template;
	list->files = NIL;
	list->scratch = AllocSetContextCreate(CurrentMemoryContext, "pg_cmig file name",
										  ALLOCSET_SMALL_SIZES);
}

void
cmig_file_names_add(const CmigRevisionText *revision, void *arg)
{
	CmigFileNames *list = arg;
	CmigNamedFile *file = palloc(sizeof(CmigNamedFile));
	MemoryContext old = MemoryContextSwitchTo(list->scratch);
	char	   *name = cmig_file_name_make(list->template, revision);

	MemoryContextSwitchTo(old);
	file->name = pstrdup(name);
	file->id = pstrdup(revision->edges.id);
	list->files = lappend(list->files, file);
	MemoryContextReset(list->scratch);
}

/* Compare by file name, then by id. */
static int
compare_files(const ListCell *a, const ListCell *b)
{
	const CmigNamedFile *one = lfirst(a);
	const CmigNamedFile *other = lfirst(b);
	int			result = strcmp(one->name, other->name);

	return result ? result : strcmp(one->id, other->id);
}

void
cmig_file_names_require_distinct(CmigFileNames *list)
{
	const CmigNamedFile *one = NULL;

	list_sort(list->files, compare_files);
	foreach_ptr(const CmigNamedFile, other, list->files)
	{
		if (one != NULL && strcmp(one->name, other->name) == 0)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("file name template \"%s\" gives two revisions the same name",
							list->template),
					 errdetail("Revisions \"%s\" and \"%s\" would both be in \"%s\".",
							   one->id, other->id, one->name),
					 strchr(list->template, '%') ? errhint("Put %%(rev)s into the template.")
					 : cmig_hint("Put %%(rev)s into the template. To export several revisions, pass an array: `SELECT * FROM cmig.export(ARRAY['%s', '%s'])`",
								 one->id, other->id)));
		one = other;
	}
}

/* ----------------------------------------------------------------
 * Writes stored revisions as revision files: cmig.export.
 *
 * A graph with defects can be exported, too, so that its files can be fixed in
 * an editor.
 * ----------------------------------------------------------------
 */

PG_FUNCTION_INFO_V1(cmig_export);
PG_FUNCTION_INFO_V1(cmig_export_array);

/* The state of a call to cmig.export. */
typedef struct Export
{
	FunctionCallInfo fcinfo;
	CmigFileNames names;
	MemoryContext context;		/* memory for one file; reset after each file */
} Export;

/* Callback: add a row with a revision's file to the result. */
static void
put_file(const CmigRevisionText *revision, void *arg)
{
	Export	   *export = arg;
	MemoryContext old;

	CHECK_FOR_INTERRUPTS();
	cmig_file_names_add(revision, &export->names);
	old = MemoryContextSwitchTo(export->context);
	cmig_result_add_text(export->fcinfo, ((CmigNamedFile *) llast(export->names.files))->name,
						 cmig_revision_format(revision));
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
			foreach_int(number, cmig_target_absolute(graph, wanted->names[i]))
				cmig_graph_mark(marks, number);
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
	export.fcinfo = fcinfo;
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
		cmig_catalog_each_text(find_revisions(wanted), put_file, &export);
	}
	else
	{
		cmig_catalog_each_text(NULL, put_file, &export);
		if (export.names.files == NIL)
			cmig_citus_warn_worker();
		cmig_file_names_require_distinct(&export.names);
	}
	MemoryContextDelete(export.context);
	return (Datum) 0;
}

Datum
cmig_export(PG_FUNCTION_ARGS)
{
	return export(fcinfo,
				  PG_ARGISNULL(0) ? NULL : cmig_argument_one(cmig_argument_text(fcinfo, 0)));
}

Datum
cmig_export_array(PG_FUNCTION_ARGS)
{
	return export(fcinfo, cmig_argument_list(fcinfo, 0, "revisions"));
}
