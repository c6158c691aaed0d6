/*
 * using.c
 *	  How a value of one type becomes one of another.
 *
 * Types without a cast between them go by way of text, as their values look.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "schema/using.h"

typedef enum Family
{
	OTHER,
	NUMBER,
	STRING,
	MOMENT,
	BOOLEAN,
	DOCUMENT
} Family;

static const struct
{
	const char *name;
	Family		family;
}			known[] = {
	{"smallint", NUMBER}, {"integer", NUMBER}, {"bigint", NUMBER}, {"numeric", NUMBER},
	{"real", NUMBER}, {"double precision", NUMBER},
	{"character varying", STRING}, {"character", STRING}, {"text", STRING}, {"name", STRING},
	{"date", MOMENT}, {"timestamp without time zone", MOMENT}, {"timestamp with time zone", MOMENT},
	{"boolean", BOOLEAN},
	{"json", DOCUMENT}, {"jsonb", DOCUMENT},
};

/* The type without its modifier, "numeric(10,2)[]" as "numeric[]". */
static char *
base_type(const char *type)
{
	StringInfoData base;
	bool		quoted = false;
	int			depth = 0;

	initStringInfo(&base);
	for (; *type != '\0'; type++)
	{
		if (*type == '"')
			quoted = !quoted;
		if (!quoted && *type == ')')
			depth--;
		else if (!quoted && *type == '(')
			depth++;
		else if (depth == 0)
			appendStringInfoChar(&base, *type);
	}
	return base.data;
}

static Family
family_of(const char *type)
{
	for (int i = 0; i < lengthof(known); i++)
		if (strcmp(known[i].name, type) == 0)
			return known[i].family;
	return OTHER;
}

/* Values become text by assignment, but what is done with them changes. */
static bool
is_assignable(Family from, Family to)
{
	return (from == to && from != OTHER) || to == STRING;
}

bool
cmig_using_needed(const char *from, const char *to)
{
	char	   *old = base_type(from),
			   *new = base_type(to);
	Family		family = family_of(old);

	return strcmp(old, new) != 0 &&
		(family == OTHER || family == STRING || family != family_of(new));
}

void
cmig_using_append(StringInfo buf, const char *column, const char *from, const char *to)
{
	char	   *old = base_type(from),
			   *new = base_type(to);
	Family		old_family = family_of(old),
				new_family = family_of(new);

	if (strcmp(old, new) == 0 || is_assignable(old_family, new_family))
		return;
	if (old_family == STRING ||
		(old_family == BOOLEAN && strcmp(new, "integer") == 0) ||
		(new_family == BOOLEAN && strcmp(old, "integer") == 0))
		appendStringInfo(buf, " USING %s::%s", column, to);
	else
		appendStringInfo(buf, " USING %s::text::%s", column, to);
}
