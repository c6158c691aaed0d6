/*
 * tool_text.h
 *	  Lines, names, and versions in the files of other tools.
 *
 * Pure.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_TOOL_TEXT_H
#define CMIG_TOOL_TEXT_H

#include "postgres.h"

/* A line of a text. */
typedef struct CmigToolLine
{
	const char *start;
	const char *end;			/* without its newline */
	const char *next;			/* start of the next line */
} CmigToolLine;

/* The line at p; false at the end of the text. */
extern bool cmig_tool_text_line(const char *p, CmigToolLine *line);

/*
 * If the line begins with the word, in any case and after optional white space if
 * indented is set, the text after it without white space; else NULL.
 */
extern char *cmig_tool_text_after(const CmigToolLine *line, const char *word, bool indented);

/* Does the text begin or end with the word? */
extern bool cmig_tool_text_begins(const char *text, const char *word);
extern bool cmig_tool_text_ends(const char *text, const char *word);

/* A copy of a name without its ending, as in "one.up.sql" and ".up.sql". */
extern char *cmig_tool_text_without(const char *name, const char *ending);

/* How many digits does the text begin with? */
extern int	cmig_tool_text_digits(const char *text);

/* A message from a file name: underscores and hyphens become spaces. */
extern char *cmig_tool_text_message(const char *name);

/*
 * An id from a name: what an id cannot contain becomes an underscore.  The result
 * is the same for the tool's files and for its table.
 */
extern char *cmig_tool_text_id(const char *name);

/* Compare versions such as 2, 010, and 1.2_3: part by part, as numbers. */
extern int	cmig_tool_text_compare_versions(const char *a, const char *b);

#endif							/* CMIG_TOOL_TEXT_H */
