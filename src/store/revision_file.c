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
#include "utils/builtins.h"
#include "utils/varlena.h"

#include "base/errors.h"
#include "store/internal.h"

#define MAX_SHOWN (CMIG_MAX_ID_LENGTH / 2)	/* bytes of a name in a message */

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
 * Returns a copy of a name, truncated and in double quotes, or without quotes
 * if the name itself contains one.
 */
static char *
quoted(const char *name)
{
	return psprintf(strchr(name, '"') ? "%s" : "\"%s\"", cmig_text_shortened(name, MAX_SHOWN));
}

/*
 * Check a name in a list of ids or labels.  "none" and "null" mean a missing
 * value in Python and SQL.  "at" is the position of the key for messages.
 */
static void
check_name(const char *key, const char *name, const char *at)
{
	char	   *bad = cmig_graph_check_name(name);

	if (bad)
		ereport(ERROR,
				(errcode(ERRCODE_CMIG_BAD_FILE),
				 errmsg("invalid name %s for %s %s",
						quoted(name), key, at),
				 errdetail("The name %s.", bad),
				 errhint("Write ids or labels without quotes, separated by commas, or leave the value empty.")));
	if (pg_strcasecmp(name, "none") == 0 || pg_strcasecmp(name, "null") == 0)
		ereport(ERROR,
				(errcode(ERRCODE_CMIG_BAD_FILE),
				 errmsg("invalid name \"%s\" for %s %s", name, key, at),
				 errhint("To list no names, leave the value of %s empty.", key)));
}

/*
 * Parse a header value that is a list, separated by commas.  An element of
 * "placeholders", which declares a value that is supplied at run time, becomes
 * "name" or "name literal".
 */
static CmigNames
read_names(const CmigHeaderField *field, const char *value, const char *at)
{
	CmigNames	names = {0, NULL};
	const char *repeated;
	const char *end;

	if (*value == '\0')
		return names;
	names.names = palloc(sizeof(char *) * (strlen(value) + 1));
	for (;; value = end + 1)
	{
		char	   *name;
		char	   *declared;
		bool		literal;

		end = value + strcspn(value, ",");
		name = cmig_marker_trimmed(value, end);
		if (field->type == CMIG_VALUE_NAMES)
			check_name(field->key, name, at);
		else if (!cmig_substitute_parse(name, &declared, &literal))
			ereport(ERROR,
					(errcode(ERRCODE_CMIG_BAD_FILE),
					 errmsg("invalid placeholder %s %s", quoted(name), at),
					 errhint("Write names of lower-case letters, digits, and _, separated by commas. Add \"literal\" after each name that stands for a string, for example: schema, owner literal")));
		else
		{
			int			length = strlen(declared);

			for (int i = 0; i < names.count; i++)
				if (strncmp(names.names[i], declared, length) == 0 &&
					strchr(" ", names.names[i][length]) != NULL)
					ereport(ERROR,
							(errcode(ERRCODE_CMIG_BAD_FILE),
							 errmsg("placeholder \"%s\" is declared twice %s", declared, at),
							 errhint("Declare it only once.")));
			name = literal ? psprintf("%s literal", declared) : declared;
		}
		names.names[names.count++] = name;
		if (*end == '\0')
			break;
	}

	repeated = cmig_names_repeated(&names);
	if (repeated)
		ereport(ERROR,
				(errcode(ERRCODE_CMIG_BAD_FILE),
				 errmsg("\"%s\" is listed twice for %s %s",
						repeated, field->key, at),
				 errhint("Remove or correct one of the two entries.")));
	return names;
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
		return "down_revision";

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

/* Store the value of a header key, which is on the given line of the input. */
static void
set_key(Reader *reader, CmigHeaderKey number, const char *value, int line)
{
	CmigRevisionText *text = &reader->file->text;
	const CmigHeaderField *field = &cmig_header_fields[number];
	void	   *to = (char *) text + field->offset;
	const char *key = field->key;

	if (reader->key_lines[number])
		ereport(ERROR,
				(errcode(ERRCODE_CMIG_BAD_FILE),
				 errmsg("duplicate header key \"%s\" %s", key, place(reader, line)),
				 errdetail("It was first given on line %d.",
						   file_line(reader, reader->key_lines[number])),
				 number == CMIG_KEY_REVISION ?
				 errhint("If these are two files, put an empty line between them.") : 0));
	reader->key_lines[number] = line;

	switch (field->type)
	{
		case CMIG_VALUE_ID:
			break;				/* start_revision() has read this key */
		case CMIG_VALUE_LINE:
			if (number == CMIG_KEY_MESSAGE && pg_mbstrlen(value) > CMIG_MAX_MESSAGE_LENGTH)
				ereport(ERROR,
						(errcode(ERRCODE_CMIG_BAD_FILE),
						 errmsg("the message %s is longer than %d characters",
								place(reader, line), CMIG_MAX_MESSAGE_LENGTH),
						 errhint("Put longer text into the description, after a line \"--\" in the header.")));
			*(char **) to = pstrdup(value);
			break;
		case CMIG_VALUE_BOOL:
			if (!parse_bool(value, to))
				ereport(ERROR,
						(errcode(ERRCODE_CMIG_BAD_FILE),
						 errmsg("invalid value \"%s\" for %s %s", value, key, place(reader, line)),
						 errhint("Write true or false.")));
			break;
		case CMIG_VALUE_EXPAND:
			if (!cmig_expand_header(value, to))
				ereport(ERROR,
						(errcode(ERRCODE_CMIG_BAD_FILE),
						 errmsg("invalid value \"%s\" for %s %s", value, key, place(reader, line)),
						 errhint("Write true, false, or strict.")));
			break;
		case CMIG_VALUE_NAMES:
		case CMIG_VALUE_PLACEHOLDERS:
			*(CmigNames *) to = read_names(field, value, place(reader, line));
			break;
		case CMIG_VALUE_DATE:
			text->edges.has_created_at = *value != '\0';
			if (*value && !cmig_marker_parse_date(value, to))
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
	const char *keys[CMIG_KEY_COUNT];
	const char *colon;
	const char *nearest;
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
		keys[i] = cmig_header_fields[i].key;
		if (strcmp(key, keys[i]) == 0)
		{
			set_key(reader, i, cmig_marker_trimmed(colon + 1, end), lexer->line);
			pfree(key);
			return;
		}
	}
	nearest = suggest(key, keys, CMIG_KEY_COUNT);
	ereport(ERROR,
			(errcode(ERRCODE_CMIG_BAD_FILE),
			 errmsg("unknown header key \"%s\" %s",
					key, place(reader, lexer->line)),
			 nearest ? errhint("Did you mean \"%s\"?", nearest) :
			 errhint("Known keys are revision, repeatable, down_revision, depends_on, branch_labels, replaces, precondition, placeholders, message, transactional, expand, and create_date; put a line \"--\" before a description.")));
}

/* Store the current section, which ends at "end". */
static void
end_section(Reader *reader, const char *end)
{
	if (reader->section == CMIG_SECTION_HEADER)
		reader->file->text.description = pstrdup(reader->description.data);
	else
	{
		int		   *line = &reader->file->text.file_lines[reader->section - CMIG_SECTION_UPGRADE];

		*line = file_line(reader, reader->section_lines[reader->section]);
		*cmig_section_of(&reader->file->text, reader->section) =
			cmig_section_text_read(reader->section_start, end, reader->section, reader->crlf, line);
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
		if (strncmp(marker, "cmig:up ", 8) == 0 || strncmp(marker, "cmig:down ", 10) == 0)
			ereport(ERROR,
					(errcode(ERRCODE_CMIG_BAD_FILE),
					 errmsg("line \"-- %.*s\" outside of an upgrade section %s",
							(int) strcspn(marker, " "), marker,
							place(reader, lexer->line)),
					 errhint("Put it into the upgrade section, after the statement that it belongs to.")));
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
				 errhint("The markers are -- cmig:upgrade, -- cmig:downgrade, and -- cmig:verify; lines -- cmig:up and -- cmig:down belong in the upgrade section.")));
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
			 cmig_hint("%s", hint)));
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
	cmig_revision_canonicalize(text);
	for (int i = 0; i < CMIG_KEY_COUNT && text->edges.repeatable; i++)
	{
		const CmigHeaderField *field = &cmig_header_fields[i];

		if (field->of_graph && ((CmigNames *) ((char *) text + field->offset))->count > 0)
			refuse_in_repeatable(reader,
								 i == CMIG_KEY_DOWN_REVISION ? "a down_revision" : field->key,
								 reader->key_lines[i], field->of_graph);
	}
	cmig_expand_require_header(text);
	if (text->edges.repeatable && text->expand != NULL)
		refuse_in_repeatable(reader, "expand", reader->key_lines[CMIG_KEY_EXPAND],
							 "Remove the line.");
	if (text->edges.repeatable && reader->section_lines[CMIG_SECTION_DOWNGRADE])
		refuse_in_repeatable(reader, "a downgrade section",
							 reader->section_lines[CMIG_SECTION_DOWNGRADE],
							 "Remove the section, which a downgrade would not run. To drop the objects, use the downgrade section of another revision.");
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
				 : errhint("A line that begins with \"%s\" starts the next revision file.",
						   CMIG_FILE_START)));
	}

	reader->file = palloc0(sizeof(CmigRevisionFile));
	reader->file->text.file_name = unconstify(char *, reader->name);
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
	bool		is_header_line;
	CmigMarked	marked;
	CmigMark	mark = cmig_marker_find(&lexer, lexer.next, CMIG_SECTION_UPGRADE, false, &marked);

	is_header_line = mark == CMIG_MARK_HEADER_LINE;
	while (!lexer.unterminated && mark != CMIG_MARK_FILE && mark != CMIG_MARK_REVISION &&
		   (lexer.type == CMIG_TOKEN_LINE_COMMENT || lexer.type == CMIG_TOKEN_BLOCK_COMMENT))
	{
		cmig_lexer_next(&lexer);
		mark = cmig_marker_find(&lexer, lexer.next, CMIG_SECTION_HEADER, false, &marked);
	}
	if (mark == CMIG_MARK_REVISION)
		ereport(ERROR,
				(errcode(ERRCODE_CMIG_BAD_FILE),
				 errmsg("comment before the first revision's header %s",
						place(reader, reader->lexer.line)),
				 is_header_line
				 ? errhint("Begin the file with its line \"-- revision: <id>\".")
				 : errhint("Begin the file with its line \"-- revision: <id>\", and put the comment at the end of the header, after a line \"--\".")));
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

/*
 * If the current token begins a line such as CMIG_FILE_GUARD, which can have
 * any text, skips the line.
 */
static bool
skip_guard(Reader *reader)
{
	CmigLexer  *lexer = &reader->lexer;
	const char *line_end = lexer->start + strcspn(lexer->start, "\n");
	const char *end = line_end;

	while (end > lexer->start && cmig_marker_is_blank(end[-1]))
		end--;
	if (strncmp(lexer->start, "\\echo ", 6) != 0 || end - lexer->start < 11 ||
		strncmp(end - 6, " \\quit", 6) != 0)
		return false;
	reader->header_line = lexer->line;
	cmig_lexer_move(lexer, line_end, lexer->line);
	return true;
}

/* Read the current token, which is neither a comment nor the start of a file. */
static void
read_sql(Reader *reader)
{
	CmigLexer  *lexer = &reader->lexer;

	if (reader->file && reader->section != CMIG_SECTION_HEADER)
	{
		reader->has_sql |= lexer->type != CMIG_TOKEN_BLOCK_COMMENT;
		return;
	}
	/* ignore a byte order mark, which the lexer treats as part of a word */
	if (lexer->type == CMIG_TOKEN_WORD &&
		cmig_marker_skip_bom_back(lexer->start, lexer->next) == lexer->start)
		return;
	if (reader->file == NULL)
		refuse_leading_text(reader);
	if (skip_guard(reader))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_CMIG_BAD_FILE),
			 errmsg("text outside of a section %s", place(reader, lexer->line)),
			 errhint("Put a line \"-- cmig:upgrade\" before the SQL that applies the revision.")));
}

/*
 * Read the current token up to "end".  If another file starts inside a comment,
 * the part of the comment before that file is read first.
 */
static void
read_token(Reader *reader, const char *end)
{
	CmigLexer  *lexer = &reader->lexer;
	CmigMarked	marked;
	CmigMark	mark;
	const char *rest;

	if (lexer->unterminated)
		ereport(ERROR,
				(errcode(ERRCODE_CMIG_BAD_FILE),
				 errmsg("unterminated %s %s",
						cmig_lexer_type_name(lexer), place(reader, lexer->line)),
				 errhint("Close the quote or comment. Markers inside quotes and comments have no effect, so everything that follows was read as one script.")));
	mark = cmig_marker_find(lexer, end, reader->file ? reader->section : CMIG_SECTION_HEADER,
							reader->has_sql, &marked);
	if (reader->file == NULL && mark > CMIG_MARK_REVISION)
		mark = CMIG_MARK_NONE;
	switch (mark)
	{
		case CMIG_MARK_FILE:
			start_file(reader, &marked.file);
			break;
		case CMIG_MARK_GLUED:
			rest = cmig_marker_skip_bom_back(lexer->text, marked.at);
			check_stack_depth();
			if (rest > lexer->start)
				read_token(reader, rest);
			start_revision(reader, marked.at, end);
			break;
		case CMIG_MARK_REVISION:
			start_revision(reader, lexer->start, end);
			break;
		case CMIG_MARK_SECTION:
			start_section(reader, marked.section);
			break;
		case CMIG_MARK_MISPLACED:
			ereport(ERROR,
					(errcode(ERRCODE_CMIG_BAD_FILE),
					 errmsg("marker \"-- cmig:%s\" is preceded by other text %s",
							cmig_marker_sections[marked.section], place(reader, lexer->line)),
					 errdetail("A marker starts a section only if it is alone on its line."),
					 errhint("Put a line break before \"-- cmig:%s\".",
							 cmig_marker_sections[marked.section])));
			break;
		case CMIG_MARK_HEADER_LINE:
			ereport(ERROR,
					(errcode(ERRCODE_CMIG_BAD_FILE),
					 errmsg("header line outside of a header %s", place(reader, lexer->line)),
					 errdetail("The line is \"%s\".",
							   cmig_text_shortened(cmig_marker_trimmed(lexer->start, end),
												   MAX_SHOWN)),
					 errhint("If the line belongs to this revision, move it to the header. If another file begins there, its first line must be \"-- revision: <id>\".")));
			break;
		case CMIG_MARK_OTHER:
		case CMIG_MARK_BOM:
			ereport(ERROR,
					(errcode(ERRCODE_CMIG_BAD_FILE),
					 errmsg("another file seems to begin %s", place(reader, reader->lexer.line)),
					 errdetail("%s", marked.reason),
					 reader->name ?
					 errhint("If that line belongs to this script, remove it. If another revision begins there, its first line must be \"-- revision: <id>\".") :
					 errhint("If that line belongs to this script, remove it. If a file without \"-- revision: \" begins there, leave that file out. To see which file it is, load the output of this command: %s",
							 CMIG_FILE_START_COMMAND)));
			break;
		case CMIG_MARK_QUOTED:
			ereport(ERROR,
					(errcode(ERRCODE_CMIG_BAD_FILE),
					 errmsg("unterminated %s %s", cmig_lexer_type_name(lexer),
							place(reader, lexer->line)),
					 errdetail("The line \"%s\" is inside the %s, but begins another file.",
							   cmig_text_shortened(cmig_marker_trimmed(marked.at,
																	   marked.at + strcspn(marked.at, "\n")), MAX_SHOWN),
							   cmig_lexer_type_name(lexer)),
					 errhint("Close the %s. If that line belongs inside it, indent the line instead.",
							 cmig_lexer_type_name(lexer))));
			break;
		case CMIG_MARK_NONE:
			if (lexer->type != CMIG_TOKEN_LINE_COMMENT)
				read_sql(reader);
			else if (reader->file == NULL)
				refuse_leading_text(reader);
			else if (reader->section == CMIG_SECTION_HEADER)
				read_header_line(reader, end);
			break;
	}
}

List *
cmig_revision_file_parse(const char *text, const char *name)
{
	Reader		reader = {.name = name,.text = text};
	CmigLexer  *lexer = &reader.lexer;

	cmig_lexer_init(lexer, text);
	initStringInfo(&reader.description);
	while (cmig_lexer_next(lexer) != CMIG_TOKEN_END)
	{
		/*
		 * in concatenated files, a byte order mark at the end of a comment
		 * belongs to the next file
		 */
		read_token(&reader, lexer->type != CMIG_TOKEN_LINE_COMMENT ? lexer->next :
				   cmig_marker_skip_bom_back(lexer->start, lexer->next));
	}
	end_revision(&reader, lexer->next);
	require_revision(&reader);
	pfree(reader.description.data);
	return reader.files;
}
