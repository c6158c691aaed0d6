/*
 * format.c
 *	  Sections of revision files, and revisions written as files.
 *
 * A revision that is written and read back is the same, whatever its texts
 * contain, or cannot be written.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/errors.h"
#include "store/internal.h"

/*
 * Move *start and *end past surrounding blank lines and trailing white space.
 */
static void
trim_section(const char **start, const char **end)
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

bool
cmig_section_text_is_mark(const CmigLexer *lexer, CmigSection section, bool after_statement)
{
	CmigMarked	marked;

	return cmig_marker_find(lexer, lexer->next, section, after_statement, &marked) !=
		CMIG_MARK_NONE;
}

const char *
cmig_section_text_find_problem(const char *text, CmigSection section, int *line)
{
	static const char *const problems[] = {
		[CMIG_MARK_FILE] = "The line would start another file.",
		[CMIG_MARK_GLUED] = "The comment would start another revision file.",
		[CMIG_MARK_REVISION] = "The comment would start another revision file.",
		[CMIG_MARK_SECTION] = "The comment would start another section.",
		[CMIG_MARK_MISPLACED] =
		"The comment would be rejected as a marker that is not alone on its line.",
		[CMIG_MARK_HEADER_LINE] =
		"The comment would be rejected as a header line outside of a header.",
		[CMIG_MARK_OTHER] =
		"The comment would be rejected because another file seems to begin there.",
		[CMIG_MARK_BOM] =
		"The byte order mark would be rejected because another file seems to begin there.",
		[CMIG_MARK_QUOTED] =
		"The quote or comment that begins there would be rejected as unclosed, because it contains the first line of a file."
	};
	CmigLexer	lexer;
	CmigMarked	marked;
	CmigMark	mark;
	bool		after_statement = false;

	cmig_lexer_init(&lexer, text);
	while (cmig_lexer_next(&lexer) != CMIG_TOKEN_END)
	{
		*line = lexer.line;
		if (lexer.unterminated)
			return "A quote or comment that begins there is not closed.";
		mark = cmig_marker_find(&lexer, lexer.next, section, after_statement, &marked);
		if (mark != CMIG_MARK_NONE)
			return problems[mark];
		after_statement |= lexer.type != CMIG_TOKEN_LINE_COMMENT &&
			lexer.type != CMIG_TOKEN_BLOCK_COMMENT;
	}
	return NULL;
}

/*
 * Append a token.  If it is a quote that contains the first line of a file, it
 * becomes E'...' or U&"..." with the line's first character escaped.  Not changed
 * are quotes that no generated statement contains: N'...', U&..., and strings that
 * continue others.
 */
static void
append_escaped(StringInfo out, const CmigLexer *lexer)
{
	const char *p = lexer->start;
	const char *end = lexer->next - 1;
	bool		dollar = lexer->type == CMIG_TOKEN_DOLLAR;
	bool		name = *p == '"';
	bool		escapes = *p == 'E' || *p == 'e';
	bool		quoted = false;

	for (const char *at = p + 1; at < lexer->next; at++)
		quoted |= cmig_marker_begins_quoted(at);
	if (!quoted || lexer->continued || !(dollar || name || escapes || *p == '\''))
	{
		appendBinaryStringInfo(out, p, lexer->next - p);
		return;
	}
	if (dollar)
	{
		int			tag = strcspn(p + 1, "$") + 2;

		p += tag;
		end = lexer->next - tag;
	}
	else
		p += escapes ? 2 : 1;
	appendStringInfoString(out, name ? "U&\"" : "E'");
	for (bool escaped = false; p < end; p++)
	{
		if (cmig_marker_begins_quoted(p))
			appendStringInfo(out, name ? "\\%04X" : escaped ? "x%02X" : "\\x%02X", *p);
		else if ((*p == '\\' && !escapes) || (*p == '\'' && dollar))
			appendStringInfo(out, "%c%c", *p, *p);
		else
			appendStringInfoChar(out, *p);
		escaped = escapes && !escaped && *p == '\\';
	}
	appendStringInfoChar(out, name ? '"' : '\'');
}

char *
cmig_section_text_escape(char *text)
{
	CmigLexer	lexer;
	StringInfoData out;

	/* most texts do not contain such a line */
	if (strstr(text, "revision:") == NULL && strstr(text, "==>") == NULL)
		return text;
	initStringInfo(&out);
	cmig_lexer_init(&lexer, text);
	for (const char *from = text; cmig_lexer_next(&lexer) != CMIG_TOKEN_END; from = lexer.next)
	{
		appendBinaryStringInfo(&out, from, lexer.start - from);
		if (lexer.type == CMIG_TOKEN_STRING || lexer.type == CMIG_TOKEN_QUOTED ||
			lexer.type == CMIG_TOKEN_DOLLAR)
			append_escaped(&out, &lexer);
		else
			appendBinaryStringInfo(&out, lexer.start, lexer.next - lexer.start);
	}
	return out.data;
}

/*
 * Returns the text without a surrounding BEGIN ... COMMIT pair.  Returns
 * "text" itself if there is no such pair, or if the section could not be read
 * back without the pair, for example because a comment would become a marker.
 */
static char *
strip_transaction(char *text, CmigSection section)
{
	char	   *stripped = cmig_script_strip_transactions(text, false);
	int			line;

	if (stripped != text && cmig_section_text_find_problem(stripped, section, &line))
		return text;
	return stripped;
}

/* The number of line breaks in the text. */
static int
count_lines(const char *start, const char *end)
{
	int			lines = 0;

	for (; start < end; start++)
		lines += *start == '\n';
	return lines;
}

char *
cmig_section_text_read(const char *start, const char *end, CmigSection section, bool crlf,
					   int *line)
{
	const char *from = start;
	char	   *copy;
	char	   *stripped;

	trim_section(&start, &end);
	if (line != NULL)
		*line += count_lines(from, start);
	copy = pnstrdup(start, end - start);
	if (crlf)
		cmig_section_text_drop_carriage_returns(copy);

	stripped = strip_transaction(copy, section);
	if (stripped == copy)
		return copy;
	start = stripped;
	end = stripped + strlen(stripped);
	trim_section(&start, &end);
	if (line != NULL)
		*line += count_lines(stripped, start);
	return pnstrdup(start, end - start);
}

/* Replace a section with a trimmed copy, unless it is already trimmed. */
static void
canonicalize_section(char **section)
{
	const char *start = *section;
	const char *end;

	if (start == NULL)
		return;
	end = start + strlen(start);
	trim_section(&start, &end);
	if (start != *section || *end != '\0')
		*section = pnstrdup(start, end - start);
}

/*
 * Returns a description without trailing white space on its lines and without
 * empty lines at the start and the end.
 */
static char *
canonical_description(const char *description)
{
	StringInfoData result;
	const char *line = description;
	int			start = 0;

	if (*description == '\0')
		return (char *) description;
	initStringInfo(&result);
	for (;;)
	{
		const char *newline = line + strcspn(line, "\n");
		const char *end = newline;

		while (end > line && cmig_marker_is_blank(end[-1]))
			end--;
		appendBinaryStringInfo(&result, line, end - line);
		appendStringInfoChar(&result, '\n');
		if (*newline == '\0')
			break;
		line = newline + 1;
	}
	while (result.len > 0 && result.data[result.len - 1] == '\n')
		result.data[--result.len] = '\0';
	while (result.data[start] == '\n')
		start++;
	return result.data + start;
}

void
cmig_revision_canonicalize(CmigRevisionText *revision)
{
	char	   *message = revision->edges.message;
	int			length = message ? strlen(message) : 0;

	if (message == NULL)
		revision->edges.message = pstrdup("");
	else if (length > 0 &&
			 (cmig_marker_is_blank(message[0]) || cmig_marker_is_blank(message[length - 1])))
		revision->edges.message = cmig_marker_trimmed(message, message + length);
	revision->description = canonical_description(revision->description ?
												  revision->description : "");
	if (revision->upgrade_sql == NULL)
		revision->upgrade_sql = pstrdup("");
	if (revision->precondition_sql != NULL)
		revision->precondition_sql = cmig_marker_trimmed(revision->precondition_sql,
														 revision->precondition_sql +
														 strlen(revision->precondition_sql));
	if (revision->precondition_sql != NULL && *revision->precondition_sql == '\0')
		revision->precondition_sql = NULL;
	for (int i = CMIG_SECTION_UPGRADE; i <= CMIG_SECTION_VERIFY; i++)
		canonicalize_section(cmig_section_of(revision, i));
}

/*
 * Raise an error if the section would be truncated, changed, or rejected when
 * the file is read again.
 */
static void
check_section(const CmigRevisionText *revision, CmigSection section, char *text)
{
	int			line;
	const char *problem = cmig_section_text_find_problem(text, section, &line);

	if (problem == NULL && strip_transaction(text, section) != text)
	{
		CmigLexer	lexer;

		cmig_lexer_init(&lexer, text);
		cmig_lexer_next_sql(&lexer);
		line = lexer.line;
		problem = "The BEGIN and COMMIT around the text would be dropped.";
	}
	if (problem)
		ereport(ERROR,
				(errcode(ERRCODE_CMIG_BAD_FILE),
				 errmsg("revision \"%s\" cannot be written as a file: line %d of its %s text could not be loaded again",
						revision->edges.id, line, cmig_marker_sections[section]),
				 errdetail("%s", problem),
				 errhint("Change the text in cmig.revision.")));
}

/*
 * Raise an error if a line of the description would be mistaken for something
 * else when the file is read.
 */
static void
check_description(const CmigRevisionText *revision)
{
	const char *line = revision->description;

	for (int number = 1;; number++)
	{
		int			length = strcspn(line, "\n");
		char	   *comment = psprintf("-- %.*s", length, line);
		CmigLexer	lexer;
		CmigMarked	marked;

		cmig_lexer_init(&lexer, comment);
		cmig_lexer_next(&lexer);
		if (lexer.next[0] != '\0' ||
			cmig_marker_find(&lexer, lexer.next, CMIG_SECTION_HEADER, false,
							 &marked) != CMIG_MARK_NONE)
			ereport(ERROR,
					(errcode(ERRCODE_CMIG_BAD_FILE),
					 errmsg("revision \"%s\" cannot be written as a file: line %d of its description could not be loaded again",
							revision->edges.id, number),
					 errdetail("The line would be read as a header, a marker, or SQL."),
					 errhint("Change the text in cmig.revision.")));
		pfree(comment);
		if (line[length] == '\0')
			break;
		line += length + 1;
	}
}

const char *
cmig_header_difference(const CmigRevisionText *a, const CmigRevisionText *b)
{
	for (int i = 0; i < CMIG_KEY_COUNT; i++)
	{
		const CmigHeaderField *field = &cmig_header_fields[i];
		const void *one = (const char *) a + field->offset;
		const void *other = (const char *) b + field->offset;

		switch (field->type)
		{
			case CMIG_VALUE_ID:
				if (strcmp(*(char *const *) one, *(char *const *) other) != 0)
					return "id";
				break;
			case CMIG_VALUE_LINE:
			case CMIG_VALUE_EXPAND:
				if (!cmig_text_same(*(char *const *) one, *(char *const *) other))
					return field->key;
				break;
			case CMIG_VALUE_BOOL:
				if (*(const bool *) one != *(const bool *) other)
					return psprintf("%s flag", field->key);
				break;
			case CMIG_VALUE_NAMES:
			case CMIG_VALUE_PLACEHOLDERS:
				if (!cmig_names_same(one, other))
					return field->key;
				break;
			case CMIG_VALUE_DATE:
				break;
		}
	}
	return NULL;
}

/*
 * Returns the value of a header field as it is written, or NULL if the line is
 * to be left out.
 */
static const char *
value_text(const CmigRevisionText *revision, const CmigHeaderField *field)
{
	const void *value = (const char *) revision + field->offset;
	const CmigNames *names = value;

	switch (field->type)
	{
		case CMIG_VALUE_ID:
		case CMIG_VALUE_LINE:
		case CMIG_VALUE_EXPAND:
			return *(char *const *) value;
		case CMIG_VALUE_BOOL:
			return *(const bool *) value ? "true" : field->optional ? NULL : "false";
		case CMIG_VALUE_DATE:
			return revision->edges.has_created_at ?
				cmig_marker_format_date(*(const TimestampTz *) value) : NULL;
		default:
			break;
	}
	if (names->count == 0 && (field->optional || (field->of_graph && revision->edges.repeatable)))
		return NULL;
	return cmig_names_text(names);
}

char *
cmig_revision_format(const CmigRevisionText *revision)
{
	CmigRevisionText canonical = *revision;
	const char *difference;
	StringInfoData file;

	cmig_revision_canonicalize(&canonical);
	initStringInfo(&file);
	for (int i = 0; i < CMIG_KEY_COUNT; i++)
	{
		const char *value = value_text(&canonical, &cmig_header_fields[i]);

		if (value != NULL)
			appendStringInfo(&file, "-- %s:%s%s\n", cmig_header_fields[i].key, *value ? " " : "",
							 value);
	}
	if (*canonical.description != '\0')
	{
		check_description(&canonical);
		appendStringInfoString(&file, "--\n");
		for (const char *line = canonical.description;; line++)
		{
			int			length = strcspn(line, "\n");

			appendStringInfo(&file, "--%s%.*s\n", length > 0 ? " " : "", length, line);
			line += length;
			if (*line == '\0')
				break;
		}
	}

	appendStringInfoString(&file, CMIG_FILE_GUARD "\n");

	/*
	 * look for values that the file cannot represent, such as a message or a
	 * name with a line break
	 */
	if (canonical.precondition_sql != NULL && strpbrk(canonical.precondition_sql, "\r\n"))
		difference = "precondition";
	else if (strpbrk(canonical.edges.message, "\r\n"))
		difference = "message";
	else
	{
		List	   *files = cmig_revision_file_parse(file.data, NULL);
		const CmigRevisionText *read = &((CmigRevisionFile *) linitial(files))->text;

		difference = list_length(files) != 1 ? "header" :
			strcmp(read->description, canonical.description) != 0 ? "description" :
			cmig_header_difference(read, &canonical);
	}
	if (difference)
		ereport(ERROR,
				(errcode(ERRCODE_CMIG_BAD_FILE),
				 errmsg("revision \"%s\" cannot be written as a file: its %s would be different when loaded again",
						revision->edges.id, difference),
				 errhint("Change the revision's %s in cmig.revision. A header value must be a single line.", difference)));

	for (int i = CMIG_SECTION_UPGRADE; i <= CMIG_SECTION_VERIFY; i++)
	{
		char	   *text = *cmig_section_of(&canonical, i);

		if (text == NULL)
			continue;
		check_section(revision, i, text);
		appendStringInfo(&file, "\n-- cmig:%s\n%s%s", cmig_marker_sections[i], text,
						 *text ? "\n" : "");
	}
	return file.data;
}
