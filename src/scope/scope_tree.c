/*
 * scope_tree.c
 *	  Prepares the parse trees of expressions and queries in the system
 *	  catalogs for hashing.
 *
 * A parse tree is stored as text that consists of nodes such as {VAR :varno 1
 * :varattno 2 :location 30}.  A name that begins with a colon is followed by
 * one or more values.  In a value, a backslash precedes each character that
 * would otherwise end the value.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "scope/scope_tree.h"

#include "catalog/pg_type.h"
#include "nodes/primnodes.h"

/* The characters that separate the names and values in a parse tree. */
#define SEPARATORS " (){}"

/* Deeper nodes are not examined. */
#define MAX_DEPTH 64

/* The state of reading a parse tree. */
typedef struct Tree
{
	StringInfo	buf;
	const CmigScopeNames *names;
	const char *text;
	const char *rest;			/* the part of "text" that has not been read
								 * yet */
	const char *key;			/* the name that was read last, such as
								 * ":varno" */
	int			key_length;
	Oid			constant;		/* the data type of the last constant */
	int			depth;			/* number of nodes around "rest" */
	bool		is_operator[MAX_DEPTH + 1]; /* is the node of this depth an
											 * operator? */
} Tree;

/* Is "key" the name that was read last? */
static bool
is_key(const Tree *tree, const char *key)
{
	return tree->key_length == (int) strlen(key) && memcmp(tree->key, key, tree->key_length) == 0;
}

/* Is the last name one whose value is a position in a statement? */
static bool
is_position(const Tree *tree)
{
	return is_key(tree, ":location") || is_key(tree, ":stmt_location") || is_key(tree, ":stmt_len") ||
		is_key(tree, ":list_start") || is_key(tree, ":list_end");
}

/* Does the last name end with "text"? */
static bool
is_key_ending(const Tree *tree, const char *text)
{
	int			length = strlen(text);

	return tree->key_length >= length && memcmp(tree->key + tree->key_length - length, text, length) == 0;
}

/* Is the last name one whose values are numbers that are never OIDs? */
static bool
is_plain(const Tree *tree)
{
	return is_key_ending(tree, "typmod") || is_key_ending(tree, "typmods") || is_key(tree, ":modulus") ||
		is_key(tree, ":remainder") || is_key(tree, ":frameOptions");
}

/*
 * Does the last name say whether a cast is explicit, and is the cast an
 * operand of an operator?  PostgreSQL prints such a cast even if it is
 * implicit, so the cast is explicit in a copy.
 */
static bool
is_cast_of_operand(const Tree *tree)
{
	return tree->depth > 1 && tree->depth <= MAX_DEPTH && tree->is_operator[tree->depth - 1] &&
		(is_key(tree, ":funcformat") || is_key(tree, ":relabelformat") || is_key(tree, ":coerceformat"));
}

/*
 * Is the next word the continuation of a value, after a separator that was
 * escaped by a backslash?  The result can also be true for other words that
 * follow a backslash.
 */
static bool
is_inside(const Tree *tree)
{
	return tree->rest - tree->text >= 2 && tree->rest[-2] == '\\';
}

/* Is the value a number that may be an OID? */
static bool
is_number(const char *value, int length)
{
	return length > 0 && length <= 10 && (int) strspn(value, "0123456789") >= length;
}

/*
 * Does the data type of the last constant mean that its value is an OID,
 * either of an object or of an enum value?
 */
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

/* Append the hash of an object's name, marked by a NUL byte. */
static void
append_name(Tree *tree, uint64 name)
{
	appendStringInfoChar(tree->buf, '\0');
	appendStringInfo(tree->buf, UINT64_FORMAT, name);
}

/*
 * If the next value is a constant that contains the OID of an object in the
 * schema, append the hash of the object's name.  Otherwise returns false and
 * appends nothing.  A constant of four bytes is written as "4 [ 1 64 0 0 0 0 0
 * 0 ]".
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

/*
 * Append the next value, a number with "length" digits.  If it is the OID of
 * an object in the schema, appends the hash of the object's name instead.
 */
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

/* Append the next word, a name or value with "length" characters. */
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
	if (length == 1 && tree->rest[0] == '0' + COERCE_EXPLICIT_CAST && is_cast_of_operand(tree))
		appendStringInfoChar(tree->buf, '0' + COERCE_IMPLICIT_CAST);
	else if (is_number(tree->rest, length))
		append_number(tree, length);
	else
		appendBinaryStringInfo(tree->buf, tree->rest, length);
}

/* Is the character at "at" preceded by a backslash that belongs to it? */
static bool
is_escaped(const Tree *tree, const char *at)
{
	int			backslashes = 0;

	while (at - backslashes > tree->text && at[-backslashes - 1] == '\\')
		backslashes++;
	return backslashes % 2 == 1;
}

/*
 * Append "length" separators, and keep track of the beginnings and ends of
 * nodes.
 */
static void
append_separators(Tree *tree, int length)
{
	for (const char *at = tree->rest; at < tree->rest + length; at++)
	{
		if (*at == '{' && !is_escaped(tree, at))
		{
			tree->depth++;
			if (tree->depth <= MAX_DEPTH)
				tree->is_operator[tree->depth] = strncmp(at, "{OPEXPR ", 8) == 0 || strncmp(at, "{SCALARARRAYOPEXPR ", 19) == 0;
		}
		else if (*at == '}' && !is_escaped(tree, at))
			tree->depth--;
	}
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
		append_separators(&tree, length);
		tree.rest += length;
	}
	appendStringInfoChar(buf, '\0');
}
