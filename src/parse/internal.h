/*
 * internal.h
 *	  What the modules of src/parse share.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_PARSE_INTERNAL_H
#define CMIG_PARSE_INTERNAL_H

#include "postgres.h"

#include "nodes/parsenodes.h"

#include "parse/parse.h"

/* in lexer.c */

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

/* in statement.c */

/*
 * The state of cmig_statement_scan(), which gives the same answer as
 * cmig_statement_may_need_top_level() to a caller that reads the tokens
 * itself.  The caller initializes the state with {true, false} and passes each
 * token that is not a comment.
 */
typedef struct CmigTopLevelScan
{
	bool		at_start;		/* is the next token the first one of a
								 * statement? */
	bool		after_verb;		/* was the last token CREATE, ALTER, DROP, or
								 * PREPARE at the start of a statement? */
} CmigTopLevelScan;

extern bool cmig_statement_scan(CmigTopLevelScan *scan, const CmigLexer *lexer);

#endif							/* CMIG_PARSE_INTERNAL_H */
