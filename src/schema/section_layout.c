/*
 * section_layout.c
 *	  Lays out a difference as the sections of a revision file.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "schema/section_layout.h"

/* A section being written. */
typedef struct Section
{
	StringInfoData text;
	const char *group;			/* group of the last statement; NULL if there
								 * is no statement yet */
} Section;

static bool
begins_with(const char *text, const char *start)
{
	return text != NULL && strncmp(text, start, strlen(start)) == 0;
}

void
cmig_section_layout_comment(StringInfo text, const char *comment)
{
	appendStringInfoString(text, "-- ");
	for (const char *p = comment; *p; p++)
	{
		appendStringInfoChar(text, *p == '\n' || *p == '\r' ? ' ' : *p);
		if (p[0] == '-' && p[1] == '-')
			appendStringInfoChar(text, ' ');
	}
	appendStringInfoChar(text, '\n');
}

/*
 * Start a group of statements, after an empty line unless it is the first
 * group.
 */
static void
start_group(Section *section, const char *group)
{
	if (section->group != NULL && strcmp(section->group, group) != 0)
		appendStringInfoChar(&section->text, '\n');
	section->group = group;
}

/*
 * Could row security apply to the rows with which the statement fills a
 * materialized view?  If the view's owner fills it, this is always possible.
 */
static bool
is_filtered(const CmigDiffLine *line, const char *sql)
{
	if (strcmp(line->kind, "materialized view") != 0)
		return false;
	if (strstr(sql, ";\nREFRESH MATERIALIZED VIEW ") != NULL)
		return true;
	return line->filtered && begins_with(sql, "CREATE MATERIALIZED VIEW ") &&
		strstr(sql, "\n  WITH NO DATA") == NULL;
}

/*
 * Add a line's statement, with a comment above it, to the section.  Scripts
 * run with row_security = off, so a statement for which is_filtered() returns
 * true would fail.  Therefore, row_security is turned on for that statement.
 */
static void
append_statement(Section *section, const CmigDiffLine *line, const char *comment, const char *sql)
{
	start_group(section, line->group);
	if (comment != NULL)
		cmig_section_layout_comment(&section->text, comment);
	if (is_filtered(line, sql))
		appendStringInfo(&section->text, "SET row_security = on;\n%s;\nSET row_security = off;\n", sql);
	else
		appendStringInfo(&section->text, "%s;\n", sql);
}

char *
cmig_section_layout_unsupported(const CmigDiffLine *line)
{
	return psprintf("%s %s: %s", line->kind, line->object, line->hazard);
}

static bool
is_unsupported(const CmigDiffLine *line)
{
	return strcmp(line->action, "unsupported") == 0;
}

/*
 * Do the lines distribute tables and change foreign keys?  Citus refuses some
 * combinations of such statements in a transaction, unless it changes one
 * shard after another.
 */
static bool
needs_sequence(const List *lines)
{
	bool		distributes = false,
				has_keys = false;
	ListCell   *cell;

	foreach(cell, lines)
	{
		const CmigDiffLine *line = lfirst(cell);

		distributes |= strcmp(line->kind, "distribution") == 0;
		has_keys |= strcmp(line->kind, "foreign key") == 0;
	}
	return distributes && has_keys;
}

/* Begin a section. */
static void
start_section(Section *section, const List *lines)
{
	initStringInfo(&section->text);
	if (needs_sequence(lines))
		appendStringInfoString(&section->text, "SET citus.multi_shard_modify_mode = 'sequential';\n");
}

/*
 * Returns the upgrade section, with unsupported changes as comments at its
 * end.
 */
static char *
layout_upgrade(const List *lines)
{
	Section		section = {0};
	ListCell   *cell;

	start_section(&section, lines);
	foreach(cell, lines)
	{
		const CmigDiffLine *line = lfirst(cell);

		if (line->upgrade != NULL)
			append_statement(&section, line, line->general_hazard, line->upgrade);
	}
	foreach(cell, lines)
	{
		const CmigDiffLine *line = lfirst(cell);

		if (!is_unsupported(line))
			continue;
		start_group(&section, "unsupported");
		cmig_section_layout_comment(&section.text, psprintf("unsupported: %s", cmig_section_layout_unsupported(line)));
	}
	return section.text.data;
}

/*
 * Does reverting the line's statement drop the whole group?  If so, the
 * downgrade does not need the group's statements that directly precede this
 * drop.
 */
static bool
drops_group(const CmigDiffLine *line)
{
	return strcmp(line->action, "create") == 0 && begins_with(line->downgrade, "DROP ") &&
		strcmp(line->group, psprintf("%s %s", line->kind, line->object)) == 0;
}

/*
 * Does the line at "index" distribute a table that an earlier line creates?  If
 * so, the downgrade drops the table, and need not move the table's rows first.
 */
static bool
distributes_new(const List *lines, int index)
{
	const CmigDiffLine *line = list_nth(lines, index);

	if (strcmp(line->kind, "distribution") != 0 || strcmp(line->action, "create") != 0)
		return false;
	for (int i = 0; i < index; i++)
	{
		const CmigDiffLine *other = list_nth(lines, i);

		if (drops_group(other) && strcmp(other->group, line->group) == 0)
			return true;
	}
	return false;
}

/*
 * Returns the lines that the downgrade section reverts, in reverse order.
 * Leaves out the lines of a group, such as a table, if a statement that drops
 * the whole group directly follows them.
 */
static List *
downgrade_lines(const List *lines)
{
	List	   *result = NIL;

	for (int i = list_length(lines) - 1; i >= 0; i--)
	{
		CmigDiffLine *line = list_nth(lines, i);

		if (line->downgrade == NULL || distributes_new(lines, i))
			continue;
		while (result != NIL && drops_group(line) &&
			   strcmp(((CmigDiffLine *) llast(result))->group, line->group) == 0)
			result = list_truncate(result, list_length(result) - 1);
		result = lappend(result, line);
	}
	return result;
}

/*
 * Returns a comment on the statement that reverts a line, or NULL if it
 * needs none.
 */
static const char *
downgrade_comment(const CmigDiffLine *line)
{
	if (!begins_with(line->hazard, "data loss"))
		return line->undo_hazard;
	return line->undo_hazard ? psprintf("does not restore the data; %s", line->undo_hazard) :
		"does not restore the data";
}

/* Returns the downgrade section, or NULL if a change cannot be reverted. */
static char *
layout_downgrade(const List *lines)
{
	Section		section = {0};
	ListCell   *cell;

	foreach(cell, lines)
		if (begins_with(((CmigDiffLine *) lfirst(cell))->hazard, "cannot be reverted"))
		return NULL;
	start_section(&section, lines);
	foreach(cell, downgrade_lines(lines))
	{
		const CmigDiffLine *line = lfirst(cell);

		append_statement(&section, line, downgrade_comment(line), line->downgrade);
	}
	return section.text.data;
}

CmigSections *
cmig_section_layout(const List *lines)
{
	CmigSections *sections = palloc0(sizeof(CmigSections));
	StringInfoData hazards;
	ListCell   *cell;

	sections->upgrade = layout_upgrade(lines);
	sections->downgrade = layout_downgrade(lines);
	sections->transactional = true;
	initStringInfo(&hazards);
	foreach(cell, lines)
	{
		const CmigDiffLine *line = lfirst(cell);
		const char *hazard = line->hazard ? line->hazard : line->general_hazard;

		if (line->stepwise)
			sections->transactional = false;
		if (hazard == NULL)
			continue;
		appendStringInfo(&hazards, "%s%s%s", hazards.len > 0 ? "\n" : "", is_unsupported(line) ? "unsupported: " : "",
						 is_unsupported(line) ? cmig_section_layout_unsupported(line) : hazard);
	}
	sections->hazards = hazards.len > 0 ? hazards.data : NULL;
	return sections;
}
