/*
 * marker.h
 *	  Recognizes the headers and markers of revision files.
 *
 * Pure.  Reading and writing files both use it, so that they agree on what is
 * taken for a header or a marker.
 *
 * A marker must be alone on its line.  "-- revision:" may also follow other text
 * on its line: that happens when files are concatenated and the last line of one
 * has no newline.  There it counts only if a valid id and nothing else follows.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_MARKER_H
#define CMIG_MARKER_H

#include "postgres.h"
#include "datatype/timestamp.h"
#include "parse/lexer.h"

#define CMIG_FILE_START "-- revision:"

/* The parts of a revision file. */
typedef enum CmigSection
{
	CMIG_SECTION_HEADER,
	CMIG_SECTION_UPGRADE,
	CMIG_SECTION_DOWNGRADE,
	CMIG_SECTION_VERIFY
} CmigSection;

#define CMIG_SECTION_COUNT 4
extern const char *const cmig_marker_sections[CMIG_SECTION_COUNT];

/* In the order in which they are written. */
typedef enum CmigHeaderKey
{
	CMIG_KEY_REVISION,
	CMIG_KEY_REPEATABLE,
	CMIG_KEY_DOWN_REVISION,
	CMIG_KEY_DEPENDS_ON,
	CMIG_KEY_BRANCH_LABELS,
	CMIG_KEY_REPLACES,
	CMIG_KEY_PRECONDITION,
	CMIG_KEY_PLACEHOLDERS,
	CMIG_KEY_MESSAGE,
	CMIG_KEY_TRANSACTIONAL,
	CMIG_KEY_CREATE_DATE
} CmigHeaderKey;

#define CMIG_KEY_COUNT 11
extern const char *const cmig_marker_keys[CMIG_KEY_COUNT];

/*
 * Is the comment from start to end "-- word: value"?  *value and *value_end
 * get the value's bounds, without white space.
 */
extern bool cmig_marker_match(const char *start, const char *end, const char *word,
							  const char **value, const char **value_end);

/*
 * The following look at the lexer's current token, a line comment.  end is its
 * end, or the place where a glued file starts.
 */

/* Is there only blank text before it on its line? */
extern bool cmig_marker_is_alone(const CmigLexer *lexer);

/* Is it the first line of a file, alone on its line? */
extern bool cmig_marker_is_file_start(const CmigLexer *lexer, const char *end);

/*
 * Where a file starts that is glued to other text, the last one if there are
 * several, as in "SELECT 1;-- revision: 002" or "-- end-- revision: 002"; end if
 * there is none.
 */
extern const char *cmig_marker_find_glued(const CmigLexer *lexer, const char *end);

/*
 * Is it the marker of a section, or apparently meant as one?  *section is set to
 * what it starts, or to -1 if there is no such section.
 */
extern bool cmig_marker_find_section(const CmigLexer *lexer, const char *end, int *section);

/*
 * Is it "-- cmig:replay skip", alone on its line?  The statement that follows is
 * left out when the revision is replayed.
 */
extern bool cmig_marker_is_replay_skip(const CmigLexer *lexer, const char *end);

/*
 * Is it a correct marker of a section that has no effect because other text
 * precedes it on its line? *section is set to what it would start.
 */
extern bool cmig_marker_is_misplaced(const CmigLexer *lexer, const char *end, int *section);

/* The word in the list that is most similar to a misspelled one, or NULL. */
extern const char *cmig_marker_suggest(const char *word, const char *const *words, int count);

/* Go back from p over byte order marks. */
extern const char *cmig_marker_skip_bom_back(const char *text, const char *p);

/* White space, and a copy of a span of text without it at either end. */
extern bool cmig_marker_is_blank(char c);
extern char *cmig_marker_trimmed(const char *start, const char *end);

/*
 * Read YYYY-MM-DD[ HH:MM[:SS[.ffffff]]][zone], whatever the settings.  The zone is
 * Z, UTC or an offset, by default UTC.
 */
extern bool cmig_marker_parse_date(const char *date, TimestampTz *result);

/* Format a date in UTC; NULL if a header cannot contain it. */
extern char *cmig_marker_format_date(TimestampTz timestamp);

#endif							/* CMIG_MARKER_H */
