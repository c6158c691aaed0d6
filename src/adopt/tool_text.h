/*
 * tool_text.h
 *	  Reads lines, names, and versions in other tools' files.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_TOOL_TEXT_H
#define CMIG_TOOL_TEXT_H

#include "postgres.h"

/* A line in a text. */
typedef struct CmigToolLine
{
	const char *start;
	const char *end;			/* without its newline */
	const char *next;			/* start of the next line */
} CmigToolLine;

/* Get the line at p.  Returns false at the end of the text. */
extern bool cmig_tool_text_line(const char *p, CmigToolLine *line);

/*
 * If the line begins with the word, in any case, returns the text after it,
 * without surrounding white space; else NULL. If "indented" is true, white
 * space may precede the word.
 */
extern char *cmig_tool_text_after(const CmigToolLine *line, const char *word, bool indented);

/* Does the text begin or end with the word? */
extern bool cmig_tool_text_begins(const char *text, const char *word);
extern bool cmig_tool_text_ends(const char *text, const char *word);

/*
 * Returns a copy of a name without its ending: "one" for "one.up.sql" and
 * ".up.sql".
 */
extern char *cmig_tool_text_without(const char *name, const char *ending);

/* Returns the number of digits with which the text begins. */
extern int	cmig_tool_text_digits(const char *text);

/*
 * Returns a message made from a file name: underscores and hyphens become
 * spaces.
 */
extern char *cmig_tool_text_message(const char *name);

/*
 * Returns an id made from a name: characters that an id cannot contain become
 * underscores.  The result is the same for the tool's files and its table.
 */
extern char *cmig_tool_text_id(const char *name);

/* Compare versions such as 2, 010, and 1.2_3: part by part, as numbers. */
extern int	cmig_tool_text_compare_versions(const char *a, const char *b);

#endif							/* CMIG_TOOL_TEXT_H */
