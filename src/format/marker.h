/*
 * marker.h
 *	  What a revision file is recognized by: its header, its markers, and the
 *	  form of what stands between them.
 *
 * Pure.  Used by those who read files and those who write them, so that both
 * agree on what would be taken for a header or a marker.
 *
 * A marker must be alone on its line.  "-- revision:" may also follow other
 * text on its line, since that is what becomes of a file whose last line has
 * no newline when files are concatenated; there it counts only with a legal
 * id and nothing else behind it.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_MARKER_H
#define CMIG_MARKER_H

#include "postgres.h"
#include "datatype/timestamp.h"
#include "parse/lexer.h"

#define CMIG_FILE_START "-- revision:"

typedef enum CmigSection
{
	CMIG_SECTION_HEADER,
	CMIG_SECTION_UPGRADE,
	CMIG_SECTION_DOWNGRADE,
	CMIG_SECTION_VERIFY
} CmigSection;

#define CMIG_SECTION_COUNT 4
extern const char *const cmig_marker_sections[CMIG_SECTION_COUNT];

/* in the order in which they are written */
typedef enum CmigHeaderKey
{
	CMIG_KEY_REVISION,
	CMIG_KEY_DOWN_REVISION,
	CMIG_KEY_DEPENDS_ON,
	CMIG_KEY_BRANCH_LABELS,
	CMIG_KEY_MESSAGE,
	CMIG_KEY_TRANSACTIONAL,
	CMIG_KEY_CREATE_DATE
} CmigHeaderKey;

#define CMIG_KEY_COUNT 7
extern const char *const cmig_marker_keys[CMIG_KEY_COUNT];

/*
 * Is the comment from start to end "-- word: value"?  *value and *value_end
 * get the value's bounds, without white space.
 */
extern bool cmig_marker_match(const char *start, const char *end, const char *word,
							  const char **value, const char **value_end);

/*
 * These look at the current token of lexer, a line comment.  end is its end,
 * or the place where a glued file starts.
 */

/* Does only blank text stand before it on its line? */
extern bool cmig_marker_is_alone(const CmigLexer *lexer);

/* Is it the first line of a file, alone on its line? */
extern bool cmig_marker_is_file_start(const CmigLexer *lexer, const char *end);

/*
 * The place where the last file starts that is glued to other text, as in
 * "SELECT 1;-- revision: 002" or "-- end-- revision: 002", or else end.
 */
extern const char *cmig_marker_find_glued(const CmigLexer *lexer, const char *end);

/*
 * Is it the marker of a section, or means to be one?  *section is set to what
 * it starts, or to -1 when there is no such section.
 */
extern bool cmig_marker_find_section(const CmigLexer *lexer, const char *end, int *section);

/*
 * Is it the marker of a section, spelled right and with nothing behind it,
 * that does not count because other text stands before it on its line?
 * *section is set to what it would start.
 */
extern bool cmig_marker_is_misplaced(const CmigLexer *lexer, const char *end, int *section);

/* The nearest of some words to one that is not among them, or NULL. */
extern const char *cmig_marker_suggest(const char *word, const char *const *words, int count);

/* Go back from p over byte order marks. */
extern const char *cmig_marker_skip_bom_back(const char *text, const char *p);

/* Spans of text: white space, a copy without it. */
extern bool cmig_marker_is_blank(char c);
extern char *cmig_marker_trimmed(const char *start, const char *end);

/*
 * YYYY-MM-DD[ HH:MM[:SS[.ffffff]]][zone], where the zone is Z, UTC or an
 * offset, and UTC if there is none; so it does not depend on any setting.
 */
extern bool cmig_marker_parse_date(const char *date, TimestampTz *result);

/* In UTC, or NULL for what a header cannot hold. */
extern char *cmig_marker_format_date(TimestampTz timestamp);

#endif							/* CMIG_MARKER_H */
