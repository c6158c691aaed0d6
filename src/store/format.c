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

#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"

#include "base/base.h"
#include "base/errors.h"
#include "graph/graph.h"
#include "parse/parse.h"
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

const char *
cmig_section_text_find_problem(const char *text, CmigSection section, int *line)
{
	CmigLexer	lexer;
	CmigFileStart start;
	int			found;
	bool		after_statement = false;

	cmig_lexer_init(&lexer, text);
	while (cmig_lexer_next(&lexer) != CMIG_TOKEN_END)
	{
		*line = lexer.line;
		if (lexer.unterminated)
			return "A quote or comment that begins there is not closed.";
		if (lexer.type == CMIG_TOKEN_LINE_COMMENT)
		{
			if (cmig_marker_find_glued(&lexer, lexer.next) < lexer.next ||
				cmig_marker_is_file_start(&lexer, lexer.next))
				return "The comment would start another revision file.";
			if (cmig_marker_find_section(&lexer, lexer.next, &found))
				return "The comment would start another section.";
			if (cmig_marker_is_misplaced(&lexer, lexer.next, &found))
				return "The comment would be rejected as a marker that is not alone on its line.";
			if (cmig_file_start_is_header_line(&lexer, lexer.next))
				return "The comment would be rejected as a header line outside of a header.";
			if (cmig_file_start_find_other(&lexer, lexer.next, section, after_statement))
				return "The comment would be rejected because another file seems to begin there.";
			continue;
		}
		if (cmig_file_start_match(&lexer, &start))
			return "The line would start another file.";
		if (cmig_file_start_has_bom(&lexer))
			return "The byte order mark would be rejected because another file seems to begin there.";
		if (cmig_file_start_find_quoted(&lexer))
			return "The quote or comment that begins there would be rejected as unclosed, because it contains the first line of a file.";
		after_statement |= lexer.type != CMIG_TOKEN_BLOCK_COMMENT;
	}
	return NULL;
}

/*
 * Returns the text without a surrounding BEGIN ... COMMIT pair.  Returns
 * "text" itself if there is no such pair, or if the section could not be read
 * back without the pair, for example because a comment would become a marker.
 */
static char *
strip_transaction(char *text, CmigSection section)
{
	char	   *stripped = cmig_script_strip_outer_transaction(text);
	int			line;

	if (stripped != text && cmig_section_text_find_problem(stripped, section, &line))
		return text;
	return stripped;
}

char *
cmig_section_text_read(const char *start, const char *end, CmigSection section, bool crlf)
{
	char	   *copy;
	char	   *stripped;

	trim_section(&start, &end);
	copy = pnstrdup(start, end - start);
	if (crlf)
		cmig_section_text_drop_carriage_returns(copy);

	stripped = strip_transaction(copy, section);
	if (stripped == copy)
		return copy;
	start = stripped;
	end = stripped + strlen(stripped);
	trim_section(&start, &end);
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
	else if (length > 0 && (cmig_marker_is_blank(message[0]) || cmig_marker_is_blank(message[length - 1])))
		revision->edges.message = cmig_marker_trimmed(message, message + length);
	revision->description = canonical_description(revision->description ?
												  revision->description : "");
	if (revision->upgrade_sql == NULL)
		revision->upgrade_sql = pstrdup("");
	if (revision->precondition_sql != NULL)
		revision->precondition_sql = cmig_marker_trimmed(revision->precondition_sql,
														 revision->precondition_sql + strlen(revision->precondition_sql));
	if (revision->precondition_sql != NULL && *revision->precondition_sql == '\0')
		revision->precondition_sql = NULL;
	canonicalize_section(&revision->upgrade_sql);
	canonicalize_section(&revision->downgrade_sql);
	canonicalize_section(&revision->verify_sql);
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
		int			section;

		cmig_lexer_init(&lexer, comment);
		cmig_lexer_next(&lexer);
		if (lexer.next[0] != '\0' || cmig_marker_find_glued(&lexer, lexer.next) < lexer.next ||
			cmig_marker_is_file_start(&lexer, lexer.next) ||
			cmig_marker_find_section(&lexer, lexer.next, &section))
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

static void
append_section(StringInfo file, const CmigRevisionText *revision, CmigSection section,
			   char *text)
{
	if (text == NULL)
		return;
	check_section(revision, section, text);
	appendStringInfo(file, "\n-- cmig:%s\n", cmig_marker_sections[section]);
	appendStringInfoString(file, text);
	if (*text)
		appendStringInfoChar(file, '\n');
}

/*
 * Returns the name of a part of the header that would be different after the
 * header is written and read back, or NULL if there is none.  Sections are
 * checked by check_section().
 */
static const char *
find_difference(const CmigRevisionText *revision, const char *header)
{
	List	   *files = cmig_revision_file_parse(header, NULL);
	const CmigRevisionText *read = &((CmigRevisionFile *) linitial(files))->text;

	if (list_length(files) != 1)
		return "header";
	if (strcmp(read->edges.id, revision->edges.id) != 0)
		return "id";
	if (!cmig_names_same(&read->edges.parents, &revision->edges.parents))
		return "down_revision";
	if (!cmig_names_same(&read->edges.depends, &revision->edges.depends))
		return "depends_on";
	if (!cmig_names_same(&read->edges.labels, &revision->edges.labels))
		return "branch_labels";
	if (!cmig_names_same(&read->edges.replaces, &revision->edges.replaces))
		return "replaces";
	if (read->precondition_sql == NULL ? revision->precondition_sql != NULL :
		revision->precondition_sql == NULL ||
		strcmp(read->precondition_sql, revision->precondition_sql) != 0)
		return "precondition";
	if (!cmig_names_same(&read->placeholders, &revision->placeholders))
		return "placeholders";
	if (strcmp(read->edges.message, revision->edges.message) != 0)
		return "message";
	if (strcmp(read->description, revision->description) != 0)
		return "description";
	if (read->edges.transactional != revision->edges.transactional)
		return "transactional flag";
	if (read->edges.repeatable != revision->edges.repeatable)
		return "repeatable flag";
	return NULL;
}

static bool
are_plain_names(const CmigNames *names)
{
	for (int i = 0; i < names->count; i++)
		if (cmig_graph_check_name(names->names[i]))
			return false;
	return true;
}

/*
 * Returns true if no part of the header can be mistaken for something else
 * when it is read, so that the header need not be read back for a check.  This
 * is true for most headers.
 */
static bool
is_plain_header(const CmigRevision *edges, const char *description)
{
	return *description == '\0' && cmig_graph_check_name(edges->id) == NULL &&
		are_plain_names(&edges->parents) && are_plain_names(&edges->depends) &&
		are_plain_names(&edges->labels) && are_plain_names(&edges->replaces) && strpbrk(edges->message, "\r\n:") == NULL &&
		strstr(edges->message, "\xEF\xBB\xBF") == NULL;
}

/* Append a header line that is a list of names. */
static void
append_names(StringInfo file, CmigHeaderKey key, const CmigNames *names)
{
	appendStringInfo(file, "-- %s:", cmig_marker_keys[key]);
	for (int i = 0; i < names->count; i++)
		appendStringInfo(file, "%s %s", i > 0 ? "," : "", names->names[i]);
	appendStringInfoChar(file, '\n');
}

/* Append the lines of the header, which has canonical form. */
static void
append_header(StringInfo file, const CmigRevisionText *revision)
{
	char	   *date = revision->has_created_at ? cmig_marker_format_date(revision->created_at) : NULL;

	appendStringInfo(file, "-- %s: %s\n", cmig_marker_keys[CMIG_KEY_REVISION], revision->edges.id);
	if (revision->edges.repeatable)
		appendStringInfo(file, "-- %s: true\n", cmig_marker_keys[CMIG_KEY_REPEATABLE]);
	if (!revision->edges.repeatable || revision->edges.parents.count > 0)
		append_names(file, CMIG_KEY_DOWN_REVISION, &revision->edges.parents);
	append_names(file, CMIG_KEY_DEPENDS_ON, &revision->edges.depends);
	if (!revision->edges.repeatable || revision->edges.labels.count > 0)
		append_names(file, CMIG_KEY_BRANCH_LABELS, &revision->edges.labels);
	if (revision->edges.replaces.count > 0)
		append_names(file, CMIG_KEY_REPLACES, &revision->edges.replaces);
	if (revision->precondition_sql != NULL)
		appendStringInfo(file, "-- %s: %s\n", cmig_marker_keys[CMIG_KEY_PRECONDITION],
						 revision->precondition_sql);
	if (revision->placeholders.count > 0)
		append_names(file, CMIG_KEY_PLACEHOLDERS, &revision->placeholders);
	appendStringInfo(file, "-- %s:%s%s\n", cmig_marker_keys[CMIG_KEY_MESSAGE],
					 *revision->edges.message ? " " : "", revision->edges.message);
	appendStringInfo(file, "-- %s: %s\n", cmig_marker_keys[CMIG_KEY_TRANSACTIONAL],
					 revision->edges.transactional ? "true" : "false");
	if (date)
		appendStringInfo(file, "-- %s: %s\n", cmig_marker_keys[CMIG_KEY_CREATE_DATE], date);
}

char *
cmig_revision_format(const CmigRevisionText *revision)
{
	CmigRevisionText canonical = *revision;
	const char *difference;
	StringInfoData file;

	cmig_revision_canonicalize(&canonical);
	initStringInfo(&file);
	append_header(&file, &canonical);
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

	/*
	 * look for values that the file cannot represent, such as a message or a
	 * name with a line break
	 */
	if (canonical.precondition_sql == NULL && canonical.placeholders.count == 0 && is_plain_header(&canonical.edges, canonical.description))
		difference = NULL;
	else if (canonical.precondition_sql != NULL && strpbrk(canonical.precondition_sql, "\r\n"))
		difference = "precondition";
	else if (strpbrk(canonical.edges.message, "\r\n"))
		difference = "message";
	else
		difference = find_difference(&canonical, file.data);
	if (difference)
		ereport(ERROR,
				(errcode(ERRCODE_CMIG_BAD_FILE),
				 errmsg("revision \"%s\" cannot be written as a file: its %s would be different when loaded again",
						revision->edges.id, difference),
				 errhint("Change the revision's %s in cmig.revision. A header value must be a single line.", difference)));

	append_section(&file, revision, CMIG_SECTION_UPGRADE, canonical.upgrade_sql);
	append_section(&file, revision, CMIG_SECTION_DOWNGRADE, canonical.downgrade_sql);
	append_section(&file, revision, CMIG_SECTION_VERIFY, canonical.verify_sql);
	return file.data;
}
