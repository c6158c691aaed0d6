/*
 * file_reader.c
 *	  Keeps track of positions and unclosed quotes in revision files.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/errors.h"
#include "format/file_reader.h"
#include "format/file_start.h"
#include "format/header_value.h"

int
cmig_file_reader_line(const CmigFileReader *reader, int line)
{
	return line - reader->lines_before;
}

char *
cmig_file_reader_place(const CmigFileReader *reader, int line)
{
	StringInfoData result;

	initStringInfo(&result);
	if (reader->file)
		appendStringInfo(&result, "in revision %s, ", reader->id);
	else
		appendStringInfoString(&result, "on ");
	appendStringInfo(&result, "line %d", cmig_file_reader_line(reader, line));
	if (reader->name)
		appendStringInfo(&result, " of file \"%s\"", reader->name);
	return result.data;
}

/*
 * Raise an error for "open", a quote that is not closed where its author meant
 * to close it.  "what" names the text that shows this, such as "the
 * statement", and "problem" says what is wrong with that text.
 */
static void
refuse_open_quote(CmigFileReader *reader, const CmigQuotedStart *open, const char *what,
				  const char *problem)
{
	reader->blamed = true;
	ereport(ERROR,
			(errcode(ERRCODE_CMIG_BAD_FILE),
			 errmsg("unterminated %s %s", open->type, open->place),
			 errdetail("The line \"%s\" is inside the %s, and %s %s.",
					   cmig_header_value_shortened(open->start), open->type, what, problem),
			 errhint("Close the %s. If that line belongs inside it, correct %s instead.", open->type, what)));
}

void
cmig_file_reader_require_closed(CmigFileReader *reader, const char *end)
{
	const CmigQuotedStart *open = reader->suspects == NIL ? NULL :
	cmig_file_start_find_open(reader->suspects, reader->section_start, end);

	if (open)
		refuse_open_quote(reader, open, "the statement", "does not parse");
}

/* Has a revision begun in the current file? */
static bool
has_revision(const CmigFileReader *reader)
{
	return reader->file != NULL || list_length(reader->files) > reader->revisions_before;
}

/*
 * Returns the number of files of the input that have begun so far, not
 * counting a named file whose header has not been read.  If there are no "==>
 * name <==" lines, each header counts as the start of a file.
 */
static int
count_files(const CmigFileReader *reader)
{
	if (reader->name_lines == 0)
		return list_length(reader->files) + (reader->file != NULL);
	return reader->name_lines - !has_revision(reader);
}

void
cmig_file_reader_note_quoted(CmigFileReader *reader)
{
	bool		certain = false;
	CmigQuotedStart *quoted;

	quoted = cmig_file_start_find_quoted(&reader->lexer, reader->section_start,
										 reader->name_lines > 0 ? reader->name : NULL,
										 &certain);
	if (quoted == NULL)
		return;
	quoted->place = cmig_file_reader_place(reader, quoted->line);
	quoted->files = count_files(reader);
	if (certain)
		ereport(ERROR,
				(errcode(ERRCODE_CMIG_BAD_FILE),
				 errmsg("unterminated %s %s", quoted->type, quoted->place),
				 errdetail("The line \"%s\" is inside the %s, and a revision begins there.",
						   cmig_header_value_shortened(quoted->start), quoted->type),
				 errhint("Close the %s. If that line belongs inside it, indent the line instead.", quoted->type)));
	reader->suspects = lappend(reader->suspects, quoted);
}

void
cmig_file_reader_blame(CmigFileReader *reader)
{
	const CmigQuotedStart *open =
	cmig_file_start_find_hiding(reader->suspects, &reader->lexer,
								has_revision(reader) ? NULL : reader->text,
								count_files(reader), reader->name_lines > 0);

	if (open)
		refuse_open_quote(reader, open, "the text after that line", "cannot be read");
	cmig_file_reader_require_closed(reader, NULL);
}
