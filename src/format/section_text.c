/*
 * section_text.c
 *	  Reads the text of a section, and checks whether it can be written.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "format/file_start.h"
#include "format/section_text.h"
#include "parse/lexer.h"
#include "parse/script.h"

void
cmig_section_text_trim(const char **start, const char **end)
{
	const char *p = *start;

	while (*end > *start && cmig_marker_is_blank((*end)[-1]))
		(*end)--;
	for (; p < *end && cmig_marker_is_blank(*p); p++)
	{
		if (*p == '\n')
			*start = p + 1;
	}
	if (*end < *start)
		*start = *end;
}

void
cmig_section_text_drop_carriage_returns(char *text)
{
	char	   *to = text;

	for (char *from = text; *from; from++)
	{
		if (from[0] != '\r' || from[1] != '\n')
			*to++ = *from;
	}
	*to = '\0';
}

char *
cmig_section_text_read(const char *start, const char *end, CmigSection section, bool crlf)
{
	char	   *copy;
	char	   *stripped;

	cmig_section_text_trim(&start, &end);
	copy = pnstrdup(start, end - start);
	if (crlf)
		cmig_section_text_drop_carriage_returns(copy);

	stripped = cmig_section_text_strip_transaction(copy, section);
	if (stripped == copy)
		return copy;
	start = stripped;
	end = stripped + strlen(stripped);
	cmig_section_text_trim(&start, &end);
	return pnstrdup(start, end - start);
}

char *
cmig_section_text_strip_transaction(char *text, CmigSection section)
{
	char	   *stripped = cmig_script_strip_outer_transaction(text);
	int			line;

	if (stripped != text && cmig_section_text_find_problem(stripped, section, &line))
		return text;
	return stripped;
}

/*
 * Returns the reason why the section cannot contain the current token, which
 * is a comment, or NULL if it can.  after_statement is true if SQL precedes
 * the comment in the section.
 */
static const char *
find_comment_problem(const CmigLexer *lexer, CmigSection section, bool after_statement)
{
	int			found;

	if (cmig_marker_find_glued(lexer, lexer->next) < lexer->next ||
		cmig_marker_is_file_start(lexer, lexer->next))
		return "The comment would start another revision file.";
	if (cmig_marker_find_section(lexer, lexer->next, &found))
		return "The comment would start another section.";
	if (cmig_marker_is_misplaced(lexer, lexer->next, &found))
		return "The comment would be rejected as a marker that is not alone on its line.";
	if (cmig_file_start_is_header_line(lexer, lexer->next))
		return "The comment would be rejected as a header line outside of a header.";
	if (cmig_file_start_find_other(lexer, lexer->next, section, after_statement))
		return "The comment would be rejected because another file seems to begin there.";
	return NULL;
}

const char *
cmig_section_text_find_problem(const char *text, CmigSection section, int *line)
{
	CmigLexer	lexer;
	CmigFileStart start;
	List	   *quoted = NIL;
	CmigQuotedStart *start_in_quote;
	const CmigQuotedStart *open;
	bool		certain;
	bool		after_statement = false;

	cmig_lexer_init(&lexer, text);
	while (cmig_lexer_next(&lexer) != CMIG_TOKEN_END)
	{
		const char *problem;

		*line = lexer.line;
		if (lexer.unterminated)
			return "A quote or comment that begins there is not closed.";
		if (lexer.type == CMIG_TOKEN_LINE_COMMENT)
		{
			problem = find_comment_problem(&lexer, section, after_statement);
			if (problem)
				return problem;
			continue;
		}
		if (cmig_file_start_match(&lexer, &start))
			return "The line would start another file.";
		if (cmig_file_start_has_bom(&lexer))
			return "The byte order mark would be rejected because another file seems to begin there.";
		start_in_quote = cmig_file_start_find_quoted(&lexer, text, NULL, &certain);
		if (start_in_quote && certain)
			return "The comment that begins there would be rejected as unclosed, because a file seems to begin inside it.";
		if (start_in_quote)
			quoted = lappend(quoted, start_in_quote);
		after_statement |= lexer.type != CMIG_TOKEN_BLOCK_COMMENT;
	}
	open = cmig_file_start_find_open(quoted, text, NULL);
	if (open)
	{
		*line = open->line;
		return "The quote or comment that begins there would be rejected as unclosed, because it contains the first line of a file and the statement does not parse.";
	}
	return NULL;
}
