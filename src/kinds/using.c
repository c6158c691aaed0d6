/*
 * using.c
 *	  Converts values when a column's type changes.
 *
 * If there is no cast between two types, values are converted through text.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "kinds/using.h"

/*
 * Families of types.  The values of all types in a family are converted to
 * another family in the same way.
 */
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

/*
 * Pairs of types whose values are converted with PostgreSQL's cast, because a
 * conversion through text would have a different result.
 */
static const struct
{
	const char *from;
	const char *to;
}			cast[] = {
	{"boolean", "integer"}, {"integer", "boolean"},
	{"money", "numeric"}, {"numeric", "money"}, {"integer", "money"}, {"bigint", "money"},
	{"timestamp without time zone", "time without time zone"}, {"timestamp with time zone", "time without time zone"},
	{"timestamp with time zone", "time with time zone"}, {"time with time zone", "time without time zone"},
	{"interval", "time without time zone"}, {"time without time zone", "interval"},
	{"bit", "integer"}, {"bit", "bigint"}, {"integer", "bit"}, {"bigint", "bit"},
	{"inet", "cidr"}, {"macaddr", "macaddr8"}, {"macaddr8", "macaddr"},
	{"\"char\"", "integer"}, {"integer", "\"char\""},
};

/* Returns the type without its modifier: "numeric[]" for "numeric(10,2)[]". */
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

/* Returns the type's family. */
static Family
family_of(const char *type)
{
	for (int i = 0; i < lengthof(known); i++)
		if (strcmp(known[i].name, type) == 0)
			return known[i].family;
	return OTHER;
}

/*
 * Can PostgreSQL use stored values of one type as values of the other type
 * without changing them?
 */
static bool
is_same_stored(const char *from, const char *to)
{
	return (strcmp(from, "cidr") == 0 && strcmp(to, "inet") == 0) ||
		(strcmp(from, "integer") == 0 && strcmp(to, "oid") == 0);
}

/*
 * Can values be converted by assignment?  Assignment to a string type is
 * always possible, although queries on the column may then work differently.
 */
static bool
is_assignable(Family from, Family to)
{
	return (from == to && from != OTHER) || to == STRING;
}

/* Does the array "cast" contain this pair of types? */
static bool
has_cast(const char *from, const char *to)
{
	for (int i = 0; i < lengthof(cast); i++)
		if (strcmp(cast[i].from, from) == 0 && strcmp(cast[i].to, to) == 0)
			return true;
	return false;
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

	if (strcmp(old, new) == 0 || is_same_stored(old, new) || is_assignable(old_family, new_family))
		return;
	if (old_family == STRING || has_cast(old, new))
		appendStringInfo(buf, " USING %s::%s", column, to);
	else
		appendStringInfo(buf, " USING %s::text::%s", column, to);
}

/* Effects on existing rows */

/*
 * Get the numbers in a type modifier, as in "numeric(10,2)".  Returns how many
 * there are.
 */
static int
modifier_of(const char *type, int *first, int *second)
{
	const char *open = strchr(type, '(');

	*first = *second = 0;
	return open == NULL ? 0 : Max(sscanf(open, "(%d,%d)", first, second), 0);
}

static bool
is_one_of(const char *type, const char *const *types)
{
	for (; *types != NULL; types++)
		if (strcmp(type, *types) == 0)
			return true;
	return false;
}

/*
 * Does each value stay valid and unchanged when only the type's modifier
 * changes?
 */
static bool
modifier_keeps(const char *base, const char *from, const char *to)
{
	static const char *const growing[] = {
		"character varying", "bit varying", "timestamp without time zone", "timestamp with time zone",
		"time without time zone", "time with time zone", "interval", NULL
	};
	int			old,
				old_scale,
				new,
				new_scale;
	int			count = modifier_of(from, &old, &old_scale);

	if (strcmp(from, to) == 0)
		return true;
	if (modifier_of(to, &new, &new_scale) == 0)
		return strcmp(base, "numeric") == 0 || is_one_of(base, growing);
	if (count == 0)
		return false;
	if (strcmp(base, "numeric") == 0)
		return new >= old && new_scale == old_scale;
	return is_one_of(base, growing) && new >= old;
}

bool
cmig_using_keeps(const char *from, const char *to)
{
	char	   *old = base_type(from),
			   *new = base_type(to);

	if (strcmp(old, new) == 0)
		return modifier_keeps(old, from, to);
	if (strcmp(old, "character varying") == 0)
		return strcmp(to, "text") == 0;
	return strcmp(old, "text") == 0 && strcmp(to, "character varying") == 0;
}

bool
cmig_using_converts(const char *from, const char *to)
{
	StringInfoData buf;

	initStringInfo(&buf);
	cmig_using_append(&buf, "", from, to);
	return buf.len > 0;
}

/*
 * Returns the rank of a type in the order from narrow to wide types, or -1 if
 * the type has no rank.
 */
static int
width_of(const char *type)
{
	static const char *const types[] = {
		"smallint", "integer", "bigint", "numeric", "double precision", "text"
	};

	for (int i = 0; i < lengthof(types); i++)
		if (strcmp(types[i], type) == 0)
			return i;
	return -1;
}

/*
 * Can the new modifier reject values?  It never rejects times, because these
 * are rounded.
 */
static bool
is_narrower(const char *base, const char *from, const char *to)
{
	int			old,
				old_scale,
				new,
				new_scale;
	int			count = modifier_of(from, &old, &old_scale);

	if (modifier_of(to, &new, &new_scale) == 0)
		return false;
	if (strncmp(base, "numeric", 7) == 0)
		return count == 0 || new - new_scale < old - old_scale;
	if (strcmp(base, "bit") == 0)
		return new != old;
	return (strncmp(base, "character", 9) == 0 || strncmp(base, "bit varying", 11) == 0) && (count == 0 || new < old);
}

bool
cmig_using_may_fail(const char *from, const char *to)
{
	char	   *old = base_type(from),
			   *new = base_type(to);
	int			old_width = width_of(old),
				new_width = width_of(to);

	if (strcmp(old, new) == 0)
		return is_narrower(old, from, to);
	if (strncmp(to, "text", 4) == 0 || strcmp(to, "character varying") == 0)
		return false;
	if (old_width >= 0 && new_width >= 0)
		return new_width < old_width;
	return family_of(old) != MOMENT || family_of(to) != MOMENT;
}
