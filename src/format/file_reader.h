/*
 * file_reader.h
 *	  Keeps track of positions and unclosed quotes in revision files.
 *
 * An unclosed quote in one file can hide the beginnings of the files after it.
 * The parser then notices a problem only in a later file, but the error must
 * name the quote.
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
	List	   *suspects;		/* of CmigQuotedStart *: quotes and comments
								 * that another file may have closed */

	/* The following fields describe the file that is being read. */
	const char *name;			/* name of the file, or NULL */
	const char *text;			/* start of the file */
	int			lines_before;	/* number of lines of the input that precede
								 * the file */
	int			revisions_before;	/* number of revisions in the input that
									 * precede the file */
	int			name_lines;		/* number of "==> name <==" lines so far */

	/* the current revision; NULL before the first revision of the file */
	struct CmigRevisionFile *file;
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
	bool		blamed;			/* has an error already been raised for an
								 * unclosed quote? */
} CmigFileReader;

/* Convert a line number of the input to a line number of the current file. */
extern int	cmig_file_reader_line(const CmigFileReader *reader, int line);

/*
 * Returns a position for messages, such as: in revision 003, line 17 of
 * file "003.sql".  "line" is a line number in the input.
 */
extern char *cmig_file_reader_place(const CmigFileReader *reader, int line);

/*
 * Examine the current token.  If it is a quote or comment that contains what
 * looks like the first line of a file, add it to the reader's suspects.
 * Raises an error if it is certain that another file has closed the token.
 */
extern void cmig_file_reader_note_quoted(CmigFileReader *reader);

/*
 * Raise an error if the current section, which ends at "end", contains a quote
 * that another file seems to have closed.  If "end" is NULL, the section ends
 * at the end of the input.
 */
extern void cmig_file_reader_require_closed(CmigFileReader *reader, const char *end);

/*
 * Call this before raising an error for input that cannot be parsed.  If the
 * cause seems to be an unclosed quote in an earlier file, raises an error for
 * that quote instead.
 */
extern void cmig_file_reader_blame(CmigFileReader *reader);

#endif							/* CMIG_FILE_READER_H */
