/*
 * section.c
 *	  Lays out a difference as the sections of a revision file.
 *
 * Statements about the same table, or other object, are kept together and
 * followed by an empty line.  A hazard is written as a comment above its
 * statement.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "utils/builtins.h"

#include "schema/internal.h"

/* A section being written. */
typedef struct Section
{
	StringInfoData text;
	const char *group;			/* group of the last statement; NULL if there
								 * is no statement yet */
} Section;

void
cmig_section_comment(StringInfo text, const char *comment)
{
	appendStringInfoString(text, "-- ");
	for (const char *p = cmig_text_one_line(pstrdup(comment)); *p; p++)
	{
		appendStringInfoChar(text, *p);
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
	foreach_node(RawStmt, raw, cmig_raw_parse(sql, RAW_PARSE_DEFAULT))
	{
		if (IsA(raw->stmt, RefreshMatViewStmt))
			return true;
		if (IsA(raw->stmt, CreateTableAsStmt) && line->filtered &&
			!((CreateTableAsStmt *) raw->stmt)->into->skipData)
			return true;
	}
	return false;
}

List *
cmig_section_statements(const char *sql, bool in_block)
{
	List	   *statements = NIL;

	foreach_node(RawStmt, raw, cmig_raw_parse(sql, RAW_PARSE_DEFAULT))
	{
		const char *start = sql + raw->stmt_location;
		char	   *statement = raw->stmt_len > 0 ? pnstrdup(start, raw->stmt_len) : pstrdup(start);
		CmigLexer	lexer;

		statement += strspn(statement, " \n");
		cmig_lexer_init(&lexer, statement);
		cmig_lexer_next_sql(&lexer);
		if (in_block && cmig_lexer_is_word(&lexer, "select"))
			statement = psprintf("PERFORM%s", lexer.next);
		else if (in_block && IsA(raw->stmt, CreateFunctionStmt) &&
				 ((CreateFunctionStmt *) raw->stmt)->sql_body != NULL)
			statement = psprintf("EXECUTE %s", quote_literal_cstr(statement));
		statements = lappend(statements, statement);
	}
	return statements;
}

/* Does the line have a statement of its own, for the upgrade or the downgrade? */
static bool
is_written(const CmigDiffLine *line, bool upgrade)
{
	const char *sql = upgrade ? line->upgrade : line->downgrade;

	return sql != NULL && strcmp(sql, CMIG_NO_STATEMENT) != 0;
}

void
cmig_section_line(StringInfo text, const CmigDiffLine *line, bool upgrade, bool in_block, bool bare)
{
	const char *sql = upgrade ? line->upgrade : line->downgrade;
	const char *comment = upgrade ? line->general_hazard : line->undo_hazard;

	if (!upgrade && cmig_text_begins(line->hazard, "data loss"))
		comment = comment ? psprintf("does not restore the data; %s", comment) :
			"does not restore the data";
	for (const char *note = upgrade &&
		 !bare ? line->note : NULL; note != NULL; note = strchr(note, '\n') ?
		 strchr(note, '\n') + 1 : NULL)
		cmig_section_comment(text, pnstrdup(note, strcspn(note, "\n")));
	if (*sql == '\0')
		return;
	if (comment != NULL && !bare)
		cmig_section_comment(text, comment);

	/*
	 * scripts run with row_security = off, with which the statement would
	 * fail
	 */
	if (!bare && is_filtered(line, sql))
		sql = psprintf("SET row_security = on;\n%s;\nSET row_security = off", sql);
	foreach_ptr(char, name,
				in_block ? cmig_section_statements(sql, true) : list_make1((void *) sql))
		appendStringInfo(text, "%s;\n", name);
}

char *
cmig_section_block(const List *lines, bool upgrade, bool bare)
{
	StringInfoData block;
	const char *tag = "cmig";

	initStringInfo(&block);
	foreach_ptr(CmigDiffLine, line, lines)
	{
		if (is_written(line, upgrade))
			cmig_section_line(&block, line, upgrade, true, bare);
	}
	while (cmig_text_after(block.data, psprintf("$%s$", tag)) != NULL)
		tag = psprintf("%s_", tag);

	/* FOUND is a variable of PL/pgSQL, and may be the name of a column */
	return psprintf("DO $%s$\n%sBEGIN\n%sEND\n$%s$", tag,
					cmig_text_has_word(block.data, "found") ? "#variable_conflict use_column\n" :
					"", block.data, tag);
}

List *
cmig_section_next(const List *lines, int index)
{
	const CmigDiffLine *first = list_nth(lines, index);
	List	   *together = list_make1(unconstify(CmigDiffLine *, first));

	while (first->transaction != 0 && ++index < list_length(lines) &&
		   ((const CmigDiffLine *) list_nth(lines, index))->transaction == first->transaction)
		together = lappend(together, list_nth(lines, index));
	return together;
}

char *
cmig_section_unsupported(const CmigDiffLine *line)
{
	return psprintf("%s %s: %s", line->kind, line->object, line->hazard);
}

/*
 * Does reverting the line's statement drop the whole group?  If so, the
 * downgrade does not need the group's statements that directly precede this
 * drop.  A line that only completes the downgrade creates it.
 */
static bool
drops_group(const CmigDiffLine *line)
{
	return strcmp(line->action, "create") == 0 && is_written(line, true) &&
		is_written(line, false) && line->subject != NULL && line->subject->parent == NULL &&
		line->subject->kind->drop == NULL;
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

/* Does the downgrade detach a partition that could not be dropped otherwise? */
static bool
detaches_first(const CmigDiffLine *line)
{
	return line->subject != NULL && line->subject->kind == &cmig_kind_partition &&
		line->subject->separate;
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

		if (!is_written(line, false) || distributes_new(lines, i))
			continue;
		for (int j = list_length(result) - 1; j >= 0 && drops_group(line); j--)
		{
			const CmigDiffLine *last = list_nth(result, j);

			if (strcmp(last->group, line->group) != 0)
				break;
			if (!detaches_first(last))
				result = list_delete_nth_cell(result, j);
		}
		result = lappend(result, line);
	}
	return result;
}

char *
cmig_section_layout(const List *lines, bool upgrade, bool stepwise)
{
	Section		section = {0};
	List	   *chosen = upgrade ? NIL : downgrade_lines(lines);
	bool		distributes = false,
				has_keys = false;

	initStringInfo(&section.text);
	foreach_ptr(CmigDiffLine, line, lines)
	{
		distributes |= strcmp(line->kind, "distribution") == 0;
		has_keys |= strcmp(line->kind, "foreign key") == 0;
		if (upgrade && is_written(line, true))
			chosen = lappend(chosen, line);
	}

	/*
	 * Citus refuses some combinations of distributing tables and changing
	 * foreign keys in a transaction, unless it changes one shard after
	 * another
	 */
	if (distributes && has_keys)
		appendStringInfoString(&section.text,
							   "SET citus.multi_shard_modify_mode = 'sequential';\n");
	for (int i = 0; i < list_length(chosen);)
	{
		CmigDiffLine *line = list_nth(chosen, i);
		List	   *together = stepwise ? cmig_section_next(chosen, i) : list_make1(line);
		const char *sql = upgrade ? line->upgrade : line->downgrade;

		start_group(&section, line->group);
		if (line->transaction != 0 && stepwise &&
			(list_length(together) > 1 ||
			 list_length(cmig_raw_parse(sql, RAW_PARSE_DEFAULT)) > 1))
			appendStringInfo(&section.text, "%s;\n",
							 cmig_section_block(together, upgrade, false));
		else
			cmig_section_line(&section.text, line, upgrade, false, false);
		i += list_length(together);
	}
	/* unsupported changes are comments */
	foreach_ptr(const CmigDiffLine, line, upgrade ? lines : NIL)
	{
		if (line->upgrade != NULL)
			continue;
		start_group(&section, "unsupported");
		cmig_section_comment(&section.text,
							 psprintf("unsupported: %s", cmig_section_unsupported(line)));
	}
	return section.text.data;
}
