/*
 * rls_variant.c
 *	  Generates strings that functions in an expression may map to the same
 *	  value.
 *
 * Functions such as ltrim, translate, replace, lower, and regexp_replace give
 * the same result for several strings.  Given a key and the arguments of such
 * functions ("pieces"), this module generates variants of the key that the
 * functions may not distinguish from it: with a piece before, after, or inside
 * the key, without a piece, in upper or lower case, or longer.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/base.h"
#include "rls/rls_variant.h"

#include "catalog/pg_collation.h"
#include "lib/stringinfo.h"
#include "utils/formatting.h"

/* Add a string unless it is empty, equal to "own", or already in the list. */
static List *
add_text(List *texts, const char *own, char *text)
{
	if (text[0] == '\0' || strcmp(text, own) == 0 || cmig_text_list_has(texts, text))
		return texts;
	return lappend(texts, text);
}

/* Returns the string with each occurrence of a piece replaced. */
static char *
replaced(const char *text, const char *piece, const char *by)
{
	StringInfoData made;
	const char *found;

	initStringInfo(&made);
	for (; (found = strstr(text, piece)) != NULL; text = found + strlen(piece))
	{
		appendBinaryStringInfo(&made, text, found - text);
		appendStringInfoString(&made, by);
	}
	appendStringInfoString(&made, text);
	return made.data;
}

/* Returns the string without the given characters. */
static char *
without(const char *text, const char *characters)
{
	char	   *made = palloc0(strlen(text) + 1);
	int			length = 0;

	for (; *text; text++)
		if (strchr(characters, *text) == NULL)
			made[length++] = *text;
	return made;
}

/* Add the string in lower case, in upper case, and in title case. */
static List *
add_cases(List *texts, const char *own)
{
	texts = add_text(texts, own, str_tolower(own, strlen(own), DEFAULT_COLLATION_OID));
	texts = add_text(texts, own, str_toupper(own, strlen(own), DEFAULT_COLLATION_OID));
	return add_text(texts, own, str_initcap(own, strlen(own), DEFAULT_COLLATION_OID));
}

/*
 * Add three variants of the string: with the piece before it, after it, and
 * inside it.
 */
static List *
add_inserted(List *texts, const char *own, const char *piece)
{
	/*
	 * the string can be split anywhere, because all keys that are tried are
	 * ASCII
	 */
	int			middle = strlen(own) / 2;

	texts = add_text(texts, own, psprintf("%s%s", piece, own));
	texts = add_text(texts, own, psprintf("%s%s", own, piece));
	return add_text(texts, own, psprintf("%.*s%s%s", middle, own, piece, own + middle));
}

List *
cmig_rls_variant_owns(const CmigRlsHints *hints, const char *own)
{
	List	   *texts = add_cases(NIL, own);
	ListCell   *lc;

	foreach(lc, hints->texts.pieces)
	{
		texts = add_text(texts, own, replaced(own, lfirst(lc), ""));
		texts = add_text(texts, own, without(own, lfirst(lc)));
	}
	foreach(lc, hints->texts.lengths)
	{
		char	   *text = palloc0(lfirst_int(lc) + 1);

		memset(text, 'z', lfirst_int(lc));
		memcpy(text, own, Min(strlen(own), lfirst_int(lc)));
		texts = add_text(texts, own, text);
	}
	return texts;
}

List *
cmig_rls_variant_strangers(const CmigRlsHints *hints, const char *own, bool few)
{
	List	   *texts = add_cases(NIL, own);
	ListCell   *lc;
	ListCell   *other;

	foreach(lc, hints->texts.pieces)
	{
		const char *piece = lfirst(lc);

		texts = add_inserted(texts, own, piece);
		texts = add_text(texts, own, replaced(own, piece, ""));
		texts = add_text(texts, own, without(own, piece));
		foreach(other, hints->texts.pieces)
		{
			texts = add_text(texts, own, replaced(own, piece, lfirst(other)));
		}
		for (; *piece; piece++)
			texts = add_inserted(texts, own, psprintf("%c", *piece));
	}
	texts = add_inserted(texts, own, "x");
	for (char c = ' '; !few && c <= '~'; c++)
		texts = add_inserted(texts, own, psprintf("%c", c));
	return texts;
}
