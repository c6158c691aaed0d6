/*
 * kinds.c
 *	  The table of all kinds.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "kinds/internal.h"

/* ----------------------------------------------------------------
 * Declares all kinds of objects; kinds.c lists them.
 *
 * 	  The list of all kinds of objects.
 * ----------------------------------------------------------------
 */

/*
 * All kinds, in the order in which they are read: a parent's kind comes before
 * the kinds of its children.
 */
static CmigKind *const all[] = {
	&cmig_kind_schema,
	&cmig_kind_extension,
	&cmig_kind_access_method,
	&cmig_kind_language,
	&cmig_kind_foreign_data_wrapper,
	&cmig_kind_server,
	&cmig_kind_user_mapping,
	&cmig_kind_collation,
	&cmig_kind_base_type,
	&cmig_kind_base_definition,
	&cmig_kind_enum,
	&cmig_kind_domain,
	&cmig_kind_domain_constraint,
	&cmig_kind_composite,
	&cmig_kind_attribute,
	&cmig_kind_range,
	&cmig_kind_sequence,
	&cmig_kind_table,
	&cmig_kind_column,
	&cmig_kind_foreign_table,
	&cmig_kind_foreign_column,
	&cmig_kind_view,
	&cmig_kind_materialized_view,
	&cmig_kind_view_column,
	&cmig_kind_toast,
	&cmig_kind_default,
	&cmig_kind_sequence_owner,
	&cmig_kind_constraint,
	&cmig_kind_index,
	&cmig_kind_partition,
	&cmig_kind_distribution,
	&cmig_kind_foreign_key,
	&cmig_kind_function,
	&cmig_kind_rule,
	&cmig_kind_policy,
	&cmig_kind_trigger,
	&cmig_kind_partition_trigger,
	&cmig_kind_statistics,
	&cmig_kind_aggregate,
	&cmig_kind_operator,
	&cmig_kind_operator_family,
	&cmig_kind_operator_family_member,
	&cmig_kind_operator_class,
	&cmig_kind_cast,
	&cmig_kind_transform,
	&cmig_kind_conversion,
	&cmig_kind_ts_parser,
	&cmig_kind_ts_template,
	&cmig_kind_ts_dictionary,
	&cmig_kind_ts_configuration,
	&cmig_kind_ts_mapping,
	&cmig_kind_publication,
	&cmig_kind_publication_table,
	&cmig_kind_publication_schema,
	&cmig_kind_event_trigger,
	&cmig_kind_member_privilege,
	&cmig_kind_default_privileges,
};

CmigKind **
cmig_kinds(int *count)
{
	*count = lengthof(all);
	for (int i = 0; i < lengthof(all) && all[i]->place == 0; i++)
	{
		CmigKind   *kind = all[i];

		kind->place = i + 1;
		if (kind->create == NULL)
			kind->create = cmig_kind_create;
		for (int p = 0; p < kind->nproperties && kind->alter == NULL; p++)
			if (kind->properties[p].action != NULL ||
				(kind->properties[p].flags & (CMIG_PROPERTY_PARAMETERS | CMIG_PROPERTY_FDW_OPTIONS)) != 0)
				kind->alter = cmig_kind_alter;
	}
	return (CmigKind **) all;
}

/* ----------------------------------------------------------------
 * Storage parameters and column options.
 *
 * Options are stored as a single string: "a='b', c='d'".
 * ----------------------------------------------------------------
 */

/* Returns the names of the options: "a, c" for "a='b', c='d'". */
static char *
option_names(const char *options)
{
	StringInfoData names;
	bool		quoted = false,
				value = false;

	initStringInfo(&names);
	for (; *options != '\0'; options++)
	{
		if (*options == '\'')
			quoted = !quoted;
		else if (!quoted && *options == '=')
			value = true;
		else if (!quoted && *options == ',')
			value = false;
		if (!value && !quoted && *options != '\'')
			appendStringInfoChar(&names, *options);
	}
	return names.data;
}

char *
cmig_options_prefixed(const char *options, const char *prefix)
{
	StringInfoData result;
	bool		quoted = false;

	initStringInfo(&result);
	appendStringInfoString(&result, prefix);
	for (; *options != '\0'; options++)
	{
		if (*options == '\'')
			quoted = !quoted;
		appendStringInfoChar(&result, *options);
		if (!quoted && options[0] == ',' && options[1] == ' ')
		{
			appendStringInfo(&result, " %s", prefix);
			options++;
		}
	}
	return result.data;
}

/* Returns one statement, such as "ALTER TABLE x RESET (a), SET (b='c')". */
static char *
options_statement(const char *reference, const char *old, const char *new, const char *prefix)
{
	const char *column = strstr(reference, " ALTER COLUMN ");
	StringInfoData sql;

	initStringInfo(&sql);
	appendStringInfo(&sql, "ALTER %s", reference);
	if (old != NULL)
		appendStringInfo(&sql, " RESET (%s)", cmig_options_prefixed(option_names(old), prefix));
	if (new != NULL)
		appendStringInfo(&sql, "%s%s SET (%s)", old == NULL ? "" : ",",
						 old == NULL || column == NULL ? "" : column, cmig_options_prefixed(new, prefix));
	return sql.data;
}

void
cmig_options_alter(CmigAlter *alter, int property, const char *reference, const char *prefix)
{
	const char *old = alter->from->values[property];
	const char *new = alter->to->values[property];

	if (cmig_alter_differs(alter, property))
		cmig_alter_add(alter, options_statement(reference, old, new, prefix),
					   options_statement(reference, new, old, prefix));
}

/* ----------------------------------------------------------------
 * Finds the objects that function bodies mention.
 *
 * For a body that is a string, PostgreSQL records no dependencies.  However,
 * CREATE FUNCTION checks some of these bodies, so the objects that they
 * mention must already exist.
 *
 * No database access.
 *
 * A body mentions a relation, type, function, or operator if the object's name
 * occurs in it as a word, or as a sequence of operator characters.  A false match only changes the order of statements, and
 * schema/order.c ignores a match that would cause a cycle.
 * ----------------------------------------------------------------
 */

/* Objects sorted by unquoted name.  Objects with the same name are adjacent. */
typedef struct Names
{
	int			count;
	CmigObject **objects;
} Names;

/* Can a function body mention the object? */
static bool
can_be_named(const CmigObject *object)
{
	return (object->kind->flags & (CMIG_KIND_RELATION | CMIG_KIND_TYPE)) != 0 ||
		object->kind == &cmig_kind_function || object->kind == &cmig_kind_operator;
}

static int
compare_by_name(const void *a, const void *b)
{
	const CmigObject *left = *(CmigObject *const *) a,
			   *right = *(CmigObject *const *) b;
	int			order = strcmp(left->name, right->name);

	return order ? order : left->index - right->index;
}

/* Returns all objects that a body can mention, sorted by name. */
static Names
collect(const CmigImage *image)
{
	Names		names = {0};

	names.objects = palloc(sizeof(CmigObject *) * Max(image->count, 1));
	for (int i = 0; i < image->count; i++)
		if (can_be_named(image->objects[i]))
			names.objects[names.count++] = image->objects[i];
	qsort(names.objects, names.count, sizeof(CmigObject *), compare_by_name);
	return names;
}

/*
 * Returns the index of the first object with this name, or the index where
 * such an object would be inserted.
 */
static int
first_of(const Names *names, const char *word)
{
	int			low = 0,
				high = names->count;

	while (low < high)
	{
		int			middle = low + (high - low) / 2;

		if (strcmp(names->objects[middle]->name, word) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Can the character be part of a name? */
static bool
is_word(unsigned char c)
{
	return c == '_' || IS_HIGHBIT_SET(c) || (c >= '0' && c <= '9') ||
		(c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Can the character be part of an operator? */
static bool
is_operator(char c)
{
	return c != '\0' && strchr("+-*/<>=~!@#%^&|`?", c) != NULL;
}

/*
 * Copy the next word or operator of a string to "buf", as an unquoted name.  Returns the
 * rest of the string, or NULL at the end.
 */
static const char *
next_word(const char *text, StringInfo buf)
{
	resetStringInfo(buf);
	while (*text != '\0' && *text != '"' && !is_word(*text) && !is_operator(*text))
		text++;
	if (*text == '\0')
		return NULL;
	if (*text == '"')
	{
		for (text++; *text != '\0' && !(*text == '"' && text[1] != '"'); text++)
		{
			if (*text == '"')
				text++;
			appendStringInfoChar(buf, *text);
		}
		return *text == '\0' ? text : text + 1;
	}
	for (; is_operator(*text); text++)
		appendStringInfoChar(buf, *text);
	if (buf->len > 0)
		return text;
	for (; is_word(*text); text++)
		appendStringInfoChar(buf, pg_ascii_tolower((unsigned char) *text));
	return text;
}

/* Record the objects whose names are words in the function's body. */
static void
read_body(const Names *names, CmigObject *function)
{
	const char *text = function->values[0];
	StringInfoData word;

	initStringInfo(&word);
	while ((text = next_word(text, &word)) != NULL)
		for (int i = first_of(names, word.data); i < names->count && strcmp(names->objects[i]->name, word.data) == 0; i++)
			cmig_object_follow(function, names->objects[i]);
	pfree(word.data);
}

void
cmig_bodies_read(CmigImage *image)
{
	Names		names = collect(image);

	for (int i = 0; i < image->count; i++)
		if (image->objects[i]->kind == &cmig_kind_function)
			read_body(&names, image->objects[i]);
	pfree(names.objects);
}
