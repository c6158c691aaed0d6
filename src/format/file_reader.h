/*
 * file_reader.h
 *	  The state of reading revision files: places, and quotes left open. Pure.
 *
 * A quote that one file leaves open can hide the beginnings of the files after
 * it.  The error then names that quote, and not what was found later.
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

/* The state of one pass over a text. */
typedef struct CmigFileReader
{
	CmigLexer	lexer;
	List	   *files;			/* of CmigRevisionFile *: all revisions that
								 * have ended */
	List	   *suspects;		/* of CmigQuotedStart * */

	/* the file that is being read */
	const char *name;			/* or NULL */
	const char *text;			/* where it begins */
	int			lines_before;	/* in the text */
	int			revisions_before;	/* in the text */
	int			name_lines;		/* lines "==> name <==" so far */

	/* the revision that is being read; NULL before the file's first */
	struct CmigRevisionFile *file;
	const char *id;				/* its id */
	bool		crlf;			/* its header's first line ends in CRLF */
	int			key_lines[CMIG_KEY_COUNT];	/* 0: not seen */
	CmigSection section;
	int			section_lines[CMIG_SECTION_COUNT];	/* 0: not seen */
	const char *section_start;	/* NULL in a header */
	bool		in_description;
	int			header_line;	/* the last line of the header */
	StringInfoData description;

	bool		has_sql;		/* the section has SQL so far */
	bool		blamed;			/* the error is about an open quote already */
} CmigFileReader;

/* The line number in the file of a line of the text. */
extern int	cmig_file_reader_line(const CmigFileReader *reader, int line);

/*
 * A place for messages: revision 003, line 17 of file "003.sql".  "line" counts
 * from the start of the whole text.
 */
extern char *cmig_file_reader_place(const CmigFileReader *reader, int line);

/*
 * Note the current token if it is a quote or comment with the first line of a
 * file in it.  Refuse one that another file has certainly closed.
 */
extern void cmig_file_reader_note_quoted(CmigFileReader *reader);

/*
 * Raise an error if a quote in the section, up to end (NULL: the end of the
 * text), seems to have been closed by another file.
 */
extern void cmig_file_reader_require_closed(CmigFileReader *reader, const char *end);

/*
 * To be called when the text cannot be read: an unclosed quote in an earlier file
 * may be the reason, and is then reported instead.
 */
extern void cmig_file_reader_blame(CmigFileReader *reader);

#endif							/* CMIG_FILE_READER_H */
