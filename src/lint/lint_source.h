/*
 * lint_source.h
 *	  Extracts and edits pieces of a statement's text for suggested fixes.
 *
 * The "text" arguments must contain a single valid statement without a
 * semicolon.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_LINT_SOURCE_H
#define CMIG_LINT_SOURCE_H

#include "postgres.h"
#include "nodes/pg_list.h"

/*
 * Insert "word" after the first occurrence of the word "after".  Returns a new
 * string.
 */
extern char *cmig_lint_source_insert(const char *text, const char *after, const char *word);

/*
 * Append "suffix" to the first occurrence of the word "word".  Returns a new
 * string, or NULL if the statement does not contain the word.
 */
extern char *cmig_lint_source_extend(const char *text, const char *word, const char *suffix);

/* Remove the first occurrence of a word.  Returns a new string. */
extern char *cmig_lint_source_remove(const char *text, const char *word);

/* Does the statement contain the word? */
extern bool cmig_lint_source_has(const char *text, const char *word);

/* A piece of the statement's text, given as byte offsets. */
typedef struct CmigLintPiece
{
	int			from;
	int			to;
} CmigLintPiece;

/*
 * Splits an ALTER TABLE statement at the commas between its actions.  Returns a
 * List of CmigLintPiece *. The text before the first piece is, for example,
 * "ALTER TABLE public.t ".
 */
extern List *cmig_lint_source_actions(const char *text);

/*
 * Returns the text of an expression, type, or similar piece that starts at a
 * byte offset.  The piece ends before a comma, a closing parenthesis, or one of
 * "words", unless that token is nested in parentheses.  "words" is a
 * NULL-terminated array or a NULL pointer.
 */
extern char *cmig_lint_source_from(const char *text, int offset, const char *const *words);

/* Returns the text inside the first parentheses after a byte offset. */
extern char *cmig_lint_source_parenthesis(const char *text, int offset);

/*
 * Returns the text that follows the name at a byte offset.  The name may be
 * schema-qualified.
 */
extern const char *cmig_lint_source_behind_name(const char *text, int offset);

/*
 * Returns the identifiers that PostgreSQL would truncate, as a List of char *
 * without quotes.
 */
extern List *cmig_lint_source_long_names(const char *text);

#endif							/* CMIG_LINT_SOURCE_H */
