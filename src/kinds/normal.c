/*
 * normal.c
 *	  Normalizes printed expressions so that they can be compared.
 *
 * An expression is split into tokens.  Casts of arrays and their elements to
 * text and varchar are removed, because PostgreSQL moves them between an
 * array and its elements when an expression is printed and parsed again.
 * Then parentheses around a single operand are removed, and those around the
 * first operands of a longer AND or OR.  Other parentheses that group operands
 * are kept.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "kinds/normal.h"
#include "kinds/tokens.h"

#include "lib/stringinfo.h"

/*
 * If the name of a text type begins at this token, returns the number of
 * tokens in the name.  Otherwise returns 0.
 */
static int
text_type(const CmigTokens *tokens, int i)
{
	int			start = i;

	if (cmig_tokens_is(tokens, i, "text"))
		i++;
	else if (cmig_tokens_is(tokens, i, "character") && cmig_tokens_is(tokens, i + 1, "varying"))
		i += 2;
	else
		return 0;
	if (cmig_tokens_is(tokens, i, "("))
		return 0;				/* a cast with a length is kept, because it
								 * truncates */
	if (cmig_tokens_is(tokens, i, "[") && cmig_tokens_is(tokens, i + 1, "]"))
		i += 2;
	return i - start;
}

/* Remove the cast to a text type at this token, if there is one. */
static void
drop_cast(CmigTokens *tokens, int i)
{
	int			length = cmig_tokens_is(tokens, i, "::") ? text_type(tokens, i + 1) : 0;

	for (int j = 0; length > 0 && j <= length; j++)
		tokens->tokens[i + j].gone = true;
}

/* Remove casts to text types from arrays and their elements. */
static void
drop_casts(CmigTokens *tokens)
{
	for (int i = 0; i + 1 < tokens->count; i++)
	{
		int			first = i,
					last = tokens->tokens[i + 1].match;

		if (!cmig_tokens_is(tokens, i, "ARRAY") || !cmig_tokens_is(tokens, i + 1, "[") || last < i)
			continue;
		for (int j = i + 2; j < last; j++)
			drop_cast(tokens, j);
		while (cmig_tokens_is(tokens, last + 1, ")") && tokens->tokens[last + 1].match == first - 1)
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
	if (*token->text == '(')
		return token->match == last;
	if (cmig_tokens_is(tokens, first, "ARRAY"))
	{
		int			bracket = cmig_tokens_neighbor(tokens, first, 1);

		return *tokens->tokens[bracket].text == '[' && tokens->tokens[bracket].match == last;
	}
	return false;
}

/*
 * Do parentheses after this token belong to it, as with a function name or a
 * keyword?
 */
static bool
takes_parentheses(const CmigTokens *tokens, int i)
{
	static const char *const operators[] = {"AND", "OR", "NOT", "WHEN", "THEN", "ELSE", "CASE", "CHECK",
	"WHERE", "IS", "ON"};

	if (i < 0)
		return false;
	if (!cmig_tokens_is_word(*tokens->tokens[i].text) && *tokens->tokens[i].text != '"')
		return false;
	for (int j = 0; j < lengthof(operators); j++)
		if (cmig_tokens_is(tokens, i, operators[j]))
			return false;
	return true;
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
			first = cmig_tokens_neighbor(tokens, i, 1);
			last = cmig_tokens_neighbor(tokens, token->match, -1);
			if (first > last || first == token->match || !is_operand(tokens, first, last) ||
				(takes_parentheses(tokens, cmig_tokens_neighbor(tokens, i, -1)) &&
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
	int			i = cmig_tokens_neighbor(tokens, open, 1);

	if (cmig_tokens_is(tokens, i, "SELECT") || cmig_tokens_is(tokens, i, "WITH") || cmig_tokens_is(tokens, i, "VALUES"))
		return false;
	for (; i >= 0 && i < tokens->tokens[open].match; i = cmig_tokens_neighbor(tokens, i, 1))
	{
		if (cmig_tokens_is(tokens, i, other))
			return false;
		found |= cmig_tokens_is(tokens, i, connective);
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
		int			before = cmig_tokens_neighbor(tokens, i, -1),
					after;

		if (token->gone || *token->text != '(' || token->match < i ||
			(before >= 0 && !cmig_tokens_is(tokens, before, "(")))
			continue;
		after = cmig_tokens_neighbor(tokens, token->match, 1);
		if ((cmig_tokens_is(tokens, after, "AND") && is_chain(tokens, i, "AND")) ||
			(cmig_tokens_is(tokens, after, "OR") && is_chain(tokens, i, "OR")))
			token->gone = tokens->tokens[token->match].gone = true;
	}
}

/* Returns the normalized tokens.  Removes casts only if "casts" is true. */
static CmigTokens
normal_tokens(const char *text, bool casts)
{
	CmigTokens	tokens = cmig_tokens_cut(text);

	if (casts)
		drop_casts(&tokens);
	drop_parentheses(&tokens);
	drop_chains(&tokens);
	return tokens;
}

bool
cmig_normal_same(const char *a, const char *b)
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
	casts = strstr(a, "ARRAY[") != NULL && strstr(b, "ARRAY[") != NULL;
	left = normal_tokens(a, casts);
	right = normal_tokens(b, casts);
	while (same)
	{
		i = cmig_tokens_neighbor(&left, i, 1);
		j = cmig_tokens_neighbor(&right, j, 1);
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
 * "p" points to the character after an opening bracket.  Returns the matching
 * closing bracket, or NULL if there is none.
 */
static const char *
closing_bracket(const char *p)
{
	for (int depth = 1; *p != '\0'; p = *p == '\'' ? cmig_tokens_skip_quoted(p, false) : p + 1)
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
 * element instead of the array.  If the cast of the array is left out,
 * PostgreSQL adds it again, so that the expression is printed in the same
 * form.
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
