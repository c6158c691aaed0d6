/*
 * bodies.c
 *	  Finds the objects that function bodies mention.
 *
 * A body mentions a relation, type, function, or operator if the object's name
 * occurs in it as a word, or as a sequence of operator characters.  A false match only changes the order of statements, and
 * order.c ignores a match that would cause a cycle.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "kinds/bodies.h"
#include "kinds/kinds.h"

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
