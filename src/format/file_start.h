/*
 * file_start.h
 *	  Where a file begins in a text of many, and what only looks as if one did.
 *
 * Pure.  awk and GNU tail print "==> name <==" on a line of its own before a
 * file.  In quotes and comments such a line is text, as everything is there;
 * but when a file ends within quotes, the lines of the files after it stand in
 * quotes too.  The two are told apart by the statement: in the second case it
 * does not parse.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_FILE_START_H
#define CMIG_FILE_START_H

#include "postgres.h"
#include "nodes/pg_list.h"
#include "format/marker.h"
#include "parse/lexer.h"

/* What prints files so that their names and first lines can be seen. */
#define CMIG_FILE_START_COMMAND \
	"awk 'FNR == 1 { print \"==> \" FILENAME \" <==\" } { print }' migrations/" "*.sql"

/* The line "==> name <==". */
typedef struct CmigFileStart
{
	const char *name;
	const char *name_end;
	const char *end;			/* of the line, without its newline */
} CmigFileStart;

/* Is the current token the first of such a line? */
extern bool cmig_file_start_match(const CmigLexer *lexer, CmigFileStart *start);

/* A quoted token that has the first line of a file in it. */
typedef struct CmigQuotedStart
{
	const char *token;			/* from here to token_end, in the text */
	const char *token_end;
	const char *section;		/* where its section starts */
	int			line;			/* of the token */
	/* the reader's */
	char	   *place;			/* for messages */
	int			files;			/* that begin before it */
	bool		glued;			/* a word follows the closing quote at once */
	const char *type;			/* what the token is called in messages */
	char	   *start;			/* that line */
} CmigQuotedStart;

/*
 * Append the current token to a list of CmigQuotedStart *, if it is one;
 * section is where its section starts.
 */
extern List *cmig_file_start_note_quoted(List *quoted, const CmigLexer *lexer,
										 const char *section);

/*
 * The first in the list that was probably closed by a quote of another file,
 * or NULL: its statement does not parse.  Of the section that starts at section
 * alone, which goes up to end, or to the end of the text if end is NULL.
 */
extern const CmigQuotedStart *cmig_file_start_find_open(const List *quoted,
														const char *section,
														const char *end);

/*
 * After an error at the token that the lexer stands on: the one in the list
 * whose quote was left open, if most files begin in the text when it ends where
 * one does in it.  NULL if as many begin as the text is read, or as if the
 * token at the error ended so.  files begin before the error; a file begins
 * with a revision's header, and if named with its name before that.
 */
extern const CmigQuotedStart *cmig_file_start_find_hiding(const List *quoted,
														  const CmigLexer *lexer,
														  int files, bool named);

/* Go back from p, where a file begins, to the end of the text before it. */
extern const char *cmig_file_start_skip_back(const char *text, const char *p);

/* Is a byte order mark in the current token that no file's first line follows? */
extern bool cmig_file_start_has_bom(const CmigLexer *lexer);

/*
 * Is the comment up to end, in a section, a line of a header, or the first
 * line of one misspelled?
 */
extern bool cmig_file_start_is_header_line(const CmigLexer *lexer, const char *end);

/*
 * Why the comment up to end seems to begin another file, as a sentence, or
 * NULL.  after_statement: SQL stands before it in its section.
 */
extern const char *cmig_file_start_find_other(const CmigLexer *lexer, const char *end,
											  CmigSection section, bool after_statement);

#endif							/* CMIG_FILE_START_H */
