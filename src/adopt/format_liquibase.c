/*
 * format_liquibase.c
 *	  Reads Liquibase formatted SQL.
 *
 * Each line "--changeset author:id attributes" begins a change set, and the
 * "--rollback" lines of the change set are its downgrade script.  The id of
 * the resulting revision is "author.id".
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "adopt/format_liquibase.h"
#include "adopt/tool_text.h"

/* The change set that is being read. */
typedef struct ChangeSet
{
	CmigToolRevision *revision; /* NULL before the file's first change set */
	StringInfoData up;
	StringInfoData down;
	bool		has_down;
	bool		in_rollback;	/* true if the current line is inside a
								 * rollback block comment */
} ChangeSet;

/*
 * If the line has the form "--word ..." or "-- word ...", returns the rest of
 * the line.  Otherwise, returns NULL.
 */
static char *
directive(const CmigToolLine *line, const char *word)
{
	char	   *rest = cmig_tool_text_after(line, "--", true);
	CmigToolLine comment;
	char	   *after;

	if (rest == NULL || !cmig_tool_text_line(rest, &comment))
		return NULL;
	after = cmig_tool_text_after(&comment, word, true);
	if (after == NULL)
		return NULL;
	/* the directive must be a whole word */
	rest += strspn(rest, " \t") + strlen(word);
	return *rest == '\0' || strchr(" \t:", *rest) ? after : NULL;
}

/* Store the scripts of the current change set in its revision. */
static void
end_change_set(CmigImport *import, ChangeSet *set)
{
	CmigToolRevision *revision = set->revision;

	if (revision == NULL)
		return;
	revision->text.upgrade_sql =
		cmig_import_section(import, revision->file, CMIG_SECTION_UPGRADE, set->up.data, set->up.data + set->up.len);
	if (set->has_down)
		revision->text.downgrade_sql =
			cmig_import_section(import, revision->file, CMIG_SECTION_DOWNGRADE, set->down.data, set->down.data + set->down.len);
}

/*
 * Apply a change set's attribute, such as runInTransaction:false, to its
 * revision.
 */
static void
read_attribute(CmigToolRevision *revision, const char *attribute)
{
	if (pg_strcasecmp(attribute, "runInTransaction:false") == 0)
		revision->text.edges.transactional = false;
	else if (pg_strcasecmp(attribute, "runOnChange:true") == 0 || pg_strcasecmp(attribute, "runAlways:true") == 0)
	{
		revision->text.edges.repeatable = true;
		cmig_import_note(revision, "%s: pg_cmig runs it after all others, if it has changed", attribute);
	}
	else if (pg_strcasecmp(attribute, "splitStatements:true") != 0 && pg_strcasecmp(attribute, "splitStatements:false") != 0 &&
			 pg_strncasecmp(attribute, "stripComments:", 14) != 0 && pg_strncasecmp(attribute, "logicalFilePath:", 16) != 0 &&
			 pg_strcasecmp(attribute, "runInTransaction:true") != 0 && pg_strcasecmp(attribute, "failOnError:true") != 0)
		cmig_import_note(revision, "the attribute %s is ignored", attribute);
}

/* Begin a change set, given the text "author:id attribute:value ...". */
static void
begin_change_set(CmigImport *import, ChangeSet *set, CmigToolFile *file, char *text)
{
	char	   *name = strtok(text, " \t");
	char	   *colon = name ? strchr(name, ':') : NULL;
	char	   *word;

	end_change_set(import, set);
	memset(set, 0, sizeof(ChangeSet));
	initStringInfo(&set->up);
	initStringInfo(&set->down);
	if (colon)
		*colon = '.';
	set->revision = cmig_import_add(import, file, cmig_tool_text_id(name ? name : ""));
	while ((word = strtok(NULL, " \t")) != NULL)
		read_attribute(set->revision, word);
}

/*
 * Process a "--rollback" line.  "text" is the SQL or keyword after
 * "--rollback".
 */
static void
read_rollback(ChangeSet *set, const char *text)
{
	set->has_down = true;
	if (pg_strcasecmp(text, "empty") == 0 || pg_strcasecmp(text, "not required") == 0 || *text == '\0')
		return;
	if (pg_strncasecmp(text, "changesetid:", 12) == 0 || pg_strncasecmp(text, "changesetauthor:", 16) == 0)
	{
		cmig_import_note(set->revision, "its rollback refers to another change set; write the downgrade section by hand");
		set->has_down = false;
		return;
	}
	appendStringInfo(&set->down, "%s\n", text);
}

/*
 * If the line is a directive, process it and return true.  Otherwise, the line
 * is part of a script.
 */
static bool
read_directive(ChangeSet *set, const CmigToolLine *line)
{
	char	   *text;

	if ((text = directive(line, "rollback")) != NULL)
		read_rollback(set, text);
	else if ((text = directive(line, "comment")) != NULL)
		set->revision->text.edges.message = *text == ':' ? text + 1 + strspn(text + 1, " \t") : text;
	else if ((text = directive(line, "preconditions")) != NULL || (text = directive(line, "precondition-sql-check")) != NULL ||
			 (text = directive(line, "property")) != NULL || (text = directive(line, "ignoreLines")) != NULL)
		cmig_import_note(set->revision, "left out: %.*s", (int) (line->end - line->start), line->start);
	else
		return directive(line, "validCheckSum") != NULL;
	return true;
}

/*
 * If the line belongs to a block comment that begins with "liquibase
 * rollback", process it and return true.
 */
static bool
read_rollback_block(ChangeSet *set, const CmigToolLine *line)
{
	char	   *text = cmig_tool_text_after(line, "/* liquibase rollback", true);

	if (text)
	{
		set->in_rollback = set->has_down = true;
		return true;
	}
	if (!set->in_rollback)
		return false;
	if (cmig_tool_text_after(line, "*/", true))
		set->in_rollback = false;
	else
		appendBinaryStringInfo(&set->down, line->start, line->next - line->start);
	return true;
}

static void
read_file(CmigImport *import, CmigToolFile *file)
{
	ChangeSet	set = {0};
	CmigToolLine line;

	file->used = true;
	for (const char *p = file->text; cmig_tool_text_line(p, &line); p = line.next)
	{
		char	   *text = directive(&line, "changeset");

		if (text)
			begin_change_set(import, &set, file, text);
		else if (set.revision && !read_rollback_block(&set, &line) && !read_directive(&set, &line))
			appendBinaryStringInfo(&set.up, line.start, line.next - line.start);
	}
	end_change_set(import, &set);
}

void
cmig_format_liquibase(CmigImport *import)
{
	for (int i = 0; i < import->file_count; i++)
	{
		CmigToolLine line;

		if (cmig_tool_text_line(import->files[i].text, &line) && directive(&line, "liquibase formatted sql"))
			read_file(import, &import->files[i]);
	}
	cmig_import_chain(import);
	if (list_length(import->revisions) > 0)
		cmig_import_file_note(import, ((CmigToolRevision *) linitial(import->revisions))->file->name,
							  "the files are in the order of their names; compare this with the order in the change log");
	import->file_template = "%(rev)s";
}
