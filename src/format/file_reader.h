/*
 * file_reader.h
 *	  Keeps track of positions and unclosed quotes in revision files.
 *
 * An unclosed quote in one file can hide the beginnings of the files after it.
 * In that case, the error names the quote, not the problem that was found
 * later.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_FILE_READER_H
#define CMIG_FILE_READER_H

#include "postgres.h"
#include "lib/stringinfo.h"
#include "nodes/pg_list.h"
#include "format/marker.h"
#include "parse/lexer.h"

struct CmigRevisionFile;

/*
 * The state of one pass over the input, which contains one or more revision
 * files.
 */
typedef struct CmigFileReader
{
	CmigLexer	lexer;
	List	   *files;			/* of CmigRevisionFile *: all revisions that
								 * have been read completely */
	List	   *suspects;		/* of CmigQuotedStart * */

	/* the file that is being read */
	const char *name;			/* name of the file, or NULL */
	const char *text;			/* start of the file */
	int			lines_before;	/* lines of the input before the file */
	int			revisions_before;	/* revisions of the input before the file */
	int			name_lines;		/* number of "==> name <==" lines so far */

	/* the current revision; NULL before the file's first one */
	struct CmigRevisionFile *file;
	const char *id;				/* the revision's id */
	bool		crlf;			/* the header's first line ends in CRLF */
	int			key_lines[CMIG_KEY_COUNT];	/* line of each key; 0: not seen */
	CmigSection section;
	int			section_lines[CMIG_SECTION_COUNT];	/* line of each section;
													 * 0: not seen */
	const char *section_start;	/* NULL in a header */
	bool		in_description;
	int			header_line;	/* last line of the header so far */
	StringInfoData description;

	bool		has_sql;		/* the section contains SQL so far */
	bool		blamed;			/* the error already names an unclosed quote */
} CmigFileReader;

/* Convert a line number in the input to one in the current file. */
extern int	cmig_file_reader_line(const CmigFileReader *reader, int line);

/*
 * Returns a position for messages, such as: in revision 003, line 17 of
 * file "003.sql".  "line" is a line number in the input.
 */
extern char *cmig_file_reader_place(const CmigFileReader *reader, int line);

/*
 * Record the current token if it is a quote or comment that contains the first
 * line of a file.  Raises an error if the token has certainly been closed by
 * another file.
 */
extern void cmig_file_reader_note_quoted(CmigFileReader *reader);

/*
 * Raise an error if a quote in the section seems to have been closed by
 * another file.  The section ends at "end", or at the end of the input if
 * "end" is NULL.
 */
extern void cmig_file_reader_require_closed(CmigFileReader *reader, const char *end);

/*
 * Call this when the text cannot be read.  If the reason seems to be an
 * unclosed quote in an earlier file, raises an error for that quote instead.
 */
extern void cmig_file_reader_blame(CmigFileReader *reader);

#endif							/* CMIG_FILE_READER_H */
