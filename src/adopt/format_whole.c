/*
 * format_whole.c
 *	  Reads yoyo files, and the structure.sql file of Rails.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include <ctype.h>

#include "adopt/format_whole.h"
#include "adopt/tool_text.h"
#include "base/errors.h"
#include "parse/lexer.h"

/*
 * yoyo
 */

/* Set the revision's parents to the words after "-- depends:" in a comment. */
static void
read_depends(CmigToolRevision *revision, char *text)
{
	CmigNames  *parents = &revision->text.edges.parents;

	parents->names = palloc(sizeof(char *) * (strlen(text) + 1));
	for (char *word = strtok(text, " \t,"); word; word = strtok(NULL, " \t,"))
		parents->names[parents->count++] = cmig_tool_text_id(word);
}

/* Set the revision's parents to the strings in a Python set. */
static void
read_python_depends(CmigToolRevision *revision, const char *set)
{
	char	   *text = pnstrdup(set, strcspn(set, "}"));

	for (char *p = text; *p; p++)
		if (strchr("\"'\n\t", *p))
			*p = ' ';
	read_depends(revision, text);
}

/*
 * Read a message and settings from the comments at the start of a yoyo file.
 */
static void
read_yoyo_header(CmigToolRevision *revision, const char *text)
{
	CmigToolLine line;

	for (const char *p = text; cmig_tool_text_line(p, &line); p = line.next)
	{
		char	   *comment = cmig_tool_text_after(&line, "--", false);
		CmigToolLine inner;
		char	   *value;

		if (comment == NULL)
			break;
		if (!cmig_tool_text_line(comment, &inner))
			continue;
		if ((value = cmig_tool_text_after(&inner, "depends:", false)) != NULL)
			read_depends(revision, value);
		else if ((value = cmig_tool_text_after(&inner, "transactional:", false)) != NULL)
			revision->text.edges.transactional = pg_strcasecmp(value, "false") != 0;
		else if (*revision->text.edges.message == '\0')
			revision->text.edges.message = comment;
	}
}

void
cmig_format_yoyo(CmigImport *import)
{
	for (int i = 0; i < import->file_count; i++)
	{
		CmigToolFile *file = &import->files[i];
		CmigToolRevision *revision;
		CmigToolFile *rollback;
		char	   *stem;

		bool		is_python = cmig_tool_text_ends(file->base, ".py");

		if (!(is_python || cmig_tool_text_ends(file->base, ".sql")) || cmig_tool_text_ends(file->base, ".rollback.sql"))
			continue;
		stem = cmig_tool_text_without(file->base, is_python ? ".py" : ".sql");
		if (strcmp(stem, "post-apply") == 0)
		{
			file->used = true;
			cmig_import_file_note(import, file->name, "yoyo runs this file after each run; run the file in the script that calls cmig.upgrade");
			continue;
		}
		revision = cmig_import_add(import, file, cmig_tool_text_id(stem));
		if (is_python)
		{
			const char *depends = strstr(file->text, "__depends__");

			if (depends && depends[strcspn(depends, "{\n")] == '{')
				read_python_depends(revision, strchr(depends, '{') + 1);
			cmig_import_not_written(revision, true, psprintf("it is written in Python, in file \"%s\"", file->name));
			continue;
		}
		read_yoyo_header(revision, file->text);
		revision->text.upgrade_sql = cmig_import_whole(import, file, CMIG_SECTION_UPGRADE);
		rollback = cmig_import_file(import, psprintf("%s.rollback.sql", cmig_tool_text_without(file->name, ".sql")));
		if (rollback)
			revision->text.downgrade_sql = cmig_import_whole(import, rollback, CMIG_SECTION_DOWNGRADE);
	}
	import->file_template = "%(rev)s";
}

/*
 * Ruby on Rails
 */

/*
 * Returns the highest version in the VALUES list of INSERT INTO
 * schema_migrations, or NULL if there is none.
 */
static char *
last_version(const char *insert)
{
	char	   *last = NULL;

	for (const char *p = insert; *p && *p != ';'; p++)
		if (*p == '\'' && cmig_tool_text_digits(p + 1) > 0)
		{
			char	   *version = pnstrdup(p + 1, cmig_tool_text_digits(p + 1));

			if (last == NULL || cmig_tool_text_compare_versions(version, last) > 0)
				last = version;
			p += strlen(version) + 1;
		}
	return last;
}

/*
 * Returns the start of the line that begins with INSERT INTO schema_migrations,
 * or NULL if there is no such line.
 */
static const char *
find_insert(const char *text)
{
	CmigToolLine line;

	for (const char *p = text; cmig_tool_text_line(p, &line); p = line.next)
		if (cmig_tool_text_after(&line, "INSERT INTO \"schema_migrations\"", false) ||
			cmig_tool_text_after(&line, "INSERT INTO schema_migrations", false))
			return line.start;
	return NULL;
}

/*
 * Returns the script without psql commands and without the lines in which
 * pg_dump sets search_path.
 */
static char *
without_dump_lines(const char *start, const char *end)
{
	StringInfoData result;
	CmigToolLine line;

	initStringInfo(&result);
	for (const char *p = start; p < end && cmig_tool_text_line(p, &line); p = line.next)
		if (*line.start != '\\' && !cmig_tool_text_after(&line, "SELECT pg_catalog.set_config('search_path'", false) &&
			!cmig_tool_text_after(&line, "SET search_path", false))
			appendBinaryStringInfo(&result, line.start, Min(line.next, end) - line.start);
	return result.data;
}

static void
read_structure(CmigImport *import, CmigToolFile *file)
{
	const char *insert = find_insert(file->text);
	char	   *version = insert ? last_version(insert) : NULL;
	CmigToolRevision *revision;
	char	   *text;

	if (version == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_CMIG_BAD_FILE),
				 errmsg("file \"%s\" does not insert versions into schema_migrations", file->name),
				 errhint("Set config.active_record.schema_format = :sql, and run: bin/rails db:schema:dump")));
	revision = cmig_import_add(import, file, version);
	revision->text.edges.message = "Schema of structure.sql";
	text = without_dump_lines(file->text, insert);
	revision->text.upgrade_sql = cmig_import_section(import, file, CMIG_SECTION_UPGRADE, text, text + strlen(text));
	cmig_import_note(revision, "one revision for all migrations up to %s; it also creates schema_migrations and ar_internal_metadata, which only Rails uses", version);
}

void
cmig_format_rails(CmigImport *import)
{
	for (int i = 0; i < import->file_count; i++)
	{
		CmigToolFile *file = &import->files[i];

		if (cmig_tool_text_ends(file->base, "structure.sql"))
			read_structure(import, file);
		else if (cmig_tool_text_ends(file->base, ".rb"))
			file->used = true;
	}
	cmig_import_chain(import);
}
