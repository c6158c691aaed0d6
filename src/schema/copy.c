/*
 * copy.c
 *	  Statements that copy a schema.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include <ctype.h>

#include "catalog/pg_type.h"
#include "parser/scansup.h"
#include "utils/builtins.h"

#include "schema/internal.h"

/* ----------------------------------------------------------------
 * Names of a schema in function bodies and in search_path.
 *
 * If a schema is read under another name, the server prints the other name
 * everywhere except in strings.
 * ----------------------------------------------------------------
 */

/* A query for an object with the name $2 in the schema $1. */
static CmigQuery named_query = {
	.sql = "SELECT true FROM pg_class WHERE relnamespace = $1 AND relname = $2::name"
	" UNION ALL SELECT true FROM pg_proc WHERE pronamespace = $1 AND proname = $2::name"
	" UNION ALL SELECT true FROM pg_type WHERE typnamespace = $1 AND typname = $2::name",
	.argtypes = {OIDOID, TEXTOID}
};

static bool
is_name_char(char c)
{
	return isalnum((unsigned char) c) || c == '_' || c == '$' || IS_HIGHBIT_SET(c);
}

/* Returns the identifier at the start of the text, as it is stored. */
static char *
identifier_at(const char *text)
{
	const char *end = text;

	if (*text == '"')
	{
		end = strchr(text + 1, '"');
		return pnstrdup(text + 1, end ? end - text - 1 : 0);
	}
	while (is_name_char(*end))
		end++;
	return downcase_truncate_identifier(text, end - text, false);
}

/* Replace the schema's name where it qualifies an object of the schema. */
static char *
replace_qualifiers(char *text, Oid schema, const char *old, const char *new)
{
	const char *prefix = psprintf("%s.", quote_identifier(old));
	const char *rest = text;
	const char *found = text;
	StringInfoData result;

	initStringInfo(&result);
	for (; *found != '\0'; found++)
	{
		const char *after = found + strlen(prefix);

		if (cmig_text_begins(found, prefix) &&
			(found == text || (!is_name_char(found[-1]) && found[-1] != '.')) &&
			cmig_query_do(&named_query, schema, identifier_at(after)) > 0)
		{
			appendBinaryStringInfo(&result, rest, found - rest);
			appendStringInfo(&result, "%s.", quote_identifier(new));
			rest = after;
		}
	}
	if (rest == text)
		return text;
	appendStringInfoString(&result, rest);
	return result.data;
}

/* Replace the schema's name in the search_path that a function sets. */
static char *
replace_path(char *text, const char *old, const char *new)
{
	const char *literal = pstrdup(quote_literal_cstr(old));

	/*
	 * a line of the function's clauses or, if one is written alike, of its
	 * body
	 */
	for (const char *line = strchr(text, '\n'); line != NULL; line = strchr(line + 1, '\n'))
	{
		const char *end = line + 1 + strcspn(line + 1, "\n");
		const char *clause = pnstrdup(line, end - line);

		if (cmig_text_begins(line, "\n SET search_path TO ") &&
			cmig_text_after(clause, literal) != NULL)
			return psprintf("%.*s%s%s", (int) (line - text), text,
							cmig_text_replace(clause, literal, quote_literal_cstr(new)), end);
	}
	return text;
}

char *
cmig_own_name_replace(char *text, Oid schema, const char *old, const char *new)
{
	return replace_qualifiers(replace_path(text, old, new), schema, old, new);
}

void
cmig_own_name_replace_all(CmigImage *image, Oid schema, const char *old, const char *new)
{
	for (int i = 0; i < image->count; i++)
	{
		CmigObject *object = image->objects[i];

		if (object->kind == &cmig_kind_function)
			cmig_object_set(object, 0, cmig_own_name_replace(object->values[0], schema, old, new));
	}
}

/* ----------------------------------------------------------------
 * Statements that create the objects of a schema in another schema.
 *
 * The schema is read while it has the name of the other schema, and compared
 * with an image that contains only an empty schema, so the catalogs are read
 * only once.
 * ----------------------------------------------------------------
 */

/* The schema to read, and its image. */
typedef struct Read
{
	CmigManaged *managed;
	const char *name;			/* the name of the copy */
	CmigImage  *image;
} Read;

/* A CmigShadowTask: read the schema. */
static void
read_schema(CmigShadow *shadow, void *arg)
{
	Read	   *read = arg;

	read->image = cmig_image_read(read->managed);
	cmig_own_name_replace_all(read->image, read->managed->schemas[0].oid,
							  read->managed->schemas[0].name, read->name);
}

/* Returns an image with an empty schema, whose owner is that of "like". */
static CmigImage *
empty_image(char *name, const CmigImage *like)
{
	char	   *quoted = pstrdup(quote_identifier(name));
	const CmigObject *other = cmig_image_lookup(like, &cmig_kind_schema, quoted);
	CmigObject *schema = cmig_object_new(&cmig_kind_schema, name, quoted);
	CmigImage  *image = cmig_image_new();

	schema->owner = other ? other->owner : NULL;
	cmig_image_add(image, schema);
	cmig_image_finish(image);
	return image;
}

List *
cmig_schema_copy(const char *from, char *name, const char *caller)
{
	CmigNames	names = {.names = (char *[]) {pstrdup(from)},.count = 1};
	Read		read = {.managed = cmig_managed_schemas(&names),.name = name};
	CmigDiffOptions options = {.privileges = true,.comments = true};
	int			guc_level = NewGUCNestLevel();
	List	   *lines = NIL;

	cmig_settings_override("quote_all_identifiers", "off");
	options.initial = cmig_initial_grants_read();
	cmig_shadow_rename(read.managed->schemas[0].oid, name, caller, read_schema, &read);
	cmig_diff_lines(cmig_compare(empty_image(name, read.image), read.image, &options), &lines);
	AtEOXact_GUC(false, guc_level);
	return lines;
}
