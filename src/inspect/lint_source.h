/*
 * lint_source.h
 *	  Pieces of a statement's text, for statements that do the same more safely.
 *
 * Pure.  Texts are those of one statement that parses, without a semicolon.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_LINT_SOURCE_H
#define CMIG_LINT_SOURCE_H

#include "postgres.h"
#include "nodes/pg_list.h"

/* The text with a word put after the first token that is another word. */
extern char *cmig_lint_source_insert(const char *text, const char *after, const char *word);

/* The text without the first token that is that word. */
extern char *cmig_lint_source_remove(const char *text, const char *word);

/* Is that word in the text? */
extern bool cmig_lint_source_has(const char *text, const char *word);

/* A part of the text, by byte offsets. */
typedef struct CmigLintPiece
{
	int			from;
	int			to;
} CmigLintPiece;

/*
 * An ALTER TABLE cut at the commas between its actions: a List of
 * CmigLintPiece *.  What precedes the first one is "ALTER TABLE public.t".
 */
extern List *cmig_lint_source_actions(const char *text);

/*
 * The text of an expression, a type, or the like from a byte offset up to the
 * next comma, or the closing parenthesis, on its level, or one of these words,
 * whichever is first.  NULL ends the words; words may be NULL.
 */
extern char *cmig_lint_source_from(const char *text, int offset, const char *const *words);

/* The text between the parenthesis that follows an offset and its partner. */
extern char *cmig_lint_source_parenthesis(const char *text, int offset);

/*
 * The identifiers that the server would cut, as written without quotes: a List
 * of char *.
 */
extern List *cmig_lint_source_long_names(const char *text);

#endif							/* CMIG_LINT_SOURCE_H */
