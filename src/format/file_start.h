/*
 * file_start.h
 *	  Finds where files begin in input that contains several files.
 *
 * awk and GNU tail print a line "==> name <==" before each file.  Inside
 * quotes and comments, such a line is usually ordinary text.  However, if a
 * file contains an unclosed quote, the "==> name <==" lines of the files after
 * it are inside quotes, too.  In that case, the statement that contains the
 * quote usually has a syntax error, or the name in the line is the one that is
 * expected next.  For a comment, it also matters whether the text that closes
 * the comment belongs to a later file.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_FILE_START_H
#define CMIG_FILE_START_H

#include "postgres.h"
#include "nodes/pg_list.h"
#include "format/marker.h"
#include "parse/lexer.h"

/* A command that prints files, with a "==> name <==" line before each. */
#define CMIG_FILE_START_COMMAND \
	"awk 'FNR == 1 { print \"==> \" FILENAME \" <==\" } { print }' migrations/" "*.sql"

/* A "==> name <==" line. */
typedef struct CmigFileStart
{
	const char *name;
	const char *name_end;
	const char *end;			/* end of the line, without its newline */
} CmigFileStart;

/*
 * Does a "==> name <==" line begin at the current token?  If so, sets *start.
 */
extern bool cmig_file_start_match(const CmigLexer *lexer, CmigFileStart *start);

/* A quote or comment that seems to contain the first line of a file. */
typedef struct CmigQuotedStart
{
	const char *token;			/* start of the token, which ends at token_end */
	const char *token_end;
	const char *section;		/* start of the section that contains the
								 * token */
	int			line;			/* line of the token */
	/* "place" and "files" are set by file_reader.c */
	char	   *place;			/* the token's position for messages */
	int			files;			/* number of files that begin before the token */
	bool		glued;			/* is the closing quote directly followed by a
								 * word? */
	const char *type;			/* the kind of token, such as "string", for
								 * messages */
	char	   *start;			/* the line that seems to begin a file */
} CmigQuotedStart;

/*
 * If the current token is a quote or comment that seems to contain the first
 * line of a file, returns the token; otherwise, returns NULL.  "section" is
 * the start of the section that contains the token.  "name" is the name of the
 * file that contains the token, or NULL.  Sets *certain to true if another
 * file certainly begins in the token.
 */
extern CmigQuotedStart *cmig_file_start_find_quoted(const CmigLexer *lexer, const char *section,
													const char *name, bool *certain);

/*
 * Returns the first CmigQuotedStart in the list that is in the given section
 * and has a statement that does not parse.  Another file has probably closed
 * such a quote.  Returns NULL if there is none.  The section ends at "end", or
 * at the end of the input if "end" is NULL.
 */
extern const CmigQuotedStart *cmig_file_start_find_open(const List *quoted,
														const char *section,
														const char *end);

/*
 * After an error at the lexer's current token, returns the CmigQuotedStart in
 * the list that is most likely an unclosed quote.  For each element of the
 * list, this function assumes that the quote ends where the next file begins,
 * and counts the files that the input would then contain.  Returns the one
 * with the highest count.  Returns NULL if no count is higher than for the
 * input as it was read, if the error would remain, or if the quote is the
 * token at the error.
 *
 * "files" is the number of files that begin before the error.  A file begins
 * with the header of a revision or, if "named" is true, with a "==> name <=="
 * line above the header.  If the error is that a file has no header, "fault"
 * is the end of that file's "==> name <==" line; otherwise "fault" is NULL.
 */
extern const CmigQuotedStart *cmig_file_start_find_hiding(const List *quoted,
														  const CmigLexer *lexer,
														  const char *fault,
														  int files, bool named);

/*
 * "p" is the position in "text" where a file begins.  Returns the end of the
 * text before that position, not counting trailing white space and byte order
 * marks.
 */
extern const char *cmig_file_start_skip_back(const char *text, const char *p);

/*
 * Does the token contain a byte order mark that is not followed by the first
 * line of a file?
 */
extern bool cmig_file_start_has_bom(const CmigLexer *lexer);

/*
 * Is a comment in a section a header line, or a misspelled "-- revision: id"
 * line?  The comment is the current token and ends at "end".
 */
extern bool cmig_file_start_is_header_line(const CmigLexer *lexer, const char *end);

/*
 * Returns a sentence that says why the current token, a comment that ends at
 * "end", seems to begin another file, or NULL if it does not seem to.
 * after_statement is true if SQL precedes the comment in its section.
 */
extern const char *cmig_file_start_find_other(const CmigLexer *lexer, const char *end,
											  CmigSection section, bool after_statement);

#endif							/* CMIG_FILE_START_H */
