/*
 * text.c
 *	  Lists, packed values, checksums, and revisions in memory.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "catalog/pg_collation.h"
#include "catalog/pg_type.h"
#include "commands/defrem.h"
#include "common/hashfn.h"
#include "common/sha2.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"

#include "base/base.h"

/* ----------------------------------------------------------------
 * Allocates many small pieces of memory that are freed together.
 *
 * A piece has no header, so thousands of ids and scripts take half the memory
 * that individual palloc calls would need.  A piece cannot be freed by itself;
 * it is freed with the memory context in which it was allocated.
 * ----------------------------------------------------------------
 */

#define BLOCK_SIZE ((Size) 32 * 1024)

void *
cmig_pack_alloc(CmigPack *pack, Size size)
{
	void	   *piece;

	size = MAXALIGN(size);
	if (size > BLOCK_SIZE / 8)
		return palloc_extended(size, MCXT_ALLOC_HUGE);
	if (size > pack->left)
	{
		pack->next = palloc(BLOCK_SIZE);
		pack->left = BLOCK_SIZE;
	}
	piece = pack->next;
	pack->next += size;
	pack->left -= size;
	return piece;
}

char *
cmig_pack_string(CmigPack *pack, const char *text, Size length)
{
	char	   *copy = cmig_pack_alloc(pack, length + 1);

	memcpy(copy, text, length);
	copy[length] = '\0';
	return copy;
}

/* ----------------------------------------------------------------
 * Formats lists for messages.
 *
 * Only the first items are written; the rest are counted: "a, b and 3 more".
 * ----------------------------------------------------------------
 */

void
cmig_listing_init(CmigListing *listing, CmigListingStyle style)
{
	listing->style = style;
	listing->count = 0;
	initStringInfo(&listing->text);
}

/*
 * Count an item.  If the caller must write the item, writes the separator and
 * returns true.
 */
static bool
start_item(CmigListing *listing)
{
	if (listing->count++ >= CMIG_LISTING_MAX)
		return false;
	if (listing->count > 1)
		appendStringInfoString(&listing->text,
							   listing->style == CMIG_LISTING_LINES ? "\n" : ", ");
	return true;
}

void
cmig_listing_add(CmigListing *listing, const char *item)
{
	if (start_item(listing))
		appendStringInfo(&listing->text,
						 listing->style == CMIG_LISTING_QUOTED ? "\"%s\"" : "%s", item);
}

void
cmig_listing_add_format(CmigListing *listing, const char *format,...)
{
	va_list		args;

	if (!start_item(listing))
		return;
	va_start(args, format);
	appendStringInfoString(&listing->text, cmig_text_format(format, args));
	va_end(args);
}

char *
cmig_listing_text(CmigListing *listing)
{
	int			left = listing->count - CMIG_LISTING_MAX;

	if (left > 0)
		appendStringInfo(&listing->text,
						 listing->style == CMIG_LISTING_LINES ? "\nAnd %d more." : " and %d more",
						 left);
	return listing->text.data;
}

char *
cmig_listing_names(const CmigNames *names, CmigListingStyle style)
{
	CmigListing listing;

	cmig_listing_init(&listing, style);
	for (int i = 0; i < names->count; i++)
		cmig_listing_add(&listing, names->names[i]);
	return cmig_listing_text(&listing);
}

/* ----------------------------------------------------------------
 * Computes SHA-256 checksums.
 * ----------------------------------------------------------------
 */

/* Raise an error if a step of the computation failed. */
static void
require_success(int status)
{
	if (status < 0)
		elog(ERROR, "could not compute a SHA-256 checksum");
}

pg_cryptohash_ctx *
cmig_checksum_start(void)
{
	pg_cryptohash_ctx *checksum = pg_cryptohash_create(PG_SHA256);

	require_success(checksum != NULL ? pg_cryptohash_init(checksum) : -1);
	return checksum;
}

void
cmig_checksum_add(pg_cryptohash_ctx *checksum, const char *bytes, Size count)
{
	require_success(pg_cryptohash_update(checksum, (const uint8 *) bytes, count));
}

char *
cmig_checksum_finish(pg_cryptohash_ctx *checksum)
{
	uint8		digest[PG_SHA256_DIGEST_LENGTH];
	char	   *result = palloc0(CMIG_CHECKSUM_DIGITS + 1);

	StaticAssertStmt(CMIG_CHECKSUM_DIGITS == 2 * PG_SHA256_DIGEST_LENGTH,
					 "a byte is two hexadecimal digits");
	require_success(pg_cryptohash_final(checksum, digest, sizeof(digest)));
	pg_cryptohash_free(checksum);
	(void) hex_encode((const char *) digest, sizeof(digest), result);
	return result;
}

/* ----------------------------------------------------------------
 * Functions for strings that may be NULL and for Lists of char *.
 * ----------------------------------------------------------------
 */

bool
cmig_text_begins(const char *text, const char *start)
{
	return text != NULL && strncmp(text, start, strlen(start)) == 0;
}

bool
cmig_text_has_word(const char *text, const char *word)
{
	size_t		length = strlen(word);

	for (const char *found = text; found != NULL && length > 0 &&
		 (found = strstr(found, word)) != NULL; found++)
		if (!(found > text && cmig_is_word(found[-1]) && cmig_is_word(found[0])) &&
			!(cmig_is_word(found[length - 1]) && cmig_is_word(found[length])))
			return true;
	return text != NULL && length == 0;
}

const char *
cmig_text_after(const char *text, const char *separator)
{
	const char *found = strstr(text, separator);

	return found ? found + strlen(separator) : NULL;
}

char *
cmig_text_replace(const char *in, const char *old, const char *new)
{
	return TextDatumGetCString(DirectFunctionCall3Coll(replace_text, C_COLLATION_OID,
													   CStringGetTextDatum(in),
													   CStringGetTextDatum(old),
													   CStringGetTextDatum(new)));
}

char *
cmig_text_format(const char *format, va_list args)
{
	StringInfoData text;
	int			needed;

	initStringInfo(&text);
	do
	{
		va_list		copy;

		va_copy(copy, args);
		needed = appendStringInfoVA(&text, format, copy);
		va_end(copy);
		enlargeStringInfo(&text, needed);
	} while (needed != 0);
	return text.data;
}

bool
cmig_text_is_word(char c)
{
	return c == '_' || c == '$' || IS_HIGHBIT_SET(c) || isalnum((unsigned char) c);
}

bool
cmig_text_same(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

bool
cmig_text_is_given(const char *text)
{
	return text != NULL && text[0] != '\0';
}

/*
 * After a part of the text that does not match, only the last * needs to be
 * tried again.
 */
bool
cmig_pattern_matches(const char *pattern, const char *text)
{
	const char *star = NULL,
			   *rest = NULL;

	while (*text != '\0')
	{
		if (*pattern == '*')
		{
			star = ++pattern;
			rest = text;
		}
		else if (*pattern == *text)
		{
			pattern++;
			text++;
		}
		else if (star != NULL)
		{
			pattern = star;
			text = ++rest;
		}
		else
			return false;
	}
	return pattern[strspn(pattern, "*")] == '\0';
}

char *
cmig_pattern_hide_dots(const char *name)
{
	char	   *hidden = pstrdup(name);

	for (char *dot = hidden; (dot = strchr(dot, '.')) != NULL;)
		*dot = 1;
	return hidden;
}

char *
cmig_text_shortened(const char *text, int most)
{
	int			length = strlen(text);

	return length <= most ? pstrdup(text) :
		psprintf("%.*s...", pg_mbcliplen(text, length, most), text);
}

char *
cmig_text_one_line(char *comment)
{
	for (char *p = comment; *p != '\0'; p++)
		if ((unsigned char) *p < ' ' || *p == 0x7F)
			*p = ' ';
	return comment;
}

bool
cmig_text_list_has(const List *list, const char *text)
{
	foreach_ptr(char, name, list)
	{
		if (strcmp(name, text) == 0)
			return true;
	}
	return false;
}

static int
text_list_compare(const ListCell *a, const ListCell *b)
{
	return strcmp(lfirst(a), lfirst(b));
}

void
cmig_text_list_sort(List *list)
{
	list_sort(list, text_list_compare);
}

char *
cmig_text_join(const List *list, const char *(*quote) (const char *))
{
	StringInfoData text;

	initStringInfo(&text);
	foreach_ptr(char, item, list)
		appendStringInfo(&text, "%s%s", text.len > 0 ? ", " : "", quote ? quote(item) : item);
	return text.data;
}

const char *
cmig_direction_name(CmigDirection direction)
{
	return direction == CMIG_UPGRADE ? "upgrade" : "downgrade";
}

/* A qsort() and bsearch() comparator for strings. */
static int
revision_compare(const void *a, const void *b)
{
	return strcmp(*(char *const *) a, *(char *const *) b);
}

void
cmig_names_sort(CmigNames *names)
{
	if (names->count > 1)
		qsort(names->names, names->count, sizeof(char *), revision_compare);
}

const char *
cmig_names_repeated(const CmigNames *names)
{
	CmigNames	sorted = {names->count};
	const char *repeated = NULL;

	if (names->count < 2)
		return NULL;
	sorted.names = palloc(sizeof(char *) * names->count);
	memcpy(sorted.names, names->names, sizeof(char *) * names->count);
	cmig_names_sort(&sorted);
	for (int i = 1; i < names->count && repeated == NULL; i++)
		if (strcmp(sorted.names[i - 1], sorted.names[i]) == 0)
			repeated = sorted.names[i];
	pfree(sorted.names);
	return repeated;
}

bool
cmig_names_has(const CmigNames *sorted, const char *name)
{
	return sorted->count > 0 &&
		bsearch(&name, sorted->names, sorted->count, sizeof(char *), revision_compare) != NULL;
}

Datum
cmig_names_datum(const CmigNames *names)
{
	int			count = names->count;
	int			lower = 1;
	Datum	   *elements;
	bool	   *nulls;
	ArrayType  *array;

	if (names->count == 0)
		return PointerGetDatum(construct_empty_array(TEXTOID));
	elements = palloc(sizeof(Datum) * names->count);
	nulls = palloc(sizeof(bool) * names->count);
	for (int i = 0; i < names->count; i++)
	{
		nulls[i] = names->names[i] == NULL;
		elements[i] = nulls[i] ? (Datum) 0 : CStringGetTextDatum(names->names[i]);
	}
	array = construct_md_array(elements, nulls, 1, &count, &lower, TEXTOID, -1, false,
							   TYPALIGN_INT);
	for (int i = 0; i < names->count; i++)
		if (!nulls[i])
			pfree(DatumGetPointer(elements[i]));
	pfree(elements);
	pfree(nulls);
	return PointerGetDatum(array);
}

char *
cmig_names_text(const CmigNames *names)
{
	StringInfoData text;

	initStringInfo(&text);
	for (int i = 0; i < names->count; i++)
		appendStringInfo(&text, "%s%s", i > 0 ? ", " : "", names->names[i]);
	return text.data;
}

bool
cmig_names_same(const CmigNames *a, const CmigNames *b)
{
	if (a->count != b->count)
		return false;
	for (int i = 0; i < a->count; i++)
		if (strcmp(a->names[i], b->names[i]) != 0)
			return false;
	return true;
}

char *
cmig_version_join_name(const char *first, const char *second)
{
	char	   *name = psprintf("%s_%s", first, second);

	/* long names may differ in what would be cut off only */
	if (strlen(name) >= NAMEDATALEN)
		return makeObjectName(first, second,
							  psprintf("%08x",
									   hash_bytes((const unsigned char *) name, strlen(name))));
	return name;
}
