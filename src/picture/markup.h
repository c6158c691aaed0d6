/*
 * markup.h
 *	  Escapes text for an HTML page.
 *
 * The result is ASCII, so it has the same meaning in every encoding.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_MARKUP_H
#define CMIG_MARKUP_H

#include "postgres.h"
#include "lib/stringinfo.h"

/*
 * Append at most the first "most" bytes of a string from the database, for use
 * between tags or in a double-quoted attribute.  The escaped text cannot end
 * the element or the attribute.  Control characters, invisible characters, and
 * characters that change the text direction are replaced by U+FFFD.  Returns
 * true if the whole string was appended.
 */
extern bool cmig_markup_append(StringInfo to, const char *text, Size most);

/* Like cmig_markup_append(), but without a length limit. */
extern void cmig_markup_text(StringInfo to, const char *text);

#endif							/* CMIG_MARKUP_H */
