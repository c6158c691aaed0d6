/*
 * section_text.h
 *	  Reads the text of a section, and checks whether it can be written.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_SECTION_TEXT_H
#define CMIG_SECTION_TEXT_H

#include "postgres.h"
#include "format/marker.h"

/*
 * Returns a copy of a section's text in canonical form: without surrounding
 * blank lines, and without an outer BEGIN ... COMMIT.  If "crlf" is true,
 * every CRLF becomes LF.
 */
extern char *cmig_section_text_read(const char *start, const char *end,
									CmigSection section, bool crlf);

/*
 * Move *start and *end past surrounding blank lines and trailing white space.
 */
extern void cmig_section_text_trim(const char **start, const char **end);

/* Replace every CRLF with LF, in place. */
extern void cmig_section_text_drop_carriage_returns(char *text);

/*
 * Returns the text without a surrounding BEGIN ... COMMIT pair.  Returns
 * "text" itself if there is no such pair, or if the section could not be read
 * back without the pair, for example because a comment would become a marker.
 */
extern char *cmig_section_text_strip_transaction(char *text, CmigSection section);

/*
 * Returns the reason why the text would be truncated or rejected if it were
 * read as the given section, or NULL if it would not.  Sets *line to the line
 * of the problem.
 */
extern const char *cmig_section_text_find_problem(const char *text, CmigSection section,
												  int *line);

#endif							/* CMIG_SECTION_TEXT_H */
