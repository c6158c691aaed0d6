/*
 * import.c
 *	  cmig.import_files: converts other migration tools' files to revision
 *	  files.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"

#include "adopt/internal.h"
#include "base/errors.h"
#include "run/run.h"

PG_FUNCTION_INFO_V1(cmig_import_files);

void
cmig_import_require_contents(const CmigNames *names, const CmigNames *contents)
{
	if (names->count != contents->count)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("file_names has %d elements, but contents has %d", names->count,
						contents->count),
				 errhint("Pass the contents of each file, in the order of file_names.")));
}

/* Build the list of files from two arrays, and sort it by name. */
static void
read_files(CmigImport *import, const CmigNames *names, const CmigNames *contents)
{
	cmig_import_require_contents(names, contents);
	import->file_count = names->count;
	import->files = palloc0(sizeof(CmigToolFile) * Max(names->count, 1));
	for (int i = 0; i < names->count; i++)
	{
		CmigToolFile *file = &import->files[i];
		char	   *name = names->names[i];
		char	   *text = contents->names[i];
		char	   *slash;
		char	   *folder;

		for (char *p = name; *p; p++)
			if (*p == '\\')
				*p = '/';
		while (strncmp(name, "./", 2) == 0)
			name += 2;
		file->name = name;
		slash = strrchr(name, '/');
		file->base = slash ? slash + 1 : name;
		folder = slash ? pnstrdup(name, slash - name) : pstrdup("");
		slash = strrchr(folder, '/');
		file->folder = slash ? slash + 1 : folder;

		file->text = pstrdup(strncmp(text, "\xef\xbb\xbf", 3) == 0 ? text + 3 : text);
		cmig_section_text_drop_carriage_returns(file->text);
	}
	qsort(import->files, import->file_count, sizeof(CmigToolFile), pg_qsort_strcmp);
	for (int i = 1; i < import->file_count; i++)
		if (strcmp(import->files[i].name, import->files[i - 1].name) == 0)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("file name \"%s\" is given twice", import->files[i].name)));
}

char *
cmig_tool_file_folder(const CmigToolFile *file)
{
	return pnstrdup(file->name, Max(file->base - file->name - 1, 0));
}

/* Returns the folder in which the tool finds the file, or the migration's own folder. */
static char *
read_folder(const struct CmigFormat *format, const CmigToolFile *file)
{
	static const char *const in_folders[] = {
		"migration.sql", "snapshot.json", "_journal.json", "up.sql", "down.sql", "metadata.toml"
	};
	char	   *folder = cmig_tool_file_folder(file);
	int			outer = strlen(folder) - strlen(file->folder) - 1;
	bool		is_inner = format->one_folder_each && strcmp(file->folder, "meta") == 0;

	for (int i = 0; i < lengthof(in_folders) && format->one_folder_each; i++)
		is_inner |= strcmp(file->base, in_folders[i]) == 0;
	return is_inner ? pnstrdup(folder, Max(outer, 0)) : folder;
}

/*
 * For a tool that reads one folder: leave out what is in its subfolders.  Raises
 * MG013 if there are revisions in several folders of which none contains the
 * others.
 */
static void
keep_one_folder(CmigImport *import, const struct CmigFormat *format)
{
	List	   *kept = NIL;
	char	   *top = NULL;

	foreach_ptr(CmigToolRevision, revision, import->revisions)
	{
		char	   *folder = read_folder(format, revision->file);

		if (top == NULL || cmig_tool_folder_is_in(top, folder))
			top = folder;
	}
	foreach_ptr(CmigToolRevision, revision, import->revisions)
	{
		char	   *folder = read_folder(format, revision->file);

		if (!cmig_tool_folder_is_in(folder, top))
			ereport(ERROR,
					(errcode(ERRCODE_CMIG_BAD_FILE),
					 errmsg("there are %s files in several folders", import->format),
					 errdetail("They are in \"%s\" and \"%s\", and %s reads one folder.", top,
							   folder, import->format),
					 errhint("Convert the files of one folder, or copy all of them into one.")));
		if (strcmp(folder, top) == 0)
			kept = lappend(kept, revision);
	}
	import->revisions = kept;
	for (int i = 0; top && i < import->file_count; i++)
		if (import->files[i].used && strcmp(read_folder(format, &import->files[i]), top) != 0)
			cmig_import_file_note(import, import->files[i].name,
								  psprintf("left out, because %s does not read subfolders",
										   import->format));
}

const char *
cmig_import_language(const char *name)
{
	static const char *const languages[][2] = {
		{".go", "Go"}, {".java", "Java"}, {".kt", "Kotlin"}, {".rs", "Rust"}, {".py", "Python"},
		{".js", "JavaScript"}, {".ts", "TypeScript"}, {".sh", "shell"}, {".bash", "shell"},
		{".ps1", "PowerShell"}, {".bat", "batch"}, {".cmd", "batch"}
	};
	const char *dot = strrchr(name, '.');

	for (int i = 0; dot && i < lengthof(languages); i++)
		if (strcmp(dot, languages[i][0]) == 0)
			return languages[i][1];
	return NULL;
}

void
cmig_import_note_left(const CmigImport *import, CmigToolRevision *revision, CmigSection section,
					  const char *sql)
{
	CmigScriptReader *reader = cmig_script_open(sql);
	CmigStatement statement;
	List	   *settings = NIL;
	List	   *objects = NIL;
	List	   *left = NIL;
	const CmigToolRevision *last = section == CMIG_SECTION_UPGRADE ? llast(import->revisions) :
	linitial(import->revisions);

	if (import->keeps == 0 || revision == last)
		return;
	while (cmig_script_next(reader, &statement))
		cmig_statement_follow_session(statement.raw, import->keeps & CMIG_KEEPS_LOCAL, &settings,
									  &objects);
	cmig_script_close(reader);
	foreach_ptr(char, name, settings)
	{
		int			kind = strcmp(name, "search_path") == 0 ? CMIG_KEEPS_PATH :
		strcmp(name, "role") == 0 || strcmp(name, "session_authorization") == 0 ?
		CMIG_KEEPS_ROLE : CMIG_KEEPS_SETTINGS;

		if (import->keeps & kind)
			left = lappend(left, name);
	}
	left = list_concat(left, objects);
	if (left)
		cmig_import_note(revision,
						 psprintf("what its %s script leaves in the session (%s) ends with the revision;"
								  " in %s, it can hold for the migrations that follow in the same run",
								  cmig_marker_sections[section], cmig_text_join(left, NULL),
								  import->format));
}

CmigNames *
cmig_import_list_argument(FunctionCallInfo fcinfo, int n, const char *name)
{
	ArrayType  *array = PG_GETARG_ARRAYTYPE_P(n);

	if (ARR_NDIM(array) > 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s must be one-dimensional", name)));
	return cmig_argument_names(array, name, NULL);
}

/* Returns the members of a JSON object as placeholders. */
static CmigPlaceholders *
read_placeholders(Jsonb *jsonb)
{
	CmigPlaceholders *result = palloc0(sizeof(CmigPlaceholders));
	JsonbIterator *iterator = JsonbIteratorInit(&jsonb->root);
	JsonbIteratorToken token;
	JsonbValue	value;
	char	   *parsed;
	bool		literal;

	if (!JB_ROOT_IS_OBJECT(jsonb))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("placeholders must be a JSON object"),
				 cmig_hint("Write `placeholders => '{\"<name>\": \"<value>\"}'`")));
	result->items = palloc0(sizeof(CmigPlaceholder) * Max(JB_ROOT_COUNT(jsonb), 1));
	while ((token = JsonbIteratorNext(&iterator, &value, true)) != WJB_DONE)
	{
		CmigPlaceholder *item = &result->items[result->count];

		if (token == WJB_KEY)
		{
			item->name = pnstrdup(value.val.string.val, value.val.string.len);
			if (*item->name == ':')
				item->name++;
		}
		else if (token == WJB_VALUE)
		{
			if (value.type == jbvString)
				item->value = pnstrdup(value.val.string.val, value.val.string.len);
			else if (value.type == jbvNumeric)
				item->value = DatumGetCString(DirectFunctionCall1(numeric_out,
																  NumericGetDatum(value.val.numeric)));
			else if (value.type == jbvBool)
				item->value = pstrdup(value.val.boolean ? "true" : "false");
			else if (value.type != jbvNull)
				ereport(ERROR,
						(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						 errmsg("the value of placeholder \"%s\" must be a string, a number, or a boolean, or null to keep it", item->name)));
			else if (!cmig_substitute_parse(item->name, &parsed, &literal) ||
					 strcmp(parsed, item->name) != 0)
				ereport(ERROR,
						(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						 errmsg("placeholder \"%s\" requires a value", item->name),
						 errdetail("Only a placeholder whose name consists of lower-case letters, digits, and _ can be kept."),
						 cmig_hint("Pass its value: `placeholders => '{\"%s\": \"<value>\"}'`",
								   item->name)));
			result->count++;
		}
	}
	return result;
}

Datum
cmig_import_files(PG_FUNCTION_ARGS)
{
	CmigImport	import = {0};
	const CmigTool *tool;
	const struct CmigFormat *format;
	int			guc_level;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1) || PG_ARGISNULL(2))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("format, file_names, and contents must not be null"),
				 errhint("SELECT * FROM cmig.import_files('<format>', ARRAY['<file name>'], ARRAY['<content>'])")));
	tool = cmig_tool_find(cmig_argument_text(fcinfo, 0), true);
	format = tool->format;
	import.format = tool->name;
	import.style = format->style;
	import.keeps = format->keeps;
	import.file_template = format->file_template ? format->file_template : CMIG_FILE_NAME_TEMPLATE;
	import.placeholders = PG_ARGISNULL(3) ? palloc0(sizeof(CmigPlaceholders)) :
		read_placeholders(PG_GETARG_JSONB_P(3));
	read_files(&import, cmig_import_list_argument(fcinfo, 1, "file_names"),
			   cmig_import_list_argument(fcinfo, 2, "contents"));

	InitMaterializedSRF(fcinfo, 0);
	guc_level = cmig_session_read_quietly();
	if (format->read)
		format->read(&import);
	for (int i = 0; format->read_file && i < import.file_count; i++)
		format->read_file(&import, &import.files[i]);
	if (format->one_folder || format->one_folder_each)
		keep_one_folder(&import, format);
	if (format->compare)
	{
		cmig_import_sort(&import, format->compare);
		cmig_import_chain(&import);
	}
	cmig_import_finish(&import);
	AtEOXact_GUC(false, guc_level);
	foreach_ptr(CmigToolRevision, revision, import.revisions)
	{
		const char *template = import.file_template;

		CHECK_FOR_INTERRUPTS();
		cmig_revision_canonicalize(&revision->text);
		if (revision->file_template)
			template = revision->file_template;
		else if (*revision->text.edges.message == '\0')
			template = "%(rev)s";
		cmig_result_add_text(fcinfo, cmig_file_name_make(template, &revision->text),
							 cmig_revision_format(&revision->text),
							 revision->notes.len > 0 ? revision->notes.data : NULL);
	}
	foreach_ptr(List, note, import.notes)
		cmig_result_add_text(fcinfo, linitial(note), NULL, lsecond(note));
	return (Datum) 0;
}
