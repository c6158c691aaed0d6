/*
 * lexer.h
 *	  Splits SQL text into tokens, including comments.
 *
 * The lexer finds the same tokens as the server's scanner, but also returns
 * comments.  Unlike the scanner, it does not allocate memory, copy the text, or
 * warn about long identifiers, and it never raises an error.  The lexer is used
 * to split scripts into statements, to find the markers in revision files, and
 * to compute checksums.  Interpreting a statement is left to the server's
 * parser.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_LEXER_H
#define CMIG_LEXER_H

#include "postgres.h"

/* The kinds of tokens. */
typedef enum CmigTokenType
{
	CMIG_TOKEN_END,
	CMIG_TOKEN_WORD,			/* keyword or unquoted identifier */
	CMIG_TOKEN_QUOTED,			/* "identifier", U&"identifier" */
	CMIG_TOKEN_STRING,			/* '...', including its E, B, X, N or U& */
	CMIG_TOKEN_DOLLAR,			/* $tag$...$tag$ */
	CMIG_TOKEN_NUMBER,
	CMIG_TOKEN_PARAM,			/* $1 */
	CMIG_TOKEN_OPERATOR,		/* also single characters, :: := .. */
	CMIG_TOKEN_LINE_COMMENT,	/* without its newline */
	CMIG_TOKEN_BLOCK_COMMENT
} CmigTokenType;

/* A position in SQL text, and the token before that position. */
typedef struct CmigLexer
{
	const char *text;			/* NUL-terminated */
	const char *next;			/* where to look for the next token */
	int			next_line;		/* line number of next, counted from 1 */

	/*
	 * the value of the setting standard_conforming_strings; the caller may
	 * change this field between tokens
	 */
	bool		standard_conforming_strings;

	/* the current token */
	CmigTokenType type;
	const char *start;			/* start of the token; its end is "next" */
	int			line;			/* line number of start */
	bool		continued;		/* true if the token is a string that
								 * continues the previous token, as in 'a'
								 * newline 'b' */
	bool		unterminated;	/* true if the token is a quote or comment
								 * without an end */

	/*
	 * private: kind of the last string, if the next token can continue that
	 * string
	 */
	char		string_kind;
	bool		newline_since;

	/*
	 * private: start and end of the + and - signs that follow an operator;
	 * each of these signs is a separate token
	 */
	const char *signs;
	const char *signs_end;
} CmigLexer;

extern void cmig_lexer_init(CmigLexer *lexer, const char *text);

/*
 * Move to "next", which is on the given line, and continue as if the text began
 * there.
 */
extern void cmig_lexer_move(CmigLexer *lexer, const char *next, int line);

/*
 * Returns the next token, which may be a comment.  Returns CMIG_TOKEN_END at
 * the end of the text.
 */
extern CmigTokenType cmig_lexer_next(CmigLexer *lexer);

/*
 * Returns the next token that is not a comment.  An unterminated block comment
 * is returned as a token, because the server rejects it.
 */
extern CmigTokenType cmig_lexer_next_sql(CmigLexer *lexer);

/*
 * The words at which cmig_lexer_pass() stops.  That function finds a few kinds
 * of tokens in a long text faster than cmig_lexer_next() does.  It skips white
 * space, operator characters, and uninteresting words and numbers.  It stops at
 * any word with the same first letter and length as one of the given words; at
 * a parenthesis, semicolon, colon, or backslash; at a quote, parameter, or
 * comment; and at the end of the text.
 */
typedef struct CmigLexerPass
{
	uint32		lengths[32];	/* indexed by first letter; bit n: stop at
								 * words of length n */
} CmigLexerPass;

/*
 * cmig_lexer_pass_init() sets the words to stop at.  "words" is
 * NULL-terminated, and each word is in lower case and at most 31 bytes long.
 * cmig_lexer_pass() moves the lexer forward to a place where it must stop.
 */
extern void cmig_lexer_pass_init(CmigLexerPass *pass, const char *const *words);
extern void cmig_lexer_pass(const CmigLexerPass *pass, CmigLexer *lexer);

/* Is the current token this word, ignoring case? */
extern bool cmig_lexer_compare_word(const CmigLexer *lexer, const char *word);
static inline bool
cmig_lexer_is_word(const CmigLexer *lexer, const char *word)
{
	/* most words already differ in their first letter, ignoring case */
	return lexer->type == CMIG_TOKEN_WORD && ((*lexer->start ^ *word) & ~0x20) == 0 &&
		cmig_lexer_compare_word(lexer, word);
}

/*
 * Is the current token one of these words, ignoring case?  The array is
 * NULL-terminated.
 */
extern bool cmig_lexer_is_any_word(const CmigLexer *lexer, const char *const *words);

/* Is the current token this single character? */
static inline bool
cmig_lexer_is_char(const CmigLexer *lexer, char c)
{
	return lexer->type == CMIG_TOKEN_OPERATOR &&
		*lexer->start == c && lexer->next == lexer->start + 1;
}

/*
 * Returns the name of the current token's type for messages, such as "quoted
 * string".
 */
extern const char *cmig_lexer_type_name(const CmigLexer *lexer);

#endif							/* CMIG_LEXER_H */
