/*
 * tokens.c
 *	  Splits printed SQL into tokens.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "kinds/tokens.h"

bool
cmig_tokens_is_word(unsigned char c)
{
	return c == '_' || c == '$' || c == '.' || IS_HIGHBIT_SET(c) ||
		(c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool
is_operator(unsigned char c)
{
	return c != '\0' && strchr("+-*/<>=~!@#%^&|`?:", c) != NULL;
}

const char *
cmig_tokens_skip_quoted(const char *p, bool escapes)
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
		return cmig_tokens_skip_quoted(p, false);
	if ((*p == 'E' || *p == 'B' || *p == 'X') && p[1] == '\'')
		return cmig_tokens_skip_quoted(p + 1, *p == 'E');
	while (*p == '"' || cmig_tokens_is_word(*p))
		p = *p == '"' ? cmig_tokens_skip_quoted(p, false) : p + 1;
	if (p > start)
		return p;
	while (is_operator(*p))
		p++;
	return p > start ? p : p + 1;
}

CmigTokens
cmig_tokens_cut(const char *text)
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

bool
cmig_tokens_is(const CmigTokens *tokens, int i, const char *text)
{
	return i >= 0 && i < tokens->count && tokens->tokens[i].length == (int) strlen(text) &&
		strncmp(tokens->tokens[i].text, text, tokens->tokens[i].length) == 0;
}

int
cmig_tokens_neighbor(const CmigTokens *tokens, int i, int step)
{
	for (i += step; i >= 0 && i < tokens->count; i += step)
		if (!tokens->tokens[i].gone)
			return i;
	return -1;
}
