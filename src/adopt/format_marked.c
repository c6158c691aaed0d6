/*
 * format_marked.c
 *	  Reads formats that keep the upgrade and the downgrade script in one
 *	  file, separated by comments.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include <ctype.h>

#include "adopt/format_marked.h"
#include "adopt/tool_text.h"
#include "base/errors.h"
#include "parse/lexer.h"

/* The kinds of lines in a migration file. */
typedef enum MarkedLine
{
	LINE_TEXT,
	LINE_UP,
	LINE_DOWN,
	LINE_DROPPED				/* a directive that is left out of both
								 * scripts */
} MarkedLine;

/* The scripts found so far in the file that is being read. */
typedef struct MarkedFile
{
	StringInfoData before;		/* text before the first marker */
	StringInfoData up;
	StringInfoData down;
	bool		has_up;
	bool		has_down;
} MarkedFile;

typedef MarkedLine (*ClassifyLine) (CmigToolRevision *revision, const CmigToolLine *line);

/*
 * Raise MG013 if the line is a marker except for its indentation, with which
 * some versions of the tools take it for a comment.
 */
static void
refuse_indented(CmigToolRevision *revision, const CmigToolLine *line, int number, ClassifyLine classify)
{
	CmigToolLine inner = *line;

	inner.start += strspn(inner.start, " \t");
	if (inner.start > line->start && inner.start < inner.end && classify(revision, &inner) != LINE_TEXT)
		ereport(ERROR,
				(errcode(ERRCODE_CMIG_BAD_FILE),
				 errmsg("cannot convert file \"%s\" to a revision", revision->file->name),
				 errdetail("Line %d is indented: %.*s", number, (int) (inner.end - inner.start), inner.start),
				 errhint("Remove the spaces before it if it is a marker, or the line if it is not.")));
}

/*
 * Raise MG013 if a file with markers has SQL before the first one.  The tools
 * reject such a file, or ignore the SQL.
 */
static void
refuse_before(const CmigToolRevision *revision, const MarkedFile *marked)
{
	CmigLexer	lexer;

	cmig_lexer_init(&lexer, marked->before.data);
	if (cmig_lexer_next_sql(&lexer) != CMIG_TOKEN_END)
		ereport(ERROR,
				(errcode(ERRCODE_CMIG_BAD_FILE),
				 errmsg("cannot convert file \"%s\" to a revision", revision->file->name),
				 errdetail("The statement on line %d is before the first marker.", lexer.line),
				 errhint("Move it after the marker.")));
}

/* Raise MG013 unless the file has a marker for the upgrade. */
static void
require_up(const CmigToolRevision *revision, const MarkedFile *marked, const char *marker)
{
	if (!marked->has_up)
		ereport(ERROR,
				(errcode(ERRCODE_CMIG_BAD_FILE),
				 errmsg("cannot convert file \"%s\" to a revision", revision->file->name),
				 errdetail("It has no line \"%s\".", marker),
				 errhint("Add this line before the SQL of the upgrade.")));
}

/* Split a file's lines into the upgrade script and the downgrade script. */
static void
read_lines(CmigToolRevision *revision, const char *text, ClassifyLine classify, MarkedFile *marked)
{
	CmigToolLine line;
	StringInfo	to = &marked->before;
	int			number = 0;

	memset(marked, 0, sizeof(MarkedFile));
	initStringInfo(&marked->before);
	initStringInfo(&marked->up);
	initStringInfo(&marked->down);
	for (const char *p = text; cmig_tool_text_line(p, &line); p = line.next)
	{
		number++;
		switch (classify(revision, &line))
		{
			case LINE_UP:
				to = &marked->up;
				marked->has_up = true;
				break;
			case LINE_DOWN:
				to = &marked->down;
				marked->has_down = true;
				break;
			case LINE_TEXT:
				refuse_indented(revision, &line, number, classify);
				appendBinaryStringInfo(to, line.start, line.next - line.start);
				break;
			case LINE_DROPPED:
				/* keep the line numbers for refuse_before() */
				if (to == &marked->before)
					appendStringInfoChar(to, '\n');
				break;
		}
	}
	if (marked->has_up || marked->has_down)
		refuse_before(revision, marked);
}

/* Set a revision's scripts to the scripts found by read_lines(). */
static void
set_scripts(CmigImport *import, CmigToolRevision *revision, const MarkedFile *marked)
{
	const CmigToolFile *file = revision->file;

	revision->text.upgrade_sql =
		cmig_import_section(import, file, CMIG_SECTION_UPGRADE, marked->up.data, marked->up.data + marked->up.len);
	if (marked->has_down)
		revision->text.downgrade_sql =
			cmig_import_section(import, file, CMIG_SECTION_DOWNGRADE, marked->down.data, marked->down.data + marked->down.len);
}

/*
 * Add a revision for a file named "<digits>[_-.]title<ending>".  Returns NULL
 * if the file's name does not have this form.
 */
static CmigToolRevision *
add_numbered(CmigImport *import, CmigToolFile *file, const char *ending)
{
	int			digits = cmig_tool_text_digits(file->base);
	CmigToolRevision *revision;
	char	   *title;

	if (digits == 0 || !cmig_tool_text_ends(file->base, ending))
		return NULL;
	revision = cmig_import_add(import, file, pnstrdup(file->base, digits));
	title = cmig_tool_text_without(file->base + digits, ending);
	revision->text.edges.message = cmig_tool_text_message(title + strspn(title, "_-."));
	return revision;
}

/*
 * dbmate
 */

static MarkedLine
classify_dbmate(CmigToolRevision *revision, const CmigToolLine *line)
{
	char	   *rest = cmig_tool_text_after(line, "--", false);
	CmigToolLine comment;
	bool		is_up;

	if (rest == NULL || !cmig_tool_text_line(rest, &comment))
		return LINE_TEXT;
	is_up = cmig_tool_text_begins(rest, "migrate:up");
	if (!is_up && !cmig_tool_text_begins(rest, "migrate:down"))
		return LINE_TEXT;
	rest += strlen(is_up ? "migrate:up" : "migrate:down");
	if (*rest && !isspace((unsigned char) *rest))
		return LINE_TEXT;
	rest += strspn(rest, " \t");
	if (cmig_tool_text_begins(rest, "transaction:false"))
		revision->text.edges.transactional = false;
	else if (*rest)
		cmig_import_note(revision, "unknown option \"%s\" of migrate:%s", rest, is_up ? "up" : "down");
	return is_up ? LINE_UP : LINE_DOWN;
}

void
cmig_format_dbmate(CmigImport *import)
{
	for (int i = 0; i < import->file_count; i++)
	{
		CmigToolFile *file = &import->files[i];
		CmigToolRevision *revision = add_numbered(import, file, ".sql");
		MarkedFile	marked;

		if (revision == NULL)
			continue;
		revision->order = pstrdup(file->base);
		read_lines(revision, file->text, classify_dbmate, &marked);
		require_up(revision, &marked, "-- migrate:up");
		set_scripts(import, revision, &marked);
	}
	cmig_import_sort(import, strcmp);
	cmig_import_chain(import);
}

/*
 * goose
 */

/*
 * The lines ENVSUB ON and ENVSUB OFF are not recognized here, because
 * substitute_environment() has already removed them.
 */
static MarkedLine
classify_goose(CmigToolRevision *revision, const CmigToolLine *line)
{
	char	   *rest = cmig_tool_text_after(line, "--", false);
	CmigToolLine comment;

	if (rest == NULL || !cmig_tool_text_line(rest, &comment))
		return LINE_TEXT;
	rest = cmig_tool_text_after(&comment, "+goose", false);
	if (rest == NULL)
		return LINE_TEXT;
	if (pg_strcasecmp(rest, "up") == 0)
		return LINE_UP;
	if (pg_strcasecmp(rest, "down") == 0)
		return LINE_DOWN;
	if (pg_strcasecmp(rest, "no transaction") == 0)
		revision->text.edges.transactional = false;
	else if (pg_strcasecmp(rest, "statementbegin") != 0 && pg_strcasecmp(rest, "statementend") != 0)
		cmig_import_note(revision, "unknown annotation \"+goose %s\"", rest);
	return LINE_DROPPED;
}

/*
 * Returns the file's text without ENVSUB lines.  Between ENVSUB ON and ENVSUB
 * OFF, environment variables are replaced.
 */
static char *
substitute_environment(CmigImport *import, const CmigToolFile *file)
{
	StringInfoData result;
	StringInfoData newlines;	/* one newline for each line read so far, so
								 * that errors have the right line numbers */
	CmigToolLine line;
	bool		on = false;

	initStringInfo(&result);
	initStringInfo(&newlines);
	for (const char *p = file->text; cmig_tool_text_line(p, &line); p = line.next)
	{
		char	   *rest = cmig_tool_text_after(&line, "-- +goose envsub", false);

		if (rest)
			on = pg_strcasecmp(rest, "on") == 0;
		else if (on)
		{
			char	   *text = psprintf("%s%.*s", newlines.data, (int) (line.next - line.start), line.start);

			appendStringInfoString(&result, cmig_placeholder_fill_environment(import->placeholders, text, file->name) + newlines.len);
		}
		else
			appendBinaryStringInfo(&result, line.start, line.next - line.start);
		appendStringInfoChar(&newlines, '\n');
	}
	return result.data;
}

void
cmig_format_goose(CmigImport *import)
{
	for (int i = 0; i < import->file_count; i++)
	{
		CmigToolFile *file = &import->files[i];
		CmigToolRevision *revision = add_numbered(import, file, ".sql");
		MarkedFile	marked;

		if (revision == NULL)
		{
			revision = cmig_tool_text_ends(file->base, "_test.go") ? NULL : add_numbered(import, file, ".go");
			if (revision)
				cmig_import_not_written(revision, true, psprintf("it is written in Go, in file \"%s\"", file->name));
			continue;
		}
		read_lines(revision, substitute_environment(import, file), classify_goose, &marked);
		require_up(revision, &marked, "-- +goose Up");
		set_scripts(import, revision, &marked);
	}
	cmig_import_sort(import, cmig_tool_text_compare_versions);
	cmig_import_chain(import);
}

/*
 * node-pg-migrate
 */

/*
 * Is this a line such as "-- Up Migration"?  Any number of hyphens and spaces
 * is accepted, and the words can be in upper or lower case.
 */
static bool
is_direction(const CmigToolLine *line, const char *word)
{
	char	   *rest = cmig_tool_text_after(line, "--", true);

	if (rest == NULL)
		return false;
	rest += strspn(rest, "- \t");
	if (pg_strncasecmp(rest, word, strlen(word)) != 0)
		return false;
	rest += strlen(word);
	if (!isspace((unsigned char) *rest))
		return false;
	rest += strspn(rest, " \t");
	return pg_strncasecmp(rest, "migration", strlen("migration")) == 0;
}

static MarkedLine
classify_node_pg_migrate(CmigToolRevision *revision, const CmigToolLine *line)
{
	if (is_direction(line, "up"))
		return LINE_UP;
	return is_direction(line, "down") ? LINE_DOWN : LINE_TEXT;
}

void
cmig_format_node_pg_migrate(CmigImport *import)
{
	for (int i = 0; i < import->file_count; i++)
	{
		CmigToolFile *file = &import->files[i];
		CmigToolRevision *revision;
		MarkedFile	marked;
		char	   *stem;

		const char *language = cmig_tool_text_digits(file->base) > 0 ? cmig_import_language(file->base) : NULL;

		if (language == NULL && !cmig_tool_text_ends(file->base, ".sql"))
			continue;
		stem = cmig_tool_text_without(file->base, strrchr(file->base, '.'));
		revision = cmig_import_add(import, file, cmig_tool_text_id(stem));
		stem += cmig_tool_text_digits(stem);
		revision->text.edges.message = cmig_tool_text_message(stem + strspn(stem, "_-"));
		if (language)
		{
			cmig_import_not_written(revision, true, psprintf("it is written in %s, in file \"%s\"; use the output of \"node-pg-migrate up --dry-run\"", language, file->name));
			continue;
		}
		read_lines(revision, file->text, classify_node_pg_migrate, &marked);
		if (!marked.has_up)
			appendStringInfoString(&marked.up, marked.before.data);
		set_scripts(import, revision, &marked);
	}
	cmig_import_sort(import, cmig_tool_text_compare_versions);
	cmig_import_chain(import);
	import->file_template = "%(rev)s";
}

/*
 * graphile-migrate
 */

static MarkedLine
classify_graphile(CmigToolRevision *revision, const CmigToolLine *line)
{
	char	   *rest = cmig_tool_text_after(line, "--!", false);
	CmigToolLine comment;
	char	   *value;

	if (rest == NULL || !cmig_tool_text_line(rest, &comment))
		return LINE_TEXT;
	if ((value = cmig_tool_text_after(&comment, "message:", false)) != NULL)
		revision->text.edges.message = value;
	else if (pg_strcasecmp(rest, "no-transaction") == 0)
		revision->text.edges.transactional = false;
	else if ((value = cmig_tool_text_after(&comment, "include", false)) != NULL)
		cmig_import_note(revision, "the fixture \"%s\" is not included; replace the line with its text", value);
	else if (!cmig_tool_text_after(&comment, "previous:", false) && !cmig_tool_text_after(&comment, "hash:", false) &&
			 !cmig_tool_text_after(&comment, "allowinvalidhash", false))
		cmig_import_note(revision, "unknown header \"--! %s\"", rest);
	return LINE_DROPPED;
}

/*
 * Is this a file named "current.sql", or a file in a folder named "current"?
 */
static bool
is_current(const CmigToolFile *file)
{
	return strcmp(file->name, "current.sql") == 0 || strstr(file->name, "/current.sql") != NULL ||
		cmig_tool_text_begins(file->name, "current/") || strstr(file->name, "/current/") != NULL;
}

void
cmig_format_graphile_migrate(CmigImport *import)
{
	for (int i = 0; i < import->file_count; i++)
	{
		CmigToolFile *file = &import->files[i];
		CmigToolRevision *revision;
		MarkedFile	marked;

		if (is_current(file))
		{
			file->used = true;
			cmig_import_file_note(import, file->name, "not committed yet; commit it with graphile-migrate, or write it as a revision");
			continue;
		}
		revision = add_numbered(import, file, ".sql");
		if (revision == NULL)
			continue;
		read_lines(revision, file->text, classify_graphile, &marked);
		appendStringInfoString(&marked.up, marked.before.data);
		set_scripts(import, revision, &marked);
	}
	cmig_import_sort(import, cmig_tool_text_compare_versions);
	cmig_import_chain(import);
}
