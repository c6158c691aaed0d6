/*
 * tokens.h
 *	  Splits printed SQL into tokens.
 *
 * No database access.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_TOKENS_H
#define CMIG_TOKENS_H

#include "postgres.h"

/* A token of an expression that is normalized. */
typedef struct CmigToken
{
	const char *text;
	int			length;
	int			match;			/* index of the matching bracket; -1 for other
								 * tokens */
	bool		gone;
} CmigToken;

/* All tokens of an expression. */
typedef struct CmigTokens
{
	int			count;
	CmigToken  *tokens;
} CmigTokens;

/* Can the character be part of a name or a number? */
extern bool cmig_tokens_is_word(unsigned char c);

/*
 * Returns the end of the quoted identifier or string at p.  If "escapes" is
 * true, a backslash escapes the next character.
 */
extern const char *cmig_tokens_skip_quoted(const char *p, bool escapes);

/* Split a string into tokens, and match its brackets. */
extern CmigTokens cmig_tokens_cut(const char *text);

/* Is the token equal to the given string? */
extern bool cmig_tokens_is(const CmigTokens *tokens, int i, const char *text);

/*
 * Returns the next token, in either direction, that has not been removed; -1
 * if there is none.
 */
extern int	cmig_tokens_neighbor(const CmigTokens *tokens, int i, int step);

#endif							/* CMIG_TOKENS_H */
