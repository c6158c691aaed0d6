/*
 * revision_file.c
 *	  Reads revision files, which are plain SQL with comments.
 *
 * The input may contain one or more revisions.  A revision consists of a
 * header of line comments ("-- key: value", then a line "--" and free text)
 * and up to three sections, each after its marker.  The headers, markers, and
 * "==> name <==" lines are found with a single pass of the lexer, so text in
 * strings, dollar quotes, and block comments is never mistaken for one of
 * them.
 *
 * format.c writes them.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include <ctype.h>

#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "nodes/pg_list.h"
#include "utils/builtins.h"
#include "utils/varlena.h"

#include "base/base.h"
#include "base/errors.h"
#include "graph/graph.h"
#include "parse/parse.h"
#include "store/internal.h"

/*
 * The state of one pass over the input, which contains one or more revision
 * files.
 */
typedef struct Reader
{
	CmigLexer	lexer;
	List	   *files;			/* of CmigRevisionFile *: all revisions that
								 * have been read completely */

	/* The following fields describe the file that is being read. */
	const char *name;			/* name of the file, or NULL */
	const char *text;			/* start of the file */
	int			lines_before;	/* number of lines of the input that precede
								 * the file */
	int			revisions_before;	/* number of revisions in the input that
									 * precede the file */
	int			name_lines;		/* number of "==> name <==" lines so far */

	/* the current revision; NULL before the first revision of the file */
	CmigRevisionFile *file;
	const char *id;				/* the revision's id */
	bool		crlf;			/* does the header's first line end in CRLF? */
	int			key_lines[CMIG_KEY_COUNT];	/* line of each header key, or 0
											 * if it has not been seen */
	CmigSection section;
	int			section_lines[CMIG_SECTION_COUNT];	/* line of each section's
													 * marker, or 0 if it has
													 * not been seen */
	const char *section_start;	/* start of the current section; NULL in a
								 * header */
	bool		in_description;
	int			header_line;	/* last line of the header so far */
	StringInfoData description;

	bool		has_sql;		/* has the current section contained SQL so
								 * far? */
} Reader;

/* Convert a line number of the input to a line number of the current file. */
static int
file_line(const Reader *reader, int line)
{
	return line - reader->lines_before;
}

/*
 * Returns a position for messages, such as: in revision 003, line 17 of
 * file "003.sql".  "line" is a line number in the input.
 */
static char *
place(const Reader *reader, int line)
{
	StringInfoData result;

	initStringInfo(&result);
	if (reader->file)
		appendStringInfo(&result, "in revision %s, ", reader->id);
	else
		appendStringInfoString(&result, "on ");
	appendStringInfo(&result, "line %d", file_line(reader, line));
	if (reader->name)
		appendStringInfo(&result, " of file \"%s\"", reader->name);
	return result.data;
}

/*
 * Returns a copy of a name or other string, truncated so that a message can
 * contain it.
 */
static char *
shortened(const char *name)
{
	int			length = strlen(name);

	if (length <= CMIG_MAX_ID_LENGTH / 2)
		return pstrdup(name);
	length = pg_mbcliplen(name, length, CMIG_MAX_ID_LENGTH / 2);
	return psprintf("%.*s...", length, name);
}

/*
 * Returns a copy of a name, truncated and in double quotes, or without quotes
 * if the name itself contains one.
 */
static char *
quoted(const char *name)
{
	return strchr(name, '"') ? shortened(name) : psprintf("\"%s\"", shortened(name));
}

/*
 * Parse a header value that is a list of ids or labels, separated by commas.
 * "at" is the position of the key for messages.
 */
static CmigNames
read_names(const char *key, const char *value, const char *at)
{
	CmigNames	names = {0, NULL};
	int			allocated = 1;
	const char *repeated;

	if (*value == '\0')
		return names;
	for (const char *p = value; *p; p++)
		if (*p == ',')
			allocated++;
	names.names = palloc(sizeof(char *) * allocated);

	for (;;)
	{
		const char *end = value + strcspn(value, ",");
		char	   *name = cmig_marker_trimmed(value, end);
		char	   *bad = cmig_graph_check_name(name);

		if (bad)
			ereport(ERROR,
					(errcode(ERRCODE_CMIG_BAD_FILE),
					 errmsg("invalid name %s for %s %s",
							quoted(name), key, at),
					 errdetail("The name %s.", bad),
					 errhint("Write ids or labels without quotes, separated by commas, or leave the value empty.")));

		/*
		 * reject "none" and "null", which mean a missing value in Python and
		 * SQL
		 */
		if (pg_strcasecmp(name, "none") == 0 || pg_strcasecmp(name, "null") == 0)
			ereport(ERROR,
					(errcode(ERRCODE_CMIG_BAD_FILE),
					 errmsg("invalid name \"%s\" for %s %s", name, key, at),
					 errhint("To list no names, leave the value of %s empty.", key)));
		names.names[names.count++] = name;
		if (*end == '\0')
			break;
		value = end + 1;
	}

	repeated = cmig_graph_find_repeated(&names);
	if (repeated)
		ereport(ERROR,
				(errcode(ERRCODE_CMIG_BAD_FILE),
				 errmsg("\"%s\" is listed twice for %s %s",
						repeated, key, at),
				 errhint("Remove or correct one of the two entries.")));
	return names;
}

/*
 * Parse the value of the key "placeholders", which declares placeholders for
 * values that are supplied at run time.  Each declaration is returned as
 * "name" or "name literal".
 */
static CmigNames
read_placeholders(const char *value, const char *at)
{
	CmigNames	declarations = {0, NULL};

	if (*value == '\0')
		return declarations;
	declarations.names = palloc(sizeof(char *) * strlen(value));
	for (;;)
	{
		const char *end = value + strcspn(value, ",");
		char	   *declaration = cmig_marker_trimmed(value, end);
		char	   *name;
		bool		literal;
		int			length;

		if (!cmig_substitute_parse(declaration, &name, &literal))
			ereport(ERROR,
					(errcode(ERRCODE_CMIG_BAD_FILE),
					 errmsg("invalid placeholder %s %s", quoted(declaration), at),
					 errhint("Write names of lower-case letters, digits, and _, separated by commas. Add \"literal\" after each name that stands for a string, for example: schema, owner literal")));
		length = strlen(name);
		for (int i = 0; i < declarations.count; i++)
			if (strncmp(declarations.names[i], name, length) == 0 &&
				strchr(" ", declarations.names[i][length]) != NULL)
				ereport(ERROR,
						(errcode(ERRCODE_CMIG_BAD_FILE),
						 errmsg("placeholder \"%s\" is declared twice %s", name, at),
						 errhint("Declare it only once.")));
		declarations.names[declarations.count++] = literal ? psprintf("%s literal", name) : name;
		if (*end == '\0')
			break;
		value = end + 1;
	}
	return declarations;
}

/*
 * Returns the word in the list that is most similar to a misspelled word, or
 * NULL if none is similar.
 */
static const char *
suggest(const char *word, const char *const *words, int count)
{
	const char *nearest = NULL;
	int			best = 4;
	int			length = strlen(word);
	char	   *lower;

	if (length == 0 || length > 40)
		return NULL;
	lower = pnstrdup(word, length);
	for (char *p = lower; *p; p++)
		*p = *p == ' ' || *p == '-' ? '_' : pg_ascii_tolower((unsigned char) *p);
	if (strcmp(lower, "revises") == 0)
		return cmig_marker_keys[CMIG_KEY_DOWN_REVISION];

	for (int i = 0; i < count; i++)
	{
		int			distance = varstr_levenshtein_less_equal(lower, length,
															 words[i], strlen(words[i]),
															 1, 1, 1, best, true);

		if (distance < best)
		{
			best = distance;
			nearest = words[i];
		}
	}
	pfree(lower);
	return nearest;
}

/* Read a Boolean value. */
static bool
read_bool(const Reader *reader, CmigHeaderKey key, const char *value, int line)
{
	bool		result;

	if (!parse_bool(value, &result))
		ereport(ERROR,
				(errcode(ERRCODE_CMIG_BAD_FILE),
				 errmsg("invalid value \"%s\" for %s %s",
						value, cmig_marker_keys[key], place(reader, line)),
				 errhint("Write true or false.")));
	return result;
}

/* Store the value of a header key, which is on the given line of the input. */
static void
set_key(Reader *reader, CmigHeaderKey key, const char *value, int line)
{
	CmigRevisionText *text = &reader->file->text;

	if (reader->key_lines[key])
		ereport(ERROR,
				(errcode(ERRCODE_CMIG_BAD_FILE),
				 errmsg("duplicate header key \"%s\" %s",
						cmig_marker_keys[key], place(reader, line)),
				 errdetail("It was first given on line %d.",
						   file_line(reader, reader->key_lines[key])),
				 key == CMIG_KEY_REVISION ?
				 errhint("If these are two files, put an empty line between them.") : 0));
	reader->key_lines[key] = line;

	switch (key)
	{
		case CMIG_KEY_REVISION:
			break;				/* start_revision() has read this key */
		case CMIG_KEY_DOWN_REVISION:
			text->edges.parents = read_names(cmig_marker_keys[key], value, place(reader, line));
			break;
		case CMIG_KEY_DEPENDS_ON:
			text->edges.depends = read_names(cmig_marker_keys[key], value, place(reader, line));
			break;
		case CMIG_KEY_BRANCH_LABELS:
			text->edges.labels = read_names(cmig_marker_keys[key], value, place(reader, line));
			break;
		case CMIG_KEY_REPLACES:
			text->edges.replaces = read_names(cmig_marker_keys[key], value, place(reader, line));
			break;
		case CMIG_KEY_PRECONDITION:
			text->precondition_sql = *value != '\0' ? pstrdup(value) : NULL;
			break;
		case CMIG_KEY_PLACEHOLDERS:
			text->placeholders = read_placeholders(value, place(reader, line));
			break;
		case CMIG_KEY_MESSAGE:
			if (pg_mbstrlen(value) > CMIG_MAX_MESSAGE_LENGTH)
				ereport(ERROR,
						(errcode(ERRCODE_CMIG_BAD_FILE),
						 errmsg("the message %s is longer than %d characters",
								place(reader, line), CMIG_MAX_MESSAGE_LENGTH),
						 errhint("Put longer text into the description, after a line \"--\" in the header.")));
			text->edges.message = pstrdup(value);
			break;
		case CMIG_KEY_TRANSACTIONAL:
			text->edges.transactional = read_bool(reader, key, value, line);
			break;
		case CMIG_KEY_REPEATABLE:
			text->edges.repeatable = read_bool(reader, key, value, line);
			break;
		case CMIG_KEY_CREATE_DATE:
			text->has_created_at = *value != '\0';
			if (*value && !cmig_marker_parse_date(value, &text->created_at))
				ereport(ERROR,
						(errcode(ERRCODE_CMIG_BAD_FILE),
						 errmsg("invalid create_date \"%s\" %s",
								value, place(reader, line)),
						 errhint("Write it as 2024-11-08 12:00:00+00.")));
			break;
	}
}

/* Read a header line, which is a comment that does not start a section. */
static void
read_header_line(Reader *reader, const char *end)
{
	CmigLexer  *lexer = &reader->lexer;
	const char *p = lexer->start + 2;
	bool		gap = lexer->line > reader->header_line + 1;
	const char *colon;
	char	   *key;

	reader->header_line = lexer->line;
	while (end > p && cmig_marker_is_blank(end[-1]))
		end--;

	if (!reader->in_description && (p == end || gap))
		reader->in_description = true;
	else if (reader->in_description && gap)
		appendStringInfoChar(&reader->description, '\n');
	if (reader->in_description)
	{
		if (p < end && *p == ' ')
			p++;
		appendBinaryStringInfo(&reader->description, p, end - p);
		appendStringInfoChar(&reader->description, '\n');
		return;
	}

	colon = memchr(p, ':', end - p);
	if (colon == NULL)
	{
		char	   *line = cmig_marker_trimmed(p, end);
		const char *section = NULL;

		for (int i = CMIG_SECTION_UPGRADE; i <= CMIG_SECTION_VERIFY; i++)
			if (pg_strcasecmp(line, cmig_marker_sections[i]) == 0)
				section = cmig_marker_sections[i];
		ereport(ERROR,
				(errcode(ERRCODE_CMIG_BAD_FILE),
				 errmsg("header line without \"key: value\" %s",
						place(reader, lexer->line)),
				 errdetail("The line is \"%s\".", pnstrdup(lexer->start, end - lexer->start)),
				 section ? errhint("Did you mean \"-- cmig:%s\"?", section)
				 : errhint("Put a line \"--\" between the keys and a description.")));
	}

	key = cmig_marker_trimmed(p, colon);
	for (int i = 0; i < CMIG_KEY_COUNT; i++)
	{
		if (strcmp(key, cmig_marker_keys[i]) == 0)
		{
			set_key(reader, i, cmig_marker_trimmed(colon + 1, end), lexer->line);
			pfree(key);
			return;
		}
	}
	{
		const char *nearest = suggest(key, cmig_marker_keys, CMIG_KEY_COUNT);

		ereport(ERROR,
				(errcode(ERRCODE_CMIG_BAD_FILE),
				 errmsg("unknown header key \"%s\" %s",
						key, place(reader, lexer->line)),
				 nearest ? errhint("Did you mean \"%s\"?", nearest) :
				 errhint("Known keys are revision, repeatable, down_revision, depends_on, branch_labels, replaces, precondition, placeholders, message, transactional, and create_date; put a line \"--\" before a description.")));
	}
}

/* Store the current section, which ends at "end". */
static void
end_section(Reader *reader, const char *end)
{
	CmigRevisionText *text = &reader->file->text;
	char	   *copy;

	if (reader->section == CMIG_SECTION_HEADER)
	{
		char	   *description = reader->description.data;

		/* remove surrounding blank lines and the last newline */
		end = description + reader->description.len;
		while (end > description && cmig_marker_is_blank(end[-1]))
			end--;
		while (*description == '\n')
			description++;
		text->description = end > description ?
			pnstrdup(description, end - description) : pstrdup("");
		return;
	}

	copy = cmig_section_text_read(reader->section_start, end, reader->section, reader->crlf);
	switch (reader->section)
	{
		case CMIG_SECTION_HEADER:
			break;
		case CMIG_SECTION_UPGRADE:
			text->upgrade_sql = copy;
			break;
		case CMIG_SECTION_DOWNGRADE:
			text->downgrade_sql = copy;
			break;
		case CMIG_SECTION_VERIFY:
			text->verify_sql = copy;
			break;
	}
}

/*
 * End the current section, and start the section whose marker is the current
 * token.  If "section" is -1, the marker is not correct, and an error is
 * raised.
 */
static void
start_section(Reader *reader, int section)
{
	CmigLexer  *lexer = &reader->lexer;

	if (section < 0)
	{
		char	   *marker = cmig_marker_trimmed(lexer->start + 2, lexer->next);
		bool		prefixed = pg_strncasecmp(marker, "cmig:", 5) == 0;
		const char *word = prefixed ? marker + 5 : marker + strlen(marker);
		const char *nearest;

		/*
		 * if the marker has no "cmig:" prefix, suggest a correction of its
		 * last word
		 */
		while (!prefixed && word > marker && isalpha((unsigned char) word[-1]))
			word--;
		nearest = suggest(word + strspn(word, " \t"), cmig_marker_sections + 1,
						  CMIG_SECTION_COUNT - 1);
		if (strcmp(marker, "cmig:resolve") == 0)
			ereport(ERROR,
					(errcode(ERRCODE_CMIG_BAD_FILE),
					 errmsg("unresolved statement %s", place(reader, lexer->line)),
					 errdetail("The statement that follows \"-- cmig:resolve\" comes from a replaced revision. It may change rows or objects that are not in a schema."),
					 errhint("Keep the statement if a new database needs it; otherwise, delete it. In either case, delete the line \"-- cmig:resolve\".")));
		ereport(ERROR,
				(errcode(ERRCODE_CMIG_BAD_FILE),
				 errmsg("unknown marker \"%s\" %s", marker, place(reader, lexer->line)),
				 nearest ? errhint("Did you mean \"-- cmig:%s\", alone on its line?", nearest) :
				 errhint("The markers are -- cmig:upgrade, -- cmig:downgrade, and -- cmig:verify.")));
	}
	if (reader->section_lines[section])
	{
		ereport(ERROR,
				(errcode(ERRCODE_CMIG_BAD_FILE),
				 errmsg("second %s section %s",
						cmig_marker_sections[section], place(reader, lexer->line)),
				 errdetail("The first one starts on line %d.",
						   file_line(reader, reader->section_lines[section])),
				 errhint("Combine the two, or begin another revision with \"-- revision: <id>\".")));
	}

	end_section(reader, lexer->start);
	reader->section = section;
	reader->section_lines[section] = lexer->line;
	reader->section_start = lexer->next;
	reader->has_sql = false;
	/* reset the lexer, because a string cannot continue after a marker */
	cmig_lexer_move(lexer, lexer->next, lexer->next_line);
}

/* Raise an error for something that a repeatable revision must not have. */
static void
refuse_in_repeatable(const Reader *reader, const char *what, int line, const char *hint)
{
	ereport(ERROR,
			(errcode(ERRCODE_CMIG_BAD_FILE),
			 errmsg("a repeatable revision must not have %s %s", what, place(reader, line)),
			 errhint("%s", hint)));
}

/*
 * Check that the current revision, which is repeatable, has no keys or
 * sections that only make sense for a revision in the graph.
 */
static void
require_repeatable(const Reader *reader)
{
	const CmigRevision *edges = &reader->file->text.edges;

	if (edges->parents.count > 0)
		refuse_in_repeatable(reader, "a down_revision", reader->key_lines[CMIG_KEY_DOWN_REVISION],
							 "It runs after all other revisions. In depends_on, list the repeatable revisions that must run before it.");
	if (edges->labels.count > 0)
		refuse_in_repeatable(reader, "branch_labels", reader->key_lines[CMIG_KEY_BRANCH_LABELS],
							 "Remove the line. A repeatable revision does not belong to a branch.");
	if (edges->replaces.count > 0)
		refuse_in_repeatable(reader, "replaces", reader->key_lines[CMIG_KEY_REPLACES],
							 "Remove the line.");
	if (reader->section_lines[CMIG_SECTION_DOWNGRADE])
		refuse_in_repeatable(reader, "a downgrade section", reader->section_lines[CMIG_SECTION_DOWNGRADE],
							 "Remove the section, which a downgrade would not run. To drop the objects, use the downgrade section of another revision.");
}

/* Store the current revision, which ends at "end", if there is one. */
static void
end_revision(Reader *reader, const char *end)
{
	CmigRevisionText *text;

	if (reader->file == NULL)
		return;
	end_section(reader, end);

	text = &reader->file->text;
	if (text->upgrade_sql == NULL)
		text->upgrade_sql = pstrdup("");
	if (text->edges.message == NULL)
		text->edges.message = pstrdup("");
	if (text->edges.repeatable)
		require_repeatable(reader);
	reader->files = lappend(reader->files, reader->file);
}

/*
 * Start a revision.  The text from "start" to "end", which is a line comment
 * or the last part of one, is the first line of its header.
 */
static void
start_revision(Reader *reader, const char *start, const char *end)
{
	CmigLexer  *lexer = &reader->lexer;
	const char *value;
	char	   *id;
	char	   *bad;
	bool		first = reader->file == NULL;	/* does the revision come
												 * first in its file? */

	/* the callers have checked that the text has the form "-- revision: id" */
	if (!cmig_marker_match(start, end, "revision", &value, &end))
		elog(ERROR, "no revision in a header's first line");
	id = pnstrdup(value, end - value);
	bad = cmig_graph_check_name(id);

	if (reader->file && reader->section == CMIG_SECTION_HEADER &&
		reader->header_line == lexer->line - 1 &&
		reader->key_lines[CMIG_KEY_REVISION] == reader->header_line)
		set_key(reader, CMIG_KEY_REVISION, id, lexer->line);

	end_revision(reader, cmig_file_start_skip_back(lexer->text, start));

	reader->file = NULL;
	reader->section_start = NULL;
	if (bad)
	{
		ereport(ERROR,
				(errcode(ERRCODE_CMIG_BAD_FILE),
				 *id ? errmsg("invalid revision id %s %s",
							  quoted(id), place(reader, lexer->line))
				 : errmsg("no revision id %s", place(reader, lexer->line)),
				 *id ? errdetail("The id %s.", bad) : 0,
				 first ? errhint("Write an id of letters, digits, _, and - after \"%s\", without quotes, and with at most %d bytes.",
								 CMIG_FILE_START, CMIG_MAX_ID_LENGTH)
				 : errhint("A line that begins with \"%s\" starts the next revision file.", CMIG_FILE_START)));
	}

	reader->file = palloc0(sizeof(CmigRevisionFile));
	reader->file->name = reader->name;
	reader->file->line = file_line(reader, lexer->line);
	reader->file->text.edges.id = id;
	reader->id = id;
	reader->file->text.edges.transactional = true;
	reader->crlf = lexer->next[0] == '\r' && lexer->next[1] == '\n';
	memset(reader->key_lines, 0, sizeof(reader->key_lines));
	reader->key_lines[CMIG_KEY_REVISION] = lexer->line;
	reader->section = CMIG_SECTION_HEADER;
	memset(reader->section_lines, 0, sizeof(reader->section_lines));
	reader->in_description = false;
	reader->header_line = lexer->line;
	resetStringInfo(&reader->description);
	cmig_lexer_move(lexer, lexer->next, lexer->next_line);
}

/*
 * Call this at the end of a file.  Raises an error if the file contains no
 * revision.
 */
static void
require_revision(const Reader *reader)
{
	if (list_length(reader->files) > reader->revisions_before)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_CMIG_BAD_FILE),
			 reader->name ? errmsg("file \"%s\" contains no revision", reader->name)
			 : errmsg("the text contains no revision"),
			 errhint("A revision file starts with a line \"-- revision: <id>\".")));
}

/* End the current file, and start the file named in a "==> name <==" line. */
static void
start_file(Reader *reader, const CmigFileStart *start)
{
	CmigLexer  *lexer = &reader->lexer;

	end_revision(reader, cmig_file_start_skip_back(lexer->text, lexer->start));
	if (reader->name_lines > 0)
		require_revision(reader);

	reader->file = NULL;
	reader->section_start = NULL;
	reader->name = pnstrdup(start->name, start->name_end - start->name);
	reader->text = start->end;
	reader->lines_before = lexer->line;
	reader->revisions_before = list_length(reader->files);
	reader->name_lines++;
	cmig_lexer_move(lexer, start->end, lexer->line);
}

/*
 * Raise an error because another file, without a name or a header, seems to
 * begin at the current token.
 */
static void
refuse_other_file(const Reader *reader, const char *detail)
{
	ereport(ERROR,
			(errcode(ERRCODE_CMIG_BAD_FILE),
			 errmsg("another file seems to begin %s", place(reader, reader->lexer.line)),
			 errdetail("%s", detail),
			 reader->name ?
			 errhint("If that line belongs to this script, remove it. If another revision begins there, its first line must be \"-- revision: <id>\".") :
			 errhint("If that line belongs to this script, remove it. If a file without \"-- revision: \" begins there, leave that file out. To see which file it is, load the output of this command: %s",
					 CMIG_FILE_START_COMMAND)));
}

/*
 * Raise an error for text before the header.  Even a comment cannot be
 * ignored: if the file were appended to another file, the comment would become
 * part of the other file's last section.
 */
static void
refuse_leading_text(const Reader *reader)
{
	CmigLexer	lexer = reader->lexer;
	const char *text = reader->text;
	int			length = strlen(text);
	CmigFileStart start;

	while (!lexer.unterminated && !cmig_file_start_match(&lexer, &start) &&
		   (lexer.type == CMIG_TOKEN_LINE_COMMENT || lexer.type == CMIG_TOKEN_BLOCK_COMMENT))
	{
		if (lexer.type == CMIG_TOKEN_LINE_COMMENT && cmig_marker_is_file_start(&lexer, lexer.next))
			ereport(ERROR,
					(errcode(ERRCODE_CMIG_BAD_FILE),
					 errmsg("comment before the first revision's header %s",
							place(reader, reader->lexer.line)),
					 cmig_file_start_is_header_line(&reader->lexer, reader->lexer.next)
					 ? errhint("Begin the file with its line \"-- revision: <id>\".")
					 : errhint("Begin the file with its line \"-- revision: <id>\", and put the comment at the end of the header, after a line \"--\".")));
		cmig_lexer_next(&lexer);
	}
	ereport(ERROR,
			(errcode(ERRCODE_CMIG_BAD_FILE),
			 errmsg("text before the first revision's header %s",
					place(reader, reader->lexer.line)),
			 strpbrk(text, " \t\r\n;") == NULL &&
			 (strchr(text, '/') != NULL || (length > 4 && strcmp(text + length - 4, ".sql") == 0)) ?
			 errhint("Pass the text of the files, not their names; cmig.load_directory reads a folder on the server.") :
			 strstr(text, "\ndef upgrade") != NULL ?
			 errhint("This is Python. Put the SQL that alembic upgrade <from>:<to> --sql prints into a revision file.") :
			 reader->name ?
			 errhint("Begin the file with a line \"-- revision: <id>\", or omit the file if it is not a revision.") :
			 errhint("A revision file starts with a line \"-- revision: <id>\".")));
}

/* Read a token that is not a line comment. */
static void
read_token(Reader *reader)
{
	CmigLexer  *lexer = &reader->lexer;
	const char *line;
	const char *other;

	if (lexer->unterminated)
		ereport(ERROR,
				(errcode(ERRCODE_CMIG_BAD_FILE),
				 errmsg("unterminated %s %s",
						cmig_lexer_type_name(lexer), place(reader, lexer->line)),
				 errhint("Close the quote or comment. Markers inside quotes and comments have no effect, so everything that follows was read as one script.")));
	if (reader->file && cmig_file_start_has_bom(lexer))
		refuse_other_file(reader, "It contains a byte order mark, which usually begins a file.");

	if (reader->file && reader->section != CMIG_SECTION_HEADER)
	{
		other = cmig_file_start_find_other(lexer, lexer->next, reader->section, reader->has_sql);
		if (other != NULL)
			refuse_other_file(reader, other);
		line = cmig_file_start_find_quoted(lexer);
		if (line != NULL)
			ereport(ERROR,
					(errcode(ERRCODE_CMIG_BAD_FILE),
					 errmsg("unterminated %s %s", cmig_lexer_type_name(lexer), place(reader, lexer->line)),
					 errdetail("The line \"%s\" is inside the %s, but begins another file.",
							   shortened(cmig_marker_trimmed(line, line + strcspn(line, "\n"))),
							   cmig_lexer_type_name(lexer)),
					 errhint("Close the %s. If that line belongs inside it, indent the line instead.",
							 cmig_lexer_type_name(lexer))));
		reader->has_sql |= lexer->type != CMIG_TOKEN_BLOCK_COMMENT;
		return;
	}
	/* ignore a byte order mark, which the lexer treats as part of a word */
	if (lexer->type == CMIG_TOKEN_WORD &&
		cmig_marker_skip_bom_back(lexer->start, lexer->next) == lexer->start)
		return;
	if (reader->file == NULL)
		refuse_leading_text(reader);
	ereport(ERROR,
			(errcode(ERRCODE_CMIG_BAD_FILE),
			 errmsg("text outside of a section %s", place(reader, lexer->line)),
			 errhint("Put a line \"-- cmig:upgrade\" before the SQL that applies the revision.")));
}

/*
 * Read the current token, a line comment, up to "end".  If another file starts
 * inside the comment, the part of the comment before that file is read first.
 */
static void
read_comment(Reader *reader, const char *end)
{
	CmigLexer  *lexer = &reader->lexer;
	const char *glued = cmig_marker_find_glued(lexer, end);
	const char *other;
	int			section;

	if (glued < end)
	{
		const char *rest = cmig_marker_skip_bom_back(lexer->text, glued);

		check_stack_depth();
		if (rest > lexer->start)
			read_comment(reader, rest);
		start_revision(reader, glued, end);
	}
	else if (cmig_marker_is_file_start(lexer, end))
		start_revision(reader, lexer->start, end);
	else if (reader->file == NULL)
		refuse_leading_text(reader);
	else if (cmig_marker_find_section(lexer, end, &section))
		start_section(reader, section);
	else if (cmig_marker_is_misplaced(lexer, end, &section))
	{
		ereport(ERROR,
				(errcode(ERRCODE_CMIG_BAD_FILE),
				 errmsg("marker \"-- cmig:%s\" is preceded by other text %s",
						cmig_marker_sections[section], place(reader, lexer->line)),
				 errdetail("A marker starts a section only if it is alone on its line."),
				 errhint("Put a line break before \"-- cmig:%s\".", cmig_marker_sections[section])));
	}
	else if (reader->section == CMIG_SECTION_HEADER)
		read_header_line(reader, end);
	else if (cmig_file_start_is_header_line(lexer, end))
	{
		ereport(ERROR,
				(errcode(ERRCODE_CMIG_BAD_FILE),
				 errmsg("header line outside of a header %s", place(reader, lexer->line)),
				 errdetail("The line is \"%s\".", shortened(cmig_marker_trimmed(lexer->start, end))),
				 errhint("If the line belongs to this revision, move it to the header. If another file begins there, its first line must be \"-- revision: <id>\".")));
	}
	else if ((other = cmig_file_start_find_other(lexer, end, reader->section,
												 reader->has_sql)) != NULL)
		refuse_other_file(reader, other);
}

List *
cmig_revision_file_parse(const char *text, const char *name)
{
	Reader		reader = {.name = name,.text = text};
	CmigLexer  *lexer = &reader.lexer;
	CmigFileStart start;

	cmig_lexer_init(lexer, text);
	initStringInfo(&reader.description);
	while (cmig_lexer_next(lexer) != CMIG_TOKEN_END)
	{
		/*
		 * in concatenated files, a byte order mark at the end of a comment
		 * belongs to the next file
		 */
		if (lexer->type == CMIG_TOKEN_LINE_COMMENT)
			read_comment(&reader, cmig_marker_skip_bom_back(lexer->start, lexer->next));
		else if (cmig_file_start_match(lexer, &start))
			start_file(&reader, &start);
		else
			read_token(&reader);
	}
	end_revision(&reader, lexer->next);
	require_revision(&reader);
	pfree(reader.description.data);
	return reader.files;
}
