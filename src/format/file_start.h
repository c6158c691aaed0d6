/*
 * file_start.h
 *	  Finds where files begin in a text that contains several.
 *
 * Pure.  awk and GNU tail print "==> name <==" on a line of its own before
 * each file.  In quotes and comments such a line is text, like everything else
 * there. But if a file ends inside quotes, the lines of the files after it are
 * in quotes, too.  The statement shows which case it is: in the second case,
 * it is usually a syntax error, or the name of the file is the one that has to
 * come next.  For comments, it also depends on what closes them.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_FILE_START_H
#define CMIG_FILE_START_H

#include "postgres.h"
#include "nodes/pg_list.h"
#include "format/marker.h"
#include "parse/lexer.h"

/* A command that prints files with their names. */
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

/* A quote or comment that contains what looks like the first line of a file. */
typedef struct CmigQuotedStart
{
	const char *token;			/* the token begins here and ends at token_end */
	const char *token_end;
	const char *section;		/* where its section starts */
	int			line;			/* of the token */
	/* set by the reader */
	char	   *place;			/* for messages */
	int			files;			/* that begin before it */
	bool		glued;			/* a word follows right after the closing
								 * quote */
	const char *type;			/* what the token is called in messages */
	char	   *start;			/* that line */
} CmigQuotedStart;

/*
 * The current token if it is such a quote or comment, or NULL; section is where
 * its section starts.  name is that of the file with the token, or NULL.  *certain:
 * another file begins in it.
 */
extern CmigQuotedStart *cmig_file_start_find_quoted(const CmigLexer *lexer, const char *section,
													const char *name, bool *certain);

/*
 * Of a section, which goes up to end or to the end of the text: the first token
 * in the list whose statement does not parse, since it was probably closed by
 * another file.  NULL if there is none.
 */
extern const CmigQuotedStart *cmig_file_start_find_open(const List *quoted,
														const char *section,
														const char *end);

/*
 * After an error at the lexer's token: which token in the list has a quote that
 * its file has left open?  For each token, assume that it ends where the next
 * file begins, and count the files that begin in the text; the token with the
 * highest count is the one.  NULL if no count is higher than that of the text as
 * it was read, if the error would remain, or if it is the token at the error.
 * "files" is the number of files that begin before the error.  A file begins with
 * a revision's header, and if "named" is set, with a line with its name above the
 * header.  "fault" is the end of that line if the error is that the file has no
 * header, otherwise NULL.
 */
extern const CmigQuotedStart *cmig_file_start_find_hiding(const List *quoted,
														  const CmigLexer *lexer,
														  const char *fault,
														  int files, bool named);

/* Go back from p, where a file begins, to the end of the text before it. */
extern const char *cmig_file_start_skip_back(const char *text, const char *p);

/* Does the token contain a byte order mark without a file's first line after it? */
extern bool cmig_file_start_has_bom(const CmigLexer *lexer);

/*
 * In a section, is the comment up to end a line of a header, or a misspelled
 * first line of one?
 */
extern bool cmig_file_start_is_header_line(const CmigLexer *lexer, const char *end);

/*
 * Why the comment up to end seems to begin another file, as a sentence, or
 * NULL.  after_statement: SQL stands before it in its section.
 */
extern const char *cmig_file_start_find_other(const CmigLexer *lexer, const char *end,
											  CmigSection section, bool after_statement);

#endif							/* CMIG_FILE_START_H */
