/*
 * markup.h
 *	  Text as part of an HTML page.
 *
 * Pure.  The result is ASCII, so that it means the same in every encoding.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_MARKUP_H
#define CMIG_MARKUP_H

#include "postgres.h"
#include "lib/stringinfo.h"

/*
 * Append a text of the database, or at most "most" bytes of it, for use between
 * tags or in an attribute in double quotes.  Returns whether all of it was
 * appended.  Nothing in it can end the element or the attribute; characters
 * that control the terminal or the direction of writing are shown as U+FFFD.
 */
extern bool cmig_markup_append(StringInfo to, const char *text, Size most);

/* The same for a whole text. */
extern void cmig_markup_text(StringInfo to, const char *text);

#endif							/* CMIG_MARKUP_H */
