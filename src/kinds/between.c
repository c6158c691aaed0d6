/*
 * between.c
 *	  Restores BETWEEN in printed SQL.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "kinds/between.h"
#include "kinds/tokens.h"

#include "lib/stringinfo.h"

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

	if (close < open || !cmig_tokens_is(tokens, open, "("))
		return false;
	for (int i = open + 1; i < close; i++)
	{
		if (cmig_tokens_is(tokens, i, operator))
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
		const CmigToken *left = &tokens->tokens[a.first + i],
				   *right = &tokens->tokens[b.first + i];

		if (left->length != right->length || strncmp(left->text, right->text, left->length) != 0)
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
	(operand.last == operand.first + 2 && cmig_tokens_is(tokens, operand.first + 1, "::"));

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

	if (connective <= open + 1 || !cmig_tokens_is(tokens, connective, not ? "OR" : "AND") ||
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
	close = strstr(end + 1, delimiter);
	while (close != NULL && i + 1 < tokens->count && tokens->tokens[i + 1].text <= close)
		i++;
	return close == NULL ? tokens->count - 1 : i;
}

/* Might the SQL contain an expression to be rewritten? */
static bool
is_candidate(const char *sql)
{
	return sql != NULL && (strstr(sql, "((") != NULL) &&
		((strstr(sql, " >= ") != NULL && strstr(sql, " <= ") != NULL && strstr(sql, ")) AND ") != NULL) ||
		 (strstr(sql, " < ") != NULL && strstr(sql, " > ") != NULL && strstr(sql, ")) OR ") != NULL));
}

const char *
cmig_between_restore(const char *sql)
{
	CmigTokens	tokens;
	StringInfoData result;
	const char *copied = sql;

	if (!is_candidate(sql))
		return sql;
	tokens = cmig_tokens_cut(sql);
	initStringInfo(&result);
	for (int i = 1; i < tokens.count; i++)
	{
		const CmigToken *token = &tokens.tokens[i];
		int			length = result.len,
					close = token->match;

		i = skip_dollars(&tokens, i);
		if (close <= i || *token->text != '(' || !cmig_tokens_is(&tokens, i - 1, "("))
			continue;
		appendBinaryStringInfo(&result, copied, token->text - copied);
		if (!(cmig_tokens_is(&tokens, close + 1, "AND") && append_between(&result, &tokens, i, false)) &&
			!(cmig_tokens_is(&tokens, close + 1, "OR") && append_between(&result, &tokens, i, true)))
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
