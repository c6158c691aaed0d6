/*
 * markup.h
 *	  Writes text as part of an HTML page.
 *
 * The result is ASCII, so that it means the same in every encoding.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_MARKUP_H
#define CMIG_MARKUP_H

#include "postgres.h"
#include "lib/stringinfo.h"

/*
 * Append a text from the database, or at most "most" bytes of it, for use
 * between tags or in a double-quoted attribute.  Returns true if all of it was
 * appended.  Nothing in it can end the element or the attribute; characters
 * that control the terminal or the direction of writing are shown as U+FFFD.
 */
extern bool cmig_markup_append(StringInfo to, const char *text, Size most);

/* Append a whole text in the same way. */
extern void cmig_markup_text(StringInfo to, const char *text);

#endif							/* CMIG_MARKUP_H */
