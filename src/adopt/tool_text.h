/*
 * tool_text.h
 *	  Reads lines, names, and versions in other tools' files.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_TOOL_TEXT_H
#define CMIG_TOOL_TEXT_H

#include "postgres.h"

/* A line of a file. */
typedef struct CmigToolLine
{
	const char *start;
	const char *end;			/* end of the line, before its newline */
	const char *next;			/* start of the next line */
} CmigToolLine;

/* Get the line that starts at p.  Returns false at the end of the text. */
extern bool cmig_tool_text_line(const char *p, CmigToolLine *line);

/*
 * If the line begins with the word, in upper or lower case, returns the text
 * after the word without surrounding white space.  Otherwise, returns NULL.  If
 * "indented" is true, white space may precede the word.
 */
extern char *cmig_tool_text_after(const CmigToolLine *line, const char *word, bool indented);

/* Does the text begin with the word?  Does it end with the word? */
extern bool cmig_tool_text_begins(const char *text, const char *word);
extern bool cmig_tool_text_ends(const char *text, const char *word);

/*
 * Returns a copy of a name without its ending, such as "one" for the name
 * "one.up.sql" and the ending ".up.sql".
 */
extern char *cmig_tool_text_without(const char *name, const char *ending);

/* Returns the number of digits at the start of the text. */
extern int	cmig_tool_text_digits(const char *text);

/*
 * Returns a revision message made from a file name, with underscores and
 * hyphens replaced by spaces.
 */
extern char *cmig_tool_text_message(const char *name);

/*
 * Returns the revision id for a migration's name, with characters that an id
 * cannot contain replaced by underscores.  The same name results in the same id
 * whether it is read from a file or from the tool's table.
 */
extern char *cmig_tool_text_id(const char *name);

/* Compare two versions, such as 2, 010, and 1.2_3, part by part as numbers. */
extern int	cmig_tool_text_compare_versions(const char *a, const char *b);

#endif							/* CMIG_TOOL_TEXT_H */
