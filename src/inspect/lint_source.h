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

/* The text with a word inserted after the first token that is another word. */
extern char *cmig_lint_source_insert(const char *text, const char *after, const char *word);

/* The text without the first token that is that word. */
extern char *cmig_lint_source_remove(const char *text, const char *word);

/* Does the text contain the word as a token? */
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
 * The text of an expression, a type, or the like, from a byte offset up to the
 * next comma, closing parenthesis, or one of these words outside of
 * parentheses. NULL ends the list of words, which may be NULL.
 */
extern char *cmig_lint_source_from(const char *text, int offset, const char *const *words);

/* The text inside the parentheses that follow an offset. */
extern char *cmig_lint_source_parenthesis(const char *text, int offset);

/*
 * The text after the name, with or without a schema, that is at a byte offset.
 */
extern const char *cmig_lint_source_behind_name(const char *text, int offset);

/*
 * The identifiers that the server would truncate, without quotes: a List of
 * char *.
 */
extern List *cmig_lint_source_long_names(const char *text);

#endif							/* CMIG_LINT_SOURCE_H */
