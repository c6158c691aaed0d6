/*
 * similar.c
 *	  Finds names that are similar to a mistyped one.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include <ctype.h>

#include "base/revision.h"
#include "graph/similar.h"

#include "lib/stringinfo.h"
#include "utils/varlena.h"

#define DIGITS "0123456789"

/*
 * Does "candidate" begin with the same number as "name", which consists of
 * digits?  For example, 3 is similar to 003 and 003_invoices.
 */
static bool
has_number(const char *candidate, const char *name)
{
	int			digits = strspn(candidate, DIGITS);

	if (digits == 0 || isalpha((unsigned char) candidate[digits]))
		return false;
	for (; digits > 1 && *candidate == '0'; digits--)
		candidate++;
	while (*name == '0' && name[1])
		name++;
	return strlen(name) == digits && strncmp(candidate, name, digits) == 0;
}

/*
 * Does "candidate" begin with "name", ignoring case and the kind of separator?
 */
static bool
begins_alike(const char *candidate, const char *name)
{
	for (; *name; name++, candidate++)
	{
		if (*candidate == '\0' ||
			(pg_tolower((unsigned char) *name) != pg_tolower((unsigned char) *candidate) &&
			 (strchr("_-. ", *name) == NULL || strchr("_-. ", *candidate) == NULL)))
			return false;
	}
	return true;
}

/*
 * Returns the distance between "candidate" and "name", the name that was
 * typed.  A result above "limit" means that the two are not similar.  The most
 * common mistakes have distance 0: a number without leading zeros, different
 * case or separators, or only a part of an id.  A file name instead of an id
 * has distance 1.
 */
static int
find_distance(const char *name, int length, const char *candidate, int limit)
{
	int			candidate_length = strlen(candidate);

	if (candidate_length == 0 || candidate_length > CMIG_MAX_ID_LENGTH)
		return limit + 1;
	if (strspn(name, DIGITS) == length)
	{
		if (has_number(candidate, name))
			return 0;

		/*
		 * a number is not similar to another number, which probably refers to
		 * a different revision
		 */
		if (strspn(candidate, DIGITS) == candidate_length)
			return limit + 1;
	}
	if (pg_strcasecmp(name, candidate) == 0 ||
		(length >= 3 && (strstr(candidate, name) != NULL || begins_alike(candidate, name))))
		return 0;
	if (candidate_length >= 3 && strncmp(name, candidate, candidate_length) == 0 &&
		strchr("_-. ", name[candidate_length]) != NULL)
		return 1;
	return varstr_levenshtein_less_equal(name, length, candidate, candidate_length,
										 1, 1, 1, limit, true);
}

bool
cmig_similar_begin(CmigSimilar *similar, const char *name)
{
	similar->name = name;
	similar->length = strlen(name);
	similar->best = Max(1, similar->length / 3);
	similar->count = 0;
	return similar->length > 0 && similar->length <= CMIG_MAX_ID_LENGTH;
}

void
cmig_similar_add(CmigSimilar *similar, const char *candidate)
{
	int			distance = find_distance(similar->name, similar->length, candidate, similar->best);

	if (distance > similar->best)
		return;
	if (distance < similar->best)
		similar->count = 0;
	similar->best = distance;
	if (similar->count < CMIG_MAX_SIMILAR)
		similar->nearest[similar->count++] = candidate;
}

char *
cmig_similar_text(const CmigSimilar *similar)
{
	StringInfoData text;

	if (similar->count == 0)
		return NULL;
	initStringInfo(&text);
	for (int i = 0; i < similar->count; i++)
		appendStringInfo(&text, "%s\"%s\"",
						 i == 0 ? "" : i == similar->count - 1 ? " or " : ", ", similar->nearest[i]);
	return text.data;
}
