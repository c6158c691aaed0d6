/*
 * file_reader.c
 *	  The state of reading revision files: places, and quotes left open.
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
		appendStringInfo(&result, "revision %s, ", reader->id);
	appendStringInfo(&result, "line %d", cmig_file_reader_line(reader, line));
	if (reader->name)
		appendStringInfo(&result, " of file \"%s\"", reader->name);
	return result.data;
}

/*
 * Raise the error for a quote that was left open in "what", such as the
 * statement.
 */
static void
refuse_open_quote(const CmigQuotedStart *open, const char *what, const char *problem)
{
	ereport(ERROR,
			(errcode(ERRCODE_CMIG_BAD_FILE),
			 errmsg("unterminated %s in %s", open->type, open->place),
			 errdetail("The line \"%s\" is inside it, and %s %s.",
					   cmig_header_value_shortened(open->start), what, problem),
			 errhint("Close it; or, if that line is text, correct %s.", what)));
}

void
cmig_file_reader_require_closed(const CmigFileReader *reader, const char *end)
{
	const CmigQuotedStart *open = reader->suspects == NIL ? NULL :
	cmig_file_start_find_open(reader->suspects, reader->section_start, end);

	if (open)
		refuse_open_quote(open, "the statement", "does not parse");
}

/* How many files have begun: by their names or, without names, by headers. */
static int
count_files(const CmigFileReader *reader)
{
	return reader->name_lines > 0 ? reader->name_lines :
		list_length(reader->files) + (reader->file != NULL);
}

void
cmig_file_reader_note_quoted(CmigFileReader *reader)
{
	int			count = list_length(reader->suspects);
	CmigQuotedStart *quoted;

	reader->suspects = cmig_file_start_note_quoted(reader->suspects, &reader->lexer,
												   reader->section_start);
	if (list_length(reader->suspects) == count)
		return;
	quoted = llast(reader->suspects);
	quoted->place = cmig_file_reader_place(reader, quoted->line);
	quoted->files = count_files(reader);
}

void
cmig_file_reader_blame(const CmigFileReader *reader)
{
	const CmigQuotedStart *open =
	cmig_file_start_find_hiding(reader->suspects, &reader->lexer, count_files(reader),
								reader->name_lines > 0);

	if (open)
		refuse_open_quote(open, "the text after it", "cannot be read");
	cmig_file_reader_require_closed(reader, NULL);
}
