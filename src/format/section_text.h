/*
 * section_text.h
 *	  The text of a section: how it is read, and whether it can be written.
 *
 * Pure.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_SECTION_TEXT_H
#define CMIG_SECTION_TEXT_H

#include "postgres.h"
#include "format/marker.h"

/*
 * A copy of a section's text in canonical form: without blank lines around it,
 * and without one outer BEGIN ... COMMIT. If crlf is set, each CRLF becomes LF.
 */
extern char *cmig_section_text_read(const char *start, const char *end,
									CmigSection section, bool crlf);

/* Move start and end to those of the canonical form. */
extern void cmig_section_text_trim(const char **start, const char **end);

/*
 * The text without one outer BEGIN ... COMMIT; text itself if there is none, or if
 * a comment would become a marker without it.
 */
extern char *cmig_section_text_strip_transaction(char *text, CmigSection section);

/*
 * Why the text would be truncated or refused when it is read as this section,
 * or NULL; *line is set to the line.
 */
extern const char *cmig_section_text_find_problem(const char *text, CmigSection section,
												  int *line);

#endif							/* CMIG_SECTION_TEXT_H */
