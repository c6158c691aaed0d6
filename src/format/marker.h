/*
 * marker.h
 *	  Recognizes the headers and markers of revision files.
 *
 * A marker is a comment such as "-- cmig:upgrade", which begins a section.
 * The code that reads files and the code that writes them both use this
 * module, so that they agree on what is a header or a marker.
 *
 * A marker must be alone on its line.  "-- revision: id", the first line of a
 * file, may also follow other text on a line, which happens if files are
 * concatenated and one of them does not end with a newline.  In that case, it
 * counts only if the id is valid and nothing follows the id.
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

/* Header keys in the order in which they are written. */
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
 * Does the comment from "start" to "end" have the form "-- word: value"?  If
 * so, *value and *value_end are set to the value's bounds, without surrounding
 * white space.
 */
extern bool cmig_marker_match(const char *start, const char *end, const char *word,
							  const char **value, const char **value_end);

/*
 * The following functions examine the lexer's current token, which must be a
 * line comment.  "end" is the end of the comment, or the position in the
 * comment where another file starts.
 */

/* Is the comment preceded only by white space on its line? */
extern bool cmig_marker_is_alone(const CmigLexer *lexer);

/* Is the comment the first line of a file, alone on its line? */
extern bool cmig_marker_is_file_start(const CmigLexer *lexer, const char *end);

/*
 * Returns the position in the comment where a file starts without a line break
 * before it, as in "SELECT 1;-- revision: 002" or "-- end-- revision: 002".
 * If there are several such positions, returns the last one.  If there is
 * none, returns "end".
 */
extern const char *cmig_marker_find_glued(const CmigLexer *lexer, const char *end);

/*
 * Is the comment a section marker, or apparently meant to be one?  If so,
 * *section is set to the section that the marker starts, or to -1 if the
 * marker is not correct.
 */
extern bool cmig_marker_find_section(const CmigLexer *lexer, const char *end, int *section);

/*
 * Is the comment "-- cmig:replay skip", alone on its line?  When the revision
 * is replayed (see shadow/shadow.h), the statement after such a comment is
 * skipped.
 */
extern bool cmig_marker_is_replay_skip(const CmigLexer *lexer, const char *end);

/*
 * Is the comment a section marker that has no effect because other text
 * precedes it on its line?  If so, *section is set to the section that the
 * marker would otherwise start.
 */
extern bool cmig_marker_is_misplaced(const CmigLexer *lexer, const char *end, int *section);

/*
 * Returns the word in the list that is most similar to a misspelled word, or
 * NULL if none is similar.
 */
extern const char *cmig_marker_suggest(const char *word, const char *const *words, int count);

/*
 * Move back from p over byte order marks, and return the new position, which
 * is not before "text".
 */
extern const char *cmig_marker_skip_bom_back(const char *text, const char *p);

/*
 * The first function returns true if the character is white space.  The second
 * one returns a copy of the text from "start" to "end" without white space at
 * either end.
 */
extern bool cmig_marker_is_blank(char c);
extern char *cmig_marker_trimmed(const char *start, const char *end);

/*
 * Parse YYYY-MM-DD[ HH:MM[:SS[.ffffff]]][zone] independently of the session's
 * settings.  The zone is Z, UTC, or an offset; the default is UTC.  Returns
 * false if the date is not valid.
 */
extern bool cmig_marker_parse_date(const char *date, TimestampTz *result);

/* Format a date in UTC.  Returns NULL if a header cannot contain it. */
extern char *cmig_marker_format_date(TimestampTz timestamp);

#endif							/* CMIG_MARKER_H */
