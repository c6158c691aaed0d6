/*
 * markup.c
 *	  Escapes text for an HTML page.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/compat.h"
#include "picture/markup.h"

#include "mb/pg_wchar.h"

/* The character that replaces characters that must not be shown. */
#define REPLACEMENT 0xFFFD

/* Is this a control character or an invisible character? */
static bool
is_control(pg_wchar c)
{
	return (c < ' ' && c != '\n' && c != '\t') || (c >= 0x7f && c < 0xa0) ||
		(c >= 0x200b && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) ||
		(c >= 0x2060 && c <= 0x206f) || c == 0xfeff || (c >= 0xfff0 && c <= 0xffff) ||
		(c >= 0xd800 && c <= 0xdfff) || c > 0x10ffff;
}

/* Append a character, escaped if necessary. */
static void
append_character(StringInfo to, pg_wchar c)
{
	if (is_control(c))
		appendStringInfo(to, "&#x%X;", REPLACEMENT);
	else if (c >= 0x80 || strchr("<>&\"'`", (int) c) != NULL)
		appendStringInfo(to, "&#x%X;", c);
	else
		appendStringInfoChar(to, (char) c);
}

bool
cmig_markup_append(StringInfo to, const char *text, Size most)
{
	Size		length = strlen(text);
	bool		whole = length <= most;
	char	   *utf8;
	const unsigned char *c;
	const unsigned char *end;

	if (!whole)
		length = pg_mbcliplen(text, length, (int) most);
	utf8 = (char *) pg_do_encoding_conversion((unsigned char *) text, (int) length,
											  GetDatabaseEncoding(), PG_UTF8);
	c = (const unsigned char *) utf8;
	end = c + (utf8 == text ? length : strlen(utf8));
	while (c < end)
	{
		int			size = pg_utf_mblen(c);

		/* replace invalid bytes, which can occur in a SQL_ASCII database */
		if (size > end - c || !pg_utf8_islegal(c, size))
		{
			append_character(to, REPLACEMENT);
			c++;
			continue;
		}
		append_character(to, utf8_to_unicode(c));
		c += size;
	}
	if (utf8 != text)
		pfree(utf8);
	return whole;
}

void
cmig_markup_text(StringInfo to, const char *text)
{
	cmig_markup_append(to, text, MaxAllocSize);
}
