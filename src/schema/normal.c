/*
 * normal.c
 *	  Normalizes printed expressions so that they can be compared.
 *
 * An expression is split into tokens.  Casts of arrays and their elements to
 * text and varchar are removed, because PostgreSQL moves them between an
 * array and its elements when an expression is printed and parsed again.
 * Then parentheses around a single operand are removed; parentheses that
 * group operands are kept.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "schema/normal.h"

#include "lib/stringinfo.h"

/* A token of an expression that is normalized. */
typedef struct Token
{
	const char *text;
	int			length;
	int			match;			/* index of the matching bracket; -1 for other
								 * tokens */
	bool		gone;
} Token;

/* All tokens of an expression. */
typedef struct Tokens
{
	int			count;
	Token	   *tokens;
} Tokens;

/* Can the character be part of a name or a number? */
static bool
is_word(unsigned char c)
{
	return c == '_' || c == '$' || c == '.' || IS_HIGHBIT_SET(c) ||
		(c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool
is_operator(unsigned char c)
{
	return c != '\0' && strchr("+-*/<>=~!@#%^&|`?:", c) != NULL;
}

/* Returns the end of a quoted identifier or string. */
static const char *
skip_quoted(const char *p, bool escapes)
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
		return skip_quoted(p, false);
	if ((*p == 'E' || *p == 'B' || *p == 'X') && p[1] == '\'')
		return skip_quoted(p + 1, *p == 'E');
	while (*p == '"' || is_word(*p))
		p = *p == '"' ? skip_quoted(p, false) : p + 1;
	if (p > start)
		return p;
	while (is_operator(*p))
		p++;
	return p > start ? p : p + 1;
}

/* Split a string into tokens, and match its brackets. */
static Tokens
cut(const char *text)
{
	Tokens		result = {0};
	int		   *open;
	int			depth = 0;

	result.tokens = palloc(sizeof(Token) * (strlen(text) + 1));
	open = palloc(sizeof(int) * (strlen(text) + 1));
	while (*text != '\0')
	{
		Token	   *token = &result.tokens[result.count];
		const char *end;

		if (strchr(" \t\r\n", *text) != NULL)
		{
			text++;
			continue;
		}
		end = skip_token(text);
		*token = (Token)
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
is(const Tokens *tokens, int i, const char *text)
{
	return i >= 0 && i < tokens->count && tokens->tokens[i].length == (int) strlen(text) &&
		strncmp(tokens->tokens[i].text, text, tokens->tokens[i].length) == 0;
}

/*
 * Returns the number of tokens in the name of a text type that begins at
 * this position, or 0 if there is none.
 */
static int
text_type(const Tokens *tokens, int i)
{
	int			start = i;

	if (is(tokens, i, "text"))
		i++;
	else if (is(tokens, i, "character") && is(tokens, i + 1, "varying"))
		i += 2;
	else
		return 0;
	if (is(tokens, i, "("))
		return 0;				/* a cast with a length is kept, because it
								 * truncates */
	if (is(tokens, i, "[") && is(tokens, i + 1, "]"))
		i += 2;
	return i - start;
}

/* Remove the cast to a text type at this place, if there is one. */
static void
drop_cast(Tokens *tokens, int i)
{
	int			length = is(tokens, i, "::") ? text_type(tokens, i + 1) : 0;

	for (int j = 0; length > 0 && j <= length; j++)
		tokens->tokens[i + j].gone = true;
}

/* Remove casts to text types from arrays and their elements. */
static void
drop_casts(Tokens *tokens)
{
	for (int i = 0; i + 1 < tokens->count; i++)
	{
		int			first = i,
					last = tokens->tokens[i + 1].match;

		if (!is(tokens, i, "ARRAY") || !is(tokens, i + 1, "[") || last < i)
			continue;
		for (int j = i + 2; j < last; j++)
			drop_cast(tokens, j);
		while (is(tokens, last + 1, ")") && tokens->tokens[last + 1].match == first - 1)
		{
			first--;
			last++;
		}
		drop_cast(tokens, last + 1);
	}
}

/*
 * Returns the next token, in either direction, that has not been removed; -1
 * if there is none.
 */
static int
neighbor(const Tokens *tokens, int i, int step)
{
	for (i += step; i >= 0 && i < tokens->count; i += step)
		if (!tokens->tokens[i].gone)
			return i;
	return -1;
}

/* Is there a single operand between two parentheses? */
static bool
is_operand(const Tokens *tokens, int first, int last)
{
	const Token *token = &tokens->tokens[first];

	if (first == last)
		return *token->text != '*';
	if (*token->text == '(')
		return token->match == last;
	if (is(tokens, first, "ARRAY"))
	{
		int			bracket = neighbor(tokens, first, 1);

		return *tokens->tokens[bracket].text == '[' && tokens->tokens[bracket].match == last;
	}
	return false;
}

/*
 * Do parentheses after this token belong to it, as with a function name or a
 * keyword?
 */
static bool
takes_parentheses(const Tokens *tokens, int i)
{
	static const char *const operators[] = {"AND", "OR", "NOT", "WHEN", "THEN", "ELSE", "CASE", "CHECK",
	"WHERE", "IS", "ON"};

	if (i < 0)
		return false;
	if (!is_word(*tokens->tokens[i].text) && *tokens->tokens[i].text != '"')
		return false;
	for (int j = 0; j < lengthof(operators); j++)
		if (is(tokens, i, operators[j]))
			return false;
	return true;
}

/* Remove parentheses around single operands. */
static void
drop_parentheses(Tokens *tokens)
{
	bool		changed = true;

	while (changed)
	{
		changed = false;
		for (int i = 0; i < tokens->count; i++)
		{
			Token	   *token = &tokens->tokens[i];
			int			first,
						last;

			if (token->gone || *token->text != '(' || token->match < i)
				continue;
			first = neighbor(tokens, i, 1);
			last = neighbor(tokens, token->match, -1);
			if (first > last || first == token->match || !is_operand(tokens, first, last) ||
				(takes_parentheses(tokens, neighbor(tokens, i, -1)) &&
				 *tokens->tokens[first].text != '('))
				continue;
			token->gone = tokens->tokens[token->match].gone = true;
			changed = true;
		}
	}
}

/* Returns the normalized tokens.  Removes casts only if "casts" is true. */
static Tokens
normal_tokens(const char *text, bool casts)
{
	Tokens		tokens = cut(text);

	if (casts)
		drop_casts(&tokens);
	drop_parentheses(&tokens);
	return tokens;
}

bool
cmig_normal_same(const char *a, const char *b)
{
	Tokens		left,
				right;
	int			i = -1,
				j = -1;
	bool		same = true;
	bool		casts;

	if (strcmp(a, b) == 0)
		return true;

	/*
	 * unless both contain an array, a cast such as note::text is a real
	 * difference
	 */
	casts = strstr(a, "ARRAY[") != NULL && strstr(b, "ARRAY[") != NULL;
	left = normal_tokens(a, casts);
	right = normal_tokens(b, casts);
	while (same)
	{
		i = neighbor(&left, i, 1);
		j = neighbor(&right, j, 1);
		if (i < 0 || j < 0)
			break;
		same = left.tokens[i].length == right.tokens[j].length &&
			strncmp(left.tokens[i].text, right.tokens[j].text, left.tokens[i].length) == 0;
	}
	pfree(left.tokens);
	pfree(right.tokens);
	return same && i < 0 && j < 0;
}

/*
 * Returns the bracket that closes a list of values, or NULL.  The argument
 * points to the character after the opening bracket.
 */
static const char *
closing_bracket(const char *p)
{
	for (int depth = 1; *p != '\0'; p = *p == '\'' ? skip_quoted(p, false) : p + 1)
	{
		if (*p == '[')
			depth++;
		else if (*p == ']' && --depth == 0)
			return p;
	}
	return NULL;
}

/*
 * PostgreSQL prints "varchar IN ('a', 'b')" as "text = ANY
 * ((ARRAY[...])::text[])".  When PostgreSQL parses the latter, it casts each
 * element instead of the array.  If the cast is left out, PostgreSQL adds it
 * again, so that the expression is printed in the same form.
 */
char *
cmig_normal_reloadable(char *text)
{
	static const char cast[] = "])::text[])",
				element[] = "::character varying",
				array[] = "((ARRAY[";
	StringInfoData result;
	const char *rest = text,
			   *found;

	if (strstr(text, cast) == NULL)
		return text;
	initStringInfo(&result);
	while ((found = strstr(rest, array)) != NULL)
	{
		const char *end = closing_bracket(found + strlen(array));

		appendBinaryStringInfo(&result, rest, found + strlen(array) - rest);
		rest = found + strlen(array);
		if (end == NULL || found - text < 4 ||
			(strncmp(found - 4, "ANY ", 4) != 0 && strncmp(found - 4, "ALL ", 4) != 0) ||
			strncmp(end, cast, strlen(cast)) != 0 || end - rest < (int) strlen(element) ||
			strncmp(end - strlen(element), element, strlen(element)) != 0)
			continue;
		appendBinaryStringInfo(&result, rest, end + 2 - rest);
		rest = end + strlen(cast) - 1;
	}
	appendStringInfoString(&result, rest);
	return result.data;
}

char *
cmig_normal_rename(char *text, const char *old, const char *new)
{
	StringInfoData result;
	char	   *found;

	if (text == NULL || strstr(text, old) == NULL)
		return text;
	initStringInfo(&result);
	while ((found = strstr(text, old)) != NULL)
	{
		appendBinaryStringInfo(&result, text, found - text);
		appendStringInfoString(&result, new);
		text = found + strlen(old);
	}
	appendStringInfoString(&result, text);
	return result.data;
}
