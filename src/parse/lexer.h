/*
 * lexer.h
 *	  Tokens of an SQL text, with their comments.
 *
 * Pure, and it never fails.  It finds the same tokens as the server's scanner,
 * but keeps comments, allocates nothing, does not copy the text, does not warn
 * about long identifiers, and reads text that the scanner refuses.  Cutting
 * scripts, finding the markers of revision files, and checksums need that; what
 * a statement means is left to the server's parser.
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
	CMIG_TOKEN_STRING,			/* '...', with its E, B, X, N or U& */
	CMIG_TOKEN_DOLLAR,			/* $tag$...$tag$ */
	CMIG_TOKEN_NUMBER,
	CMIG_TOKEN_PARAM,			/* $1 */
	CMIG_TOKEN_OPERATOR,		/* also single characters, :: := .. */
	CMIG_TOKEN_LINE_COMMENT,	/* without its newline */
	CMIG_TOKEN_BLOCK_COMMENT
} CmigTokenType;

/* A place in a text, and the token before it. */
typedef struct CmigLexer
{
	const char *text;			/* NUL-terminated */
	const char *next;			/* where the next token is looked for */
	int			next_line;		/* from 1 */
	/* like the setting of that name; may be changed between tokens */
	bool		standard_conforming_strings;

	/* the current token */
	CmigTokenType type;
	const char *start;			/* ends at next */
	int			line;			/* where it starts */
	bool		continued;		/* a string that continues the one before, as
								 * in 'a' newline 'b' */
	bool		unterminated;	/* a quote or comment that the text does not
								 * end */

	/* private: how the last string was quoted, if it can still continue */
	char		string_kind;
	bool		newline_since;
	/* private: plus and minus signs after an operator, each its own token */
	const char *signs;
	const char *signs_end;
} CmigLexer;

extern void cmig_lexer_init(CmigLexer *lexer, const char *text);

/* Continue at a place in the text, in that line, as if the text began there. */
extern void cmig_lexer_move(CmigLexer *lexer, const char *next, int line);

/* The next token, comments included; CMIG_TOKEN_END at the end. */
extern CmigTokenType cmig_lexer_next(CmigLexer *lexer);

/*
 * The next token that is not a comment.  An unterminated block comment is
 * returned, since the server refuses it.
 */
extern CmigTokenType cmig_lexer_next_sql(CmigLexer *lexer);

/*
 * For callers that look for a few kinds of tokens in long texts.
 * cmig_lexer_pass() skips white space, and words, numbers and operator
 * characters that are of no interest.  It stops at anything that may be a word
 * with the first letter and the length of one of the given words, a
 * parenthesis, semicolon, colon or backslash, a quote, a parameter, a comment,
 * or the end.
 */
typedef struct CmigLexerPass
{
	uint32		lengths[32];	/* bit n: a word of length n, by its first
								 * letter */
} CmigLexerPass;

/* words are lower case, of at most 31 letters; a NULL ends them. */
extern void cmig_lexer_pass_init(CmigLexerPass *pass, const char *const *words);
extern void cmig_lexer_pass(const CmigLexerPass *pass, CmigLexer *lexer);

/* Is the current token this word, in any case? */
extern bool cmig_lexer_compare_word(const CmigLexer *lexer, const char *word);
static inline bool
cmig_lexer_is_word(const CmigLexer *lexer, const char *word)
{
	/* most words differ in their first letter already, whatever its case */
	return lexer->type == CMIG_TOKEN_WORD && ((*lexer->start ^ *word) & ~0x20) == 0 &&
		cmig_lexer_compare_word(lexer, word);
}

/* Is it one of these words?  A NULL ends them. */
extern bool cmig_lexer_is_any_word(const CmigLexer *lexer, const char *const *words);

/* Is it this character, alone? */
static inline bool
cmig_lexer_is_char(const CmigLexer *lexer, char c)
{
	return lexer->type == CMIG_TOKEN_OPERATOR &&
		*lexer->start == c && lexer->next == lexer->start + 1;
}

/*
 * The name of the current token's type in messages, such as "quoted string".
 */
extern const char *cmig_lexer_type_name(const CmigLexer *lexer);

#endif							/* CMIG_LEXER_H */
