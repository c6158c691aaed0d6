/*
 * image.c
 *	  Objects, kinds of objects, and images of schemas.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "lib/qunique.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "kinds/internal.h"

/* ----------------------------------------------------------------
 * Printed SQL: expressions that mean the same, and expressions that
 * PostgreSQL prints in the same form after they have been reloaded.
 *
 * When PostgreSQL parses an expression that it has printed, and prints it
 * again, casts to text and parentheses may move.
 *
 * An expression is split into tokens.  Casts of arrays and their elements to
 * text and varchar are removed, because PostgreSQL moves them between an
 * array and its elements when an expression is printed and parsed again.
 * Then parentheses around a single operand are removed, and those around the
 * first operands of a longer AND or OR.  Other parentheses that group operands
 * are kept.
 * ----------------------------------------------------------------
 */

typedef struct CmigToken
{
	const char *text;
	int			length;
	int			match;			/* index of the matching bracket; -1 for other
								 * tokens */
	bool		gone;
} CmigToken;

typedef struct CmigTokens
{
	int			count;
	CmigToken  *tokens;
} CmigTokens;

/* Can the character be part of a name, qualified or not, or of a number? */
static bool
tokens_is_word(unsigned char c)
{
	return cmig_is_word(c) || c == '$' || c == '.';
}

static bool
is_operator(unsigned char c)
{
	return c != '\0' && strchr("+-*/<>=~!@#%^&|`?:", c) != NULL;
}

/*
 * Returns the end of the quoted identifier or string at p.  If "escapes" is
 * true, a backslash escapes the next character.
 */
static const char *
tokens_skip_quoted(const char *p, bool escapes)
{
	char		quote = *p++;

	for (; *p != '\0'; p++)
	{
		if (escapes && *p == '\\' && p[1] != '\0')
			p++;
		else if (*p == quote)
		{
			if (p[1] != quote)
				return p + 1;
			p++;
		}
	}
	return p;
}

/*
 * Returns the end of a token.  A qualified name, including any quotes, is one
 * token, and so is an operator.
 */
static const char *
skip_token(const char *p)
{
	const char *start = p;

	if (*p == '\'')
		return tokens_skip_quoted(p, false);
	if ((*p == 'E' || *p == 'B' || *p == 'X') && p[1] == '\'')
		return tokens_skip_quoted(p + 1, *p == 'E');
	while (*p == '"' || tokens_is_word(*p))
		p = *p == '"' ? tokens_skip_quoted(p, false) : p + 1;
	if (p > start)
		return p;
	while (is_operator(*p))
		p++;
	return p > start ? p : p + 1;
}

/* Split a string into tokens, and match its brackets. */
static CmigTokens
tokens_cut(const char *text)
{
	CmigTokens	result = {0};
	int		   *open;
	int			depth = 0;

	result.tokens = palloc(sizeof(CmigToken) * (strlen(text) + 1));
	open = palloc(sizeof(int) * (strlen(text) + 1));
	while (*text != '\0')
	{
		CmigToken  *token = &result.tokens[result.count];
		const char *end;

		if (strchr(" \t\r\n", *text) != NULL)
		{
			text++;
			continue;
		}
		end = skip_token(text);
		*token = (CmigToken)
		{
			.text = text,.length = end - text,.match = -1
		};
		if (*text == '(' || *text == '[')
			open[depth++] = result.count;
		else if ((*text == ')' || *text == ']') && depth > 0)
		{
			token->match = open[--depth];
			result.tokens[token->match].match = result.count;
		}
		result.count++;
		text = end;
	}
	pfree(open);
	return result;
}

/* Is the token equal to the given string? */
static bool
tokens_is(const CmigTokens *tokens, int i, const char *text)
{
	return i >= 0 && i < tokens->count && tokens->tokens[i].length == (int) strlen(text) &&
		strncmp(tokens->tokens[i].text, text, tokens->tokens[i].length) == 0;
}

static bool
same_token(const CmigToken *a, const CmigToken *b)
{
	return a->length == b->length && strncmp(a->text, b->text, a->length) == 0;
}

/*
 * Returns the next token, in either direction, that has not been removed; -1
 * if there is none.
 */
static int
tokens_neighbor(const CmigTokens *tokens, int i, int step)
{
	for (i += step; i >= 0 && i < tokens->count; i += step)
		if (!tokens->tokens[i].gone)
			return i;
	return -1;
}

/*
 * Remove the cast to a text type at this token, if there is one.  A cast with
 * a length is kept, because it truncates.
 */
static void
drop_cast(CmigTokens *tokens, int i)
{
	int			end = i + 2;

	if (!tokens_is(tokens, i, "::"))
		return;
	if (tokens_is(tokens, i + 1, "character") && tokens_is(tokens, i + 2, "varying"))
		end = i + 3;
	else if (!tokens_is(tokens, i + 1, "text"))
		return;
	if (tokens_is(tokens, end, "("))
		return;
	if (tokens_is(tokens, end, "[") && tokens_is(tokens, end + 1, "]"))
		end += 2;
	while (i < end)
		tokens->tokens[i++].gone = true;
}

/* Remove casts to text types from arrays and their elements. */
static void
drop_casts(CmigTokens *tokens)
{
	for (int i = 0; i + 1 < tokens->count; i++)
	{
		int			first = i,
					last = tokens->tokens[i + 1].match;

		if (!tokens_is(tokens, i, "ARRAY") || !tokens_is(tokens, i + 1, "[") || last < i)
			continue;
		for (int j = i + 2; j < last; j++)
			drop_cast(tokens, j);
		while (tokens_is(tokens, last + 1, ")") && tokens->tokens[last + 1].match == first - 1)
		{
			first--;
			last++;
		}
		drop_cast(tokens, last + 1);
	}
}

/* Is there a single operand between two parentheses? */
static bool
is_operand(const CmigTokens *tokens, int first, int last)
{
	const CmigToken *token = &tokens->tokens[first];

	if (first == last)
		return *token->text != '*';
	if (tokens_is(tokens, first, "ARRAY"))
		token = &tokens->tokens[tokens_neighbor(tokens, first, 1)];
	else if (*token->text != '(')
		return false;
	return (*token->text == '(' || *token->text == '[') && token->match == last;
}

/*
 * Do parentheses after this token belong to it, as with a function name or a
 * keyword?
 */
static bool
takes_parentheses(const CmigTokens *tokens, int i)
{
	static const char *const operators[] = {"AND", "OR", "NOT", "WHEN", "THEN", "ELSE", "CASE",
		"CHECK",
	"WHERE", "IS", "ON"};

	for (int j = 0; j < lengthof(operators); j++)
		if (tokens_is(tokens, i, operators[j]))
			return false;
	return i >= 0 && (tokens_is_word(*tokens->tokens[i].text) || *tokens->tokens[i].text == '"');
}

/* Remove parentheses around single operands. */
static void
drop_parentheses(CmigTokens *tokens)
{
	bool		changed = true;

	while (changed)
	{
		changed = false;
		for (int i = 0; i < tokens->count; i++)
		{
			CmigToken  *token = &tokens->tokens[i];
			int			first,
						last;

			if (token->gone || *token->text != '(' || token->match < i)
				continue;
			first = tokens_neighbor(tokens, i, 1);
			last = tokens_neighbor(tokens, token->match, -1);
			if (first > last || first == token->match || !is_operand(tokens, first, last) ||
				(takes_parentheses(tokens, tokens_neighbor(tokens, i, -1)) &&
				 *tokens->tokens[first].text != '('))
				continue;
			token->gone = tokens->tokens[token->match].gone = true;
			changed = true;
		}
	}
}

/*
 * Are all operands between the parenthesis at "open" and its match joined with
 * this connective, AND or OR?
 */
static bool
is_chain(const CmigTokens *tokens, int open, const char *connective)
{
	const char *other = strcmp(connective, "AND") == 0 ? "OR" : "AND";
	bool		found = false;
	int			i = tokens_neighbor(tokens, open, 1);

	if (tokens_is(tokens, i, "SELECT") || tokens_is(tokens, i, "WITH") ||
		tokens_is(tokens, i, "VALUES"))
		return false;
	for (; i >= 0 && i < tokens->tokens[open].match; i = tokens_neighbor(tokens, i, 1))
	{
		if (tokens_is(tokens, i, other))
			return false;
		found |= tokens_is(tokens, i, connective);
		if (tokens->tokens[i].match > i)
			i = tokens->tokens[i].match;
	}
	return found;
}

/*
 * Remove parentheses from "((a AND b) AND c)".  PostgreSQL prints such
 * parentheses for "a BETWEEN x AND y AND c", but not if it parses this output
 * and prints it again.
 */
static void
drop_chains(CmigTokens *tokens)
{
	for (int i = 0; i < tokens->count; i++)
	{
		CmigToken  *token = &tokens->tokens[i];
		int			before = tokens_neighbor(tokens, i, -1),
					after;

		if (token->gone || *token->text != '(' || token->match < i ||
			(before >= 0 && !tokens_is(tokens, before, "(")))
			continue;
		after = tokens_neighbor(tokens, token->match, 1);
		if ((tokens_is(tokens, after, "AND") && is_chain(tokens, i, "AND")) ||
			(tokens_is(tokens, after, "OR") && is_chain(tokens, i, "OR")))
			token->gone = tokens->tokens[token->match].gone = true;
	}
}

static bool
has_array(const CmigTokens *tokens)
{
	for (int i = 0; i < tokens->count; i++)
		if (tokens_is(tokens, i, "ARRAY") && tokens_is(tokens, i + 1, "["))
			return true;
	return false;
}

/* Normalize the tokens.  Removes casts only if "casts" is true. */
static void
normalize(CmigTokens *tokens, bool casts)
{
	if (casts)
		drop_casts(tokens);
	drop_parentheses(tokens);
	drop_chains(tokens);
}

/*
 * Do two printed expressions, or definitions with expressions, mean the same?
 */
static bool
normal_same(const char *a, const char *b)
{
	CmigTokens	left,
				right;
	int			i = -1,
				j = -1;
	bool		same = true;
	bool		casts;

	if (strcmp(a, b) == 0)
		return true;

	/*
	 * remove casts only if both expressions contain an array; otherwise, a
	 * cast such as note::text is a real difference
	 */
	left = tokens_cut(a);
	right = tokens_cut(b);
	casts = has_array(&left) && has_array(&right);
	normalize(&left, casts);
	normalize(&right, casts);
	while (same)
	{
		i = tokens_neighbor(&left, i, 1);
		j = tokens_neighbor(&right, j, 1);
		if (i < 0 || j < 0)
			break;
		same = same_token(&left.tokens[i], &right.tokens[j]);
	}
	pfree(left.tokens);
	pfree(right.tokens);
	return same && i < 0 && j < 0;
}

/*
 * Rewrites a printed expression, if possible, so that it is printed in the
 * same form after it has been reloaded.
 *
 * PostgreSQL prints "varchar IN ('a', 'b')" as "text = ANY
 * ((ARRAY[...])::text[])".  When PostgreSQL parses the latter, it casts each
 * element instead of the array.  If the cast of the array is left out,
 * PostgreSQL adds it again, so that the expression is printed in the same
 * form.
 */
char *
cmig_normal_reloadable(char *text)
{
	StringInfoData result;
	const char *copied = text;
	CmigTokens	tokens;

	if (strchr(text, '[') == NULL)
		return text;
	tokens = tokens_cut(text);
	initStringInfo(&result);
	for (int i = 3; i + 1 < tokens.count; i++)
	{
		const int	end = tokens.tokens[i + 1].match + 1;	/* ")" after the array */

		/* ANY ((ARRAY[..., x::character varying])::text[]) */
		if (!tokens_is(&tokens, i, "ARRAY") || !tokens_is(&tokens, i + 1, "[") || end <= i ||
			!(tokens_is(&tokens, i - 3, "ANY") || tokens_is(&tokens, i - 3, "ALL")) ||
			!tokens_is(&tokens, i - 1, "(") || tokens.tokens[i - 1].match != end ||
			!tokens_is(&tokens, end - 2, "varying") || !tokens_is(&tokens, end - 3, "character") ||
			!tokens_is(&tokens, end + 1, "::") || !tokens_is(&tokens, end + 2, "text") ||
			!tokens_is(&tokens, end + 3, "[") || tokens.tokens[i - 2].match != end + 5)
			continue;
		appendBinaryStringInfo(&result, copied, tokens.tokens[end].text + 1 - copied);
		copied = tokens.tokens[end + 5].text;
	}
	appendStringInfoString(&result, copied);
	return result.data;
}

/*
 * Replace the name "old" in a printed expression or definition, which may be
 * NULL.
 */
char *
cmig_normal_rename(char *text, const char *old, const char *new)
{
	return text ? cmig_text_replace(text, old, new) : NULL;
}

/* The first and the last token of an operand. */
typedef struct Operand
{
	int			first;
	int			last;
} Operand;

/* A comparison: "(left >= right)". */
typedef struct Comparison
{
	Operand		left;
	Operand		right;
} Comparison;

/*
 * Read the parenthesized comparison that begins at the token "open".  Returns
 * false if no comparison with this operator begins there.
 */
static bool
read_comparison(const CmigTokens *tokens, int open, const char *operator, Comparison *comparison)
{
	const int	close = open < tokens->count ? tokens->tokens[open].match : -1;

	if (close < open || !tokens_is(tokens, open, "("))
		return false;
	for (int i = open + 1; i < close; i++)
	{
		if (tokens_is(tokens, i, operator))
		{
			*comparison = (Comparison)
			{
				{
					open + 1, i - 1
				},
				{
					i + 1, close - 1
				}
			};
			return i > open + 1 && i < close - 1;
		}
		if (tokens->tokens[i].match > i)
			i = tokens->tokens[i].match;
	}
	return false;
}

/* Do both operands consist of the same tokens? */
static bool
same_operand(const CmigTokens *tokens, Operand a, Operand b)
{
	if (a.last - a.first != b.last - b.first)
		return false;
	for (int i = 0; i <= a.last - a.first; i++)
	{
		if (!same_token(&tokens->tokens[a.first + i], &tokens->tokens[b.first + i]))
			return false;
	}
	return true;
}

/*
 * Append the operand, in parentheses unless it is a value, a name, or a cast
 * of one of them.
 */
static void
append_operand(StringInfo buf, const CmigTokens *tokens, Operand operand)
{
	const CmigToken *last = &tokens->tokens[operand.last];
	const char *start = tokens->tokens[operand.first].text;
	const int	length = last->text + last->length - start;
	const bool	simple = operand.first == operand.last ||
	(operand.last == operand.first + 2 && tokens_is(tokens, operand.first + 1, "::"));

	appendStringInfo(buf, simple ? "%.*s" : "(%.*s)", length, start);
}

/*
 * If the parentheses at this token contain "(a >= b) AND (a <= c)", or "(a <
 * b) OR (a > c)" if "not" is true, append the expression with BETWEEN.
 * Otherwise return false.
 */
static bool
append_between(StringInfo buf, const CmigTokens *tokens, int open, bool not)
{
	Comparison	low,
				high;
	int			connective = open + 1 < tokens->count ? tokens->tokens[open + 1].match + 1 : 0;

	if (!tokens_is(tokens, connective, not ? "OR" : "AND") ||
		!read_comparison(tokens, open + 1, not ? "<" : ">=", &low) ||
		!read_comparison(tokens, connective + 1, not ? ">" : "<=", &high) ||
		tokens->tokens[connective + 1].match + 1 != tokens->tokens[open].match ||
		!same_operand(tokens, low.left, high.left))
		return false;
	appendStringInfoChar(buf, '(');
	append_operand(buf, tokens, low.left);
	appendStringInfoString(buf, not ? " NOT BETWEEN " : " BETWEEN ");
	append_operand(buf, tokens, low.right);
	appendStringInfoString(buf, " AND ");
	append_operand(buf, tokens, high.right);
	appendStringInfoChar(buf, ')');
	return true;
}

/*
 * If a dollar-quoted string begins at the token "i", returns the last token of
 * the string.  Otherwise returns "i".  A token may contain the delimiter and
 * the text next to it.
 */
static int
skip_dollars(const CmigTokens *tokens, int i)
{
	const CmigToken *token = &tokens->tokens[i];
	const char *end = *token->text == '$' ? strchr(token->text + 1, '$') : NULL;
	char	   *delimiter;
	const char *close;

	if (end == NULL)
		return i;
	delimiter = pnstrdup(token->text, end + 1 - token->text);
	for (close = end + 1; *close != '\0' && !cmig_text_begins(close, delimiter); close++)
		;
	while (i + 1 < tokens->count && tokens->tokens[i + 1].text <= close)
		i++;
	return i;
}

/*
 * Rewrites SQL, which may be NULL, so that PostgreSQL still prints its
 * expressions in the same form after the SQL has been executed.
 *
 * PostgreSQL prints "a BETWEEN 1 AND 9 AND b" as "((a >= 1) AND (a <= 9)) AND
 * b".  When PostgreSQL parses this output, it drops the inner parentheses, so
 * write BETWEEN again.
 */
const char *
cmig_between_restore(const char *sql)
{
	CmigTokens	tokens;
	StringInfoData result;
	const char *copied = sql;

	if (sql == NULL)
		return sql;
	tokens = tokens_cut(sql);
	initStringInfo(&result);
	for (int i = 1; i < tokens.count; i++)
	{
		const CmigToken *token = &tokens.tokens[i];
		int			length = result.len,
					close = token->match;

		i = skip_dollars(&tokens, i);
		if (close <= i || *token->text != '(' || !tokens_is(&tokens, i - 1, "("))
			continue;
		appendBinaryStringInfo(&result, copied, token->text - copied);
		if (!(tokens_is(&tokens, close + 1, "AND") && append_between(&result, &tokens, i, false)) &&
			!(tokens_is(&tokens, close + 1, "OR") && append_between(&result, &tokens, i, true)))
		{
			result.len = length;
			continue;
		}
		copied = tokens.tokens[close].text + 1;
		i = close;
	}
	appendStringInfoString(&result, copied);
	return result.data;
}

/* Objects */

const char *
cmig_quote(const char *identifier)
{
	return quote_identifier(identifier);
}

char *
cmig_literal(const char *text)
{
	return quote_literal_cstr(text);
}

CmigObject *
cmig_object_new(const CmigKind *kind, const char *name, const char *identity)
{
	CmigObject *object = palloc0(sizeof(CmigObject));

	object->kind = kind;
	object->values = palloc0(sizeof(char *) * Max(kind->nproperties, 1));
	object->name = pstrdup(name);
	object->identity = pstrdup(identity);
	return object;
}

CmigObject *
cmig_object_copy(const CmigObject *object)
{
	CmigObject *copy = palloc(sizeof(CmigObject));

	*copy = *object;
	return copy;
}

void
cmig_object_set(CmigObject *object, int property, char *value)
{
	Size		size = sizeof(char *) * object->kind->nproperties;
	char	  **values;

	if (object->values[property] == value)
		return;
	values = memcpy(palloc(size), object->values, size);
	values[property] = value;
	object->values = values;
}

const char *
cmig_object_index(const CmigObject *object)
{
	return object->kind->index > 0 ? object->values[object->kind->index - 1] : NULL;
}

const char *
cmig_object_title(const CmigObject *object)
{
	return object->kind == &cmig_kind_other ? object->identity :
		psprintf("%s %s", object->kind->name, object->identity);
}

CmigObject *
cmig_object_root(CmigObject *object)
{
	while (object->parent != NULL)
		object = object->parent;
	return object;
}

CmigObject *
cmig_object_child(const CmigObject *object, const CmigKind *kind, const char *name)
{
	CmigObject *child = object->child;

	while (child != NULL &&
		   (child->kind != kind || (name != NULL && strcmp(child->name, name) != 0)))
		child = child->sibling;
	return child;
}

bool
cmig_is_not_valid(const char *definition)
{
	size_t		length = strlen(definition);

	return length > strlen(" NOT VALID") &&
		strcmp(definition + length - strlen(" NOT VALID"), " NOT VALID") == 0;
}

char *
cmig_check_condition(const char *definition, const char **rest)
{
	definition += strlen("CHECK ");
	*rest = strrchr(definition, ')') + 1;
	return pnstrdup(definition, *rest - definition);
}

/* Lists such as "a, b", in which the order does not matter */

/*
 * Split a list at ", ", and sort it, to compare it with another list.  A comma
 * within a quoted value does no harm, because both lists are split in the same
 * places.
 */
static CmigNames
cut_list(const char *text)
{
	char	   *copy = pstrdup(text);
	CmigNames	items = {0, palloc(sizeof(char *) * (strlen(text) / 2 + 2))};

	for (char *next = copy; next != NULL;)
	{
		char	   *rest = unconstify(char *, cmig_text_after(next, ", "));

		if (rest != NULL)
			rest[-2] = '\0';
		items.names[items.count++] = next;
		next = rest;
	}
	cmig_names_sort(&items);
	return items;
}

bool
cmig_kind_same_value(const CmigProperty *property, const char *a, const char *b)
{
	if (property->flags & CMIG_PROPERTY_SILENT)
		return true;
	if (a == NULL || b == NULL)
		return a == b;
	if (strcmp(a, b) == 0)
		return true;
	if (property->flags & CMIG_PROPERTY_LIST)
	{
		CmigNames	left = cut_list(a),
					right = cut_list(b);

		return cmig_names_same(&left, &right);
	}
	if (property->flags & CMIG_PROPERTY_EXPRESSION)
		return normal_same(a, b);
	return false;
}

bool
cmig_object_same(const CmigObject *a, const CmigObject *b, int property)
{
	return cmig_kind_same_value(&a->kind->properties[property], a->values[property],
								b->values[property]);
}

bool
cmig_object_is_disposable(const CmigObject *object)
{
	return (object->kind->flags & CMIG_KIND_DISPOSABLE) != 0 ||
		(object->kind->is_disposable != NULL && object->kind->is_disposable(object));
}

/* Images: all objects of a set of schemas */

/* A hash table entry that maps an address to an object. */
typedef struct AddressEntry
{
	CmigAddress address;
	CmigObject *object;
} AddressEntry;

CmigImage *
cmig_image_new(void)
{
	CmigImage  *image = palloc0(sizeof(CmigImage));
	HASHCTL		control = {
		.keysize = sizeof(CmigAddress),.entrysize = sizeof(AddressEntry),
		.hcxt = CurrentMemoryContext
	};

	image->addresses = hash_create("pg_cmig image", 1024, &control,
								   HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	return image;
}

void
cmig_image_alias(CmigImage *image, CmigAddress address, CmigObject *object)
{
	AddressEntry *entry;
	bool		found;

	entry = hash_search(image->addresses, &address, HASH_ENTER, &found);
	if (!found)
		entry->object = object;
}

void
cmig_image_add(CmigImage *image, CmigObject *object)
{
	if (image->count == image->allocated)
	{
		image->allocated = Max(256, image->allocated * 2);
		image->objects = image->objects == NULL ?
			palloc(sizeof(CmigObject *) * image->allocated) :
			repalloc_huge(image->objects, sizeof(CmigObject *) * image->allocated);
	}
	image->objects[image->count++] = object;
	if (OidIsValid(object->address.catalog))
		cmig_image_alias(image, object->address, object);
	if (object->parent != NULL)
	{
		if (object->parent->child == NULL)
			object->parent->child = object;
		else
			object->parent->last_child->sibling = object;
		object->parent->last_child = object;
	}
}

CmigObject *
cmig_image_find_exactly(const CmigImage *image, CmigAddress address)
{
	AddressEntry *entry = hash_search(image->addresses, &address, HASH_FIND, NULL);

	return entry == NULL ? NULL : entry->object;
}

CmigObject *
cmig_image_find(const CmigImage *image, CmigAddress address)
{
	CmigObject *object = cmig_image_find_exactly(image, address);

	if (object == NULL && address.sub != 0)
	{
		address.sub = 0;
		object = cmig_image_find_exactly(image, address);
	}
	return object;
}

void
cmig_image_depend(CmigImage *image, CmigObject *object, CmigObject *on)
{
	if (object == on || object == NULL || on == NULL || object->parent == on)
		return;
	if (image->nedges == image->edges_allocated)
	{
		image->edges_allocated = Max(256, image->edges_allocated * 2);
		image->edges = image->edges == NULL ?
			palloc(sizeof(CmigImageEdge) * image->edges_allocated) :
			repalloc_huge(image->edges, sizeof(CmigImageEdge) * (Size) image->edges_allocated);
	}
	image->edges[image->nedges++] = (CmigImageEdge)
	{
		object, on
	};
	object->ndepends++;
}

void
cmig_object_follow(CmigObject *object, CmigObject *on)
{
	if (on == object)
		return;
	for (int i = 0; i < object->nsoft; i++)
		if (object->soft[i] == on)
			return;
	object->soft = object->soft == NULL ? palloc(sizeof(CmigObject *)) :
		repalloc(object->soft, sizeof(CmigObject *) * (object->nsoft + 1));
	object->soft[object->nsoft++] = on;
}

int
cmig_object_compare(const CmigObject *a, const CmigObject *b)
{
	if (a->kind != b->kind)
		return a->kind->place < b->kind->place ? -1 : 1;
	return strcmp(a->identity, b->identity);
}

static int
compare_pointers(const void *a, const void *b)
{
	return cmig_object_compare(*(CmigObject *const *) a, *(CmigObject *const *) b);
}

void
cmig_image_sort(CmigImage *image)
{
	if (image->count > 1)
		qsort(image->objects, image->count, sizeof(CmigObject *), compare_pointers);
	for (int i = 0; i < image->count; i++)
		image->objects[i]->index = i;
}

/* Remove the marked objects from an array of objects.  Returns the new length. */
static int
remove_marked(CmigObject **objects, int count, const bool *marked)
{
	int			kept = 0;

	for (int i = 0; i < count; i++)
		if (!marked[objects[i]->index])
			objects[kept++] = objects[i];
	return kept;
}

CmigImage *
cmig_image_remove(CmigImage *image, const bool *marked)
{
	CmigImage  *removed = cmig_image_new();
	HASH_SEQ_STATUS status;
	AddressEntry *entry;

	hash_seq_init(&status, image->addresses);
	while ((entry = hash_seq_search(&status)) != NULL)
		if (marked[entry->object->index])
		{
			cmig_image_alias(removed, entry->address, entry->object);
			(void) hash_search(image->addresses, &entry->address, HASH_REMOVE, NULL);
		}
	removed->objects = palloc_extended(sizeof(CmigObject *) * (Size) Max(image->count, 1),
									   MCXT_ALLOC_HUGE);
	for (int i = 0; i < image->count; i++)
	{
		CmigObject *object = image->objects[i];
		CmigObject **next = &object->child;
		int			kept;

		if (marked[i])
		{
			removed->objects[removed->count++] = object;
			continue;
		}
		kept = remove_marked(object->depends, object->ndepends, marked);
		object->partial |= kept < object->ndepends;
		object->ndepends = kept;
		object->nsoft = remove_marked(object->soft, object->nsoft, marked);
		object->last_child = NULL;
		while (*next != NULL)
		{
			if (marked[(*next)->index])
				*next = (*next)->sibling;
			else
			{
				object->last_child = *next;
				next = &(*next)->sibling;
			}
		}
	}
	image->count = remove_marked(image->objects, image->count, marked);
	cmig_image_sort(image);
	return removed;
}

void
cmig_image_alias_copies(const CmigImage *image, CmigImage *other, CmigObject *const *copies)
{
	HASH_SEQ_STATUS status;
	AddressEntry *entry;

	hash_seq_init(&status, image->addresses);
	while ((entry = hash_seq_search(&status)) != NULL)
		if (copies[entry->object->index] != NULL)
			cmig_image_alias(other, entry->address, copies[entry->object->index]);
}

CmigImage *
cmig_image_copy(const CmigImage *image)
{
	CmigImage  *result = cmig_image_new();
	CmigObject *copies = palloc_extended(sizeof(CmigObject) * (Size) Max(image->count, 1),
										 MCXT_ALLOC_HUGE);

#define COPY_OF(object) ((object) ? &copies[(object)->index] : NULL)

	for (int i = 0; i < image->count; i++)
	{
		const CmigObject *object = image->objects[i];
		CmigObject *copy = &copies[i];

		*copy = *object;
		copy->parent = copy->child = copy->last_child = copy->sibling = copy->family = NULL;
		copy->change = NULL;
		cmig_image_add(result, copy);
		copy->parent = COPY_OF(object->parent);
		copy->child = COPY_OF(object->child);
		copy->last_child = COPY_OF(object->last_child);
		copy->sibling = COPY_OF(object->sibling);
		copy->depends = palloc(sizeof(CmigObject *) * Max(object->ndepends, 1));
		for (int j = 0; j < object->ndepends; j++)
			copy->depends[j] = COPY_OF(object->depends[j]);
		copy->soft = palloc(sizeof(CmigObject *) * Max(object->nsoft, 1));
		for (int j = 0; j < object->nsoft; j++)
			copy->soft[j] = COPY_OF(object->soft[j]);
	}
	cmig_image_alias_copies(image, result, result->objects);
	result->excluded = image->excluded;
	result->casts = image->casts;
	result->all = image->all;
	return result;
}

/*
 * Returns those of an image's objects that another image has, too, given the latter's
 * object, or NULL, for each of the former.
 */
static CmigObject **
those_now(CmigObject *const *objects, int *count, CmigObject *const *now)
{
	CmigObject **result = palloc(sizeof(CmigObject *) * Max(*count, 1));
	int			kept = 0;

	for (int i = 0; i < *count; i++)
		if (now[objects[i]->index] != NULL)
			result[kept++] = now[objects[i]->index];
	*count = kept;
	return result;
}

CmigImage *
cmig_image_replace(const CmigImage *image, bool *marked, CmigImage *part)
{
	CmigImage  *result = cmig_image_new();
	CmigObject **copies = palloc_extended(sizeof(CmigObject *) * (Size) Max(image->count, 1),
										  MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	CmigObject **now = palloc_extended(sizeof(CmigObject *) * (Size) Max(image->count, 1),
									   MCXT_ALLOC_HUGE);

#define NOW(object) ((object) ? now[(object)->index] : NULL)

	for (int i = 0; i < part->count; i++)
	{
		CmigObject *same = cmig_image_find_exactly(image, part->objects[i]->address);

		if (same != NULL)
			marked[cmig_object_root(same)->index] = true;
	}
	for (int i = 0; i < image->count; i++)
	{
		CmigObject *object = image->objects[i];

		if (!marked[cmig_object_root(object)->index])
			copies[i] = cmig_object_copy(object);
		now[i] = copies[i] ? copies[i] : cmig_image_find_exactly(part, object->address);
	}
	for (int i = 0; i < image->count; i++)
	{
		const CmigObject *object = image->objects[i];
		CmigObject *copy = copies[i];

		if (copy == NULL)
			continue;
		copy->parent = NULL;
		cmig_image_add(result, copy);
		copy->parent = NOW(object->parent);
		copy->child = NOW(object->child);
		copy->last_child = NOW(object->last_child);
		copy->sibling = NOW(object->sibling);
		copy->depends = those_now(object->depends, &copy->ndepends, now);
		copy->soft = those_now(object->soft, &copy->nsoft, now);
	}
	cmig_image_alias_copies(image, result, copies);
	cmig_image_alias_copies(part, result, part->objects);
	for (int i = 0; i < part->count; i++)
		part->objects[i]->child = part->objects[i]->last_child = part->objects[i]->sibling = NULL;
	for (int i = 0; i < part->count; i++)
	{
		CmigObject *object = part->objects[i];
		const CmigObject *former = object->partial ?
		cmig_image_find_exactly(image, object->address) : NULL;
		CmigObject **depends;

		cmig_image_add(result, object);
		if (former == NULL)
			continue;
		/* what was not read may still be what it depends on */
		depends = palloc(sizeof(CmigObject *) * (object->ndepends + former->ndepends + 1));
		for (int j = 0; j < object->ndepends; j++)
			depends[j] = object->depends[j];
		for (int j = 0; j < former->ndepends; j++)
			if (copies[former->depends[j]->index] != NULL)
				depends[object->ndepends++] = copies[former->depends[j]->index];
		object->depends = depends;
	}
	result->casts = part->casts;
	result->all = image->all;
	cmig_image_sort(result);
	return result;
}

void
cmig_image_finish(CmigImage *image)
{
	/* the "depends" arrays of all objects are parts of a single array */
	CmigObject **depends = palloc_extended(sizeof(CmigObject *) * Max(image->nedges, 1),
										   MCXT_ALLOC_HUGE);

	cmig_image_sort(image);
	for (int i = 0; i < image->count; i++)
	{
		CmigObject *object = image->objects[i];

		object->depends = object->ndepends > 0 ? depends : NULL;
		depends += object->ndepends;
		object->ndepends = 0;
	}
	for (int i = 0; i < image->nedges; i++)
	{
		CmigObject *object = image->edges[i].object;

		object->depends[object->ndepends++] = image->edges[i].on;
	}
	if (image->edges != NULL)
		pfree(image->edges);
	image->edges = NULL;
	image->nedges = image->edges_allocated = 0;
	for (int i = 0; i < image->count; i++)
	{
		CmigObject *object = image->objects[i];

		if (object->ndepends < 2)
			continue;
		qsort(object->depends, object->ndepends, sizeof(CmigObject *), compare_pointers);
		object->ndepends = qunique(object->depends, object->ndepends,
								   sizeof(CmigObject *), compare_pointers);
	}
}

CmigObject *
cmig_image_lookup(const CmigImage *image, const CmigKind *kind, const char *identity)
{
	int			low = 0,
				high = image->count;

	while (low < high)
	{
		int			middle = low + (high - low) / 2;
		const CmigObject *object = image->objects[middle];
		int			order = object->kind == kind ? strcmp(object->identity, identity) :
		object->kind->place < kind->place ? -1 : 1;

		if (order == 0)
			return image->objects[middle];
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

CmigObject *
cmig_image_counterpart(const CmigImage *image, const CmigObject *object)
{
	return cmig_image_lookup(image, object->kind, object->identity);
}
