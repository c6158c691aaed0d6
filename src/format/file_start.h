/*
 * file_start.h
 *	  Finds where files begin in input that contains several files.
 *
 * awk and GNU tail print a line "==> name <==" before each file.  Inside quotes
 * and comments, such a line is ordinary text.  However, if a file contains an
 * unclosed quote, the "==> name <==" lines of the files after it are inside
 * quotes, too.  The two cases can be told apart: in the second case, the
 * statement is usually a syntax error, or the file name is the one that is
 * expected next.  For comments, it also matters how they are closed.
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
	/* place and files are set by the reader */
	char	   *place;			/* position for messages */
	int			files;			/* number of files that begin before the token */
	bool		glued;			/* a word immediately follows the closing
								 * quote */
	const char *type;			/* the token's type for messages */
	char	   *start;			/* the line that seems to begin a file */
} CmigQuotedStart;

/*
 * Returns the current token if it is a quote or comment that seems to contain
 * the first line of a file, or NULL.  "section" is the start of the section
 * that contains the token.  "name" is the name of the file that contains the
 * token, or NULL.  Sets *certain to true if another file certainly begins in
 * the token.
 */
extern CmigQuotedStart *cmig_file_start_find_quoted(const CmigLexer *lexer, const char *section,
													const char *name, bool *certain);

/*
 * Returns the first token in the list that is in the given section and whose
 * statement does not parse, so that the token was probably closed by another
 * file.  Returns NULL if there is none.  The section ends at "end", or at the
 * end of the input if "end" is NULL.
 */
extern const CmigQuotedStart *cmig_file_start_find_open(const List *quoted,
														const char *section,
														const char *end);

/*
 * After an error at the lexer's current token, returns the token in the list
 * that is most likely an unclosed quote.  For each token in the list, this
 * function assumes that the token ends where the next file begins, and counts
 * the files that would then begin in the text.  Returns the token with the
 * highest count, or NULL if no count is higher than for the text as it was
 * read, if the error would remain, or if the token is the one at the error.
 *
 * "files" is the number of files that begin before the error.  A file begins
 * with a revision's header or, if "named" is true, with a line above the
 * header that contains the file's name.  If the error is that a file has no
 * header, "fault" is the end of the line with that file's name; otherwise
 * "fault" is NULL.
 */
extern const CmigQuotedStart *cmig_file_start_find_hiding(const List *quoted,
														  const CmigLexer *lexer,
														  const char *fault,
														  int files, bool named);

/*
 * Given the position p where a file begins, returns the end of the text before
 * the file, without white space and byte order marks at its end.
 */
extern const char *cmig_file_start_skip_back(const char *text, const char *p);

/*
 * Does the token contain a byte order mark that is not followed by the first
 * line of a file?
 */
extern bool cmig_file_start_has_bom(const CmigLexer *lexer);

/*
 * Is the comment, which ends at "end", a header line or a misspelled first
 * line of a header?  The comment is in a section.
 */
extern bool cmig_file_start_is_header_line(const CmigLexer *lexer, const char *end);

/*
 * Returns a sentence that says why the comment, which ends at "end", seems to
 * begin another file, or NULL if it does not.  after_statement is true if SQL
 * precedes the comment in its section.
 */
extern const char *cmig_file_start_find_other(const CmigLexer *lexer, const char *end,
											  CmigSection section, bool after_statement);

#endif							/* CMIG_FILE_START_H */
