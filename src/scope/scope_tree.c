/*
 * scope_tree.c
 *	  The text of an expression's or a query's parse tree in a system catalog.
 *
 * A tree consists of nodes such as {VAR :varno 1 :varattno 2 :location 30}.  A
 * name that begins with a colon is followed by one or more values.  In the
 * values, a backslash precedes each character that would end the value.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "scope/scope_tree.h"

#include "catalog/pg_type.h"

/* Characters that separate names and values. */
#define SEPARATORS " (){}"

/* A tree that is being read. */
typedef struct Tree
{
	StringInfo	buf;
	const CmigScopeNames *names;
	const char *text;
	const char *rest;			/* the text that has not been read */
	const char *key;			/* the last name */
	int			key_length;
	Oid			constant;		/* the type of the last constant */
} Tree;

/* Is the last name "key"? */
static bool
is_key(const Tree *tree, const char *key)
{
	return tree->key_length == (int) strlen(key) && memcmp(tree->key, key, tree->key_length) == 0;
}

/* Is the last name that of a position in a statement? */
static bool
is_position(const Tree *tree)
{
	return is_key(tree, ":location") || is_key(tree, ":stmt_location") || is_key(tree, ":stmt_len") ||
		is_key(tree, ":list_start") || is_key(tree, ":list_end");
}

/* Does the last name end with this text? */
static bool
is_key_ending(const Tree *tree, const char *text)
{
	int			length = strlen(text);

	return tree->key_length >= length && memcmp(tree->key + tree->key_length - length, text, length) == 0;
}

/* Is the last name that of numbers that are never OIDs? */
static bool
is_plain(const Tree *tree)
{
	return is_key_ending(tree, "typmod") || is_key_ending(tree, "typmods") || is_key(tree, ":modulus") ||
		is_key(tree, ":remainder") || is_key(tree, ":frameOptions");
}

/*
 * Is the rest of the tree a part of a value, after an escaped separator?  The
 * result can also be true for a name or value that follows a backslash.
 */
static bool
is_inside(const Tree *tree)
{
	return tree->rest - tree->text >= 2 && tree->rest[-2] == '\\';
}

/* Is the value a number that can be an OID? */
static bool
is_number(const char *value, int length)
{
	return length > 0 && length <= 10 && (int) strspn(value, "0123456789") >= length;
}

/* Are constants of the last type OIDs, or the values of an enum? */
static bool
is_reference(const Tree *tree)
{
	switch (tree->constant)
	{
		case REGCLASSOID:
		case REGPROCOID:
		case REGPROCEDUREOID:
		case REGTYPEOID:
		case REGNAMESPACEOID:
			return true;
		default:
			return cmig_scope_name_of(tree->names, tree->constant) != tree->constant;
	}
}

/* Append the hash of a name, marked by a null byte. */
static void
append_name(Tree *tree, uint64 name)
{
	appendStringInfoChar(tree->buf, '\0');
	appendStringInfo(tree->buf, UINT64_FORMAT, name);
}

/*
 * Append a constant of four bytes, which is written as "4 [ 1 64 0 0 0 0 0 0 ]",
 * if it is the OID of one of the schema's objects.  Returns false, and appends
 * nothing, if it is not.
 */
static bool
append_reference(Tree *tree)
{
	const char *from = tree->rest;
	unsigned char bytes[sizeof(Datum)];
	Datum		value;
	uint64		name;

	if (!is_key(tree, ":constvalue") || strncmp(from, "4 [ ", 4) != 0 || !is_reference(tree))
		return false;
	from += 4;
	for (size_t i = 0; i < sizeof(Datum); i++)
	{
		char	   *end;

		bytes[i] = (unsigned char) strtol(from, &end, 10);
		if (end == from)
			return false;
		from = end;
	}
	memcpy(&value, bytes, sizeof(Datum));
	name = cmig_scope_name_of(tree->names, DatumGetObjectId(value));
	if (name == DatumGetObjectId(value))
		return false;
	append_name(tree, name);
	tree->rest = from;
	return true;
}

/* Append the number at the beginning of the rest. */
static void
append_number(Tree *tree, int length)
{
	Oid			number = (Oid) strtoul(tree->rest, NULL, 10);
	uint64		name = is_plain(tree) ? number : cmig_scope_name_of(tree->names, number);

	if (is_key(tree, ":consttype"))
		tree->constant = number;
	if (name != number)
		append_name(tree, name);
	else
		appendBinaryStringInfo(tree->buf, tree->rest, length);
}

/* Append the name or the value at the beginning of the rest. */
static void
append_word(Tree *tree, int length)
{
	bool		is_negative = tree->rest[0] == '-';

	if (is_inside(tree))
	{
		appendBinaryStringInfo(tree->buf, tree->rest, length);
		return;
	}
	if (tree->rest[0] == ':')
	{
		tree->key = tree->rest;
		tree->key_length = length;
	}
	if (is_position(tree) && is_number(tree->rest + is_negative, length - is_negative))
		return;
	if (is_number(tree->rest, length))
		append_number(tree, length);
	else
		appendBinaryStringInfo(tree->buf, tree->rest, length);
}

void
cmig_scope_tree_append(StringInfo buf, const CmigScopeNames *names, const char *text)
{
	Tree		tree = {.buf = buf,.names = names,.text = text,.rest = text,.key = text};

	while (*tree.rest != '\0')
	{
		int			length = strcspn(tree.rest, SEPARATORS);

		if (length > 0 && append_reference(&tree))
			continue;
		if (length > 0)
			append_word(&tree, length);
		tree.rest += length;
		length = strspn(tree.rest, SEPARATORS);
		appendBinaryStringInfo(buf, tree.rest, length);
		tree.rest += length;
	}
	appendStringInfoChar(buf, '\0');
}
