/*
 * placeholder.c
 *	  Replaces placeholders in other tools' scripts.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include <ctype.h>

#include "adopt/placeholder.h"
#include "base/errors.h"
#include "lib/stringinfo.h"
#include "parse/lexer.h"
#include "utils/builtins.h"

/*
 * Returns the value of the placeholder with this name, or NULL if it has none.
 */
static const char *
find_value(const CmigPlaceholders *placeholders, const char *name, int length)
{
	for (int i = 0; i < placeholders->count; i++)
	{
		const CmigPlaceholder *item = &placeholders->items[i];

		if (strlen(item->name) == length && strncmp(item->name, name, length) == 0)
			return item->value;
	}
	return NULL;
}

/*
 * Returns the value of a placeholder.  Raises MG013 if the placeholder has no
 * value.  "at" is the placeholder's position in the text.
 */
static const char *
require_value(const CmigPlaceholders *placeholders, const char *name, int length,
			  const char *text, const char *at, const char *file_name)
{
	const char *value = find_value(placeholders, name, length);
	int			line = 1;

	if (value)
		return value;
	for (const char *p = text; p < at; p++)
		line += *p == '\n';
	ereport(ERROR,
			(errcode(ERRCODE_CMIG_BAD_FILE),
			 errmsg("placeholder \"%.*s\" has no value", length, name),
			 errdetail("It is on line %d of a script in file \"%s\".", line, file_name),
			 errhint("Pass its value: placeholders => '{\"%.*s\": \"<value>\"}'", length, name)));
}

/*
 * If the placeholder with this name is to be kept, returns it; otherwise,
 * returns NULL.
 */
static CmigPlaceholder *
find_kept(const CmigPlaceholders *placeholders, const char *name, int length)
{
	for (int i = 0; i < placeholders->count; i++)
	{
		CmigPlaceholder *item = &placeholders->items[i];

		if (item->value == NULL && strlen(item->name) == length && strncmp(item->name, name, length) == 0)
			return item;
	}
	return NULL;
}

/*
 * Append a placeholder that is kept, and remove the quotes around it.  "after"
 * is the text after the placeholder.  Returns the start of the text that
 * remains to be copied.
 */
static const char *
append_kept(StringInfo to, CmigPlaceholder *kept, const char *after)
{
	char		quote = to->len > 0 ? to->data[to->len - 1] : '\0';
	bool		quoted = (quote == '\'' || quote == '"') && *after == quote && after[1] != quote &&
	(to->len == 1 || to->data[to->len - 2] != quote);

	if (quoted)
	{
		to->data[--to->len] = '\0';
		after++;
	}
	if (quoted && quote == '\'')
		kept->as_literal = true;
	else
		kept->as_identifier = true;
	appendStringInfo(to, "${%s}", kept->name);
	return after;
}

/* Returns the length of the name at p, or 0 if there is no name. */
static int
name_length(const char *p)
{
	int			length = 0;

	if (isdigit((unsigned char) *p))
		return 0;
	while (isalnum((unsigned char) p[length]) || p[length] == '_')
		length++;
	return length;
}

/*
 * Returns the value of ${name}, possibly with an operator, as in
 * ${name:-default}.  Returns NULL if there is no value.  "text" begins after
 * the opening brace.  On entry, *length is the length of the text up to the
 * closing brace.  If this text is valid, sets *length to the length of the
 * name.
 */
static const char *
environment_value(const CmigPlaceholders *placeholders, const char *text, int *length)
{
	int			name = name_length(text);
	const char *end = text + *length;
	const char *rest = text + name;
	const char *value;
	bool		colon = name > 0 && rest + 1 < end && rest[0] == ':' && rest[1] == '-';

	if (name == 0 || (!colon && rest < end && *rest != '-' && *rest != '?') || memchr(text, '$', *length))
		return find_value(placeholders, text, *length);
	value = find_value(placeholders, text, name);
	*length = name;
	if (rest == end || *rest == '?' || (value && (*value || !colon)))
		return value;
	rest += colon ? 2 : 1;
	return pnstrdup(rest, end - rest);
}

/*
 * Append the text from "start" to "end", with each ${name} replaced.  If
 * "environment" is true, ${name} can contain an operator, and each $name that
 * has a value is also replaced.
 */
static void
append_braces(StringInfo to, const CmigPlaceholders *placeholders, const char *text,
			  const char *start, const char *end, const char *file_name, bool environment)
{
	for (const char *p = start; p < end; p++)
	{
		CmigPlaceholder *kept;
		const char *value;
		int			length;
		int			inside;

		if (environment && p[0] == '$' && (value = find_value(placeholders, p + 1, name_length(p + 1))) != NULL &&
			p[1 + name_length(p + 1)] != '$')
		{
			appendStringInfoString(to, value);
			p += name_length(p + 1);
			continue;
		}
		if (p[0] != '$' || p + 1 == end || p[1] != '{')
		{
			appendStringInfoChar(to, *p);
			continue;
		}
		length = strcspn(p + 2, "}\n");
		if (p + 2 + length >= end || p[2 + length] != '}' || length == 0)
		{
			appendStringInfoChar(to, *p);
			continue;
		}
		inside = length;
		value = environment ? environment_value(placeholders, p + 2, &length) : find_value(placeholders, p + 2, length);
		kept = find_kept(placeholders, p + 2, length);
		if (kept)
		{
			p = append_kept(to, kept, p + 3 + inside) - 1;
			continue;
		}
		appendStringInfoString(to, value ? value : require_value(placeholders, p + 2, length, text, p, file_name));
		p += 2 + inside;
	}
}

/* Replace ${name} everywhere except in comments. */
static char *
fill(const CmigPlaceholders *placeholders, const char *text, const char *file_name, bool environment)
{
	StringInfoData result;
	CmigLexer	lexer;
	const char *done = text;

	initStringInfo(&result);
	cmig_lexer_init(&lexer, text);
	while (cmig_lexer_next(&lexer) != CMIG_TOKEN_END)
		if (lexer.type == CMIG_TOKEN_LINE_COMMENT || lexer.type == CMIG_TOKEN_BLOCK_COMMENT)
		{
			append_braces(&result, placeholders, text, done, lexer.start, file_name, environment);
			appendBinaryStringInfo(&result, lexer.start, lexer.next - lexer.start);
			done = lexer.next;
		}
	append_braces(&result, placeholders, text, done, text + strlen(text), file_name, environment);
	return result.data;
}

char *
cmig_placeholder_fill_braces(const CmigPlaceholders *placeholders, const char *text, const char *file_name)
{
	return fill(placeholders, text, file_name, false);
}

char *
cmig_placeholder_fill_environment(const CmigPlaceholders *placeholders, const char *text, const char *file_name)
{
	return fill(placeholders, text, file_name, true);
}

/* Append a quoted string, and replace the variables in it that have a value. */
static void
append_quoted(StringInfo to, const CmigPlaceholders *placeholders, const char *start, const char *end)
{
	for (const char *p = start; p < end; p++)
	{
		const char *value = NULL;
		int			length = 0;

		if (*p == ':' && (p == start || p[-1] != ':'))
		{
			length = name_length(p + 1);
			value = find_value(placeholders, p + 1, length);
		}
		if (value)
		{
			appendStringInfoString(to, value);
			p += length;
		}
		else
			appendStringInfoChar(to, *p);
	}
}

/*
 * Parse the psql variable that begins with this colon.  Sets *quote to the
 * variable's quote character or '\0'.  Returns false if there is no variable.
 */
static bool
find_variable(const char *colon, const char **name, int *length, char *quote)
{
	*quote = colon[1] == '\'' || colon[1] == '"' ? colon[1] : '\0';
	*name = colon + (*quote ? 2 : 1);
	*length = name_length(*name);
	return *length > 0 && (!*quote || (*name)[*length] == *quote);
}

char *
cmig_placeholder_fill_variables(const CmigPlaceholders *placeholders, const char *text,
								const char *file_name, bool everywhere)
{
	StringInfoData result;
	CmigLexer	lexer;
	const char *done = text;
	int			brackets = 0;

	initStringInfo(&result);
	cmig_lexer_init(&lexer, text);
	while (cmig_lexer_next(&lexer) != CMIG_TOKEN_END)
	{
		const char *name;
		const char *value;
		int			length;
		char		quote;

		if (everywhere && (lexer.type == CMIG_TOKEN_STRING || lexer.type == CMIG_TOKEN_DOLLAR || lexer.type == CMIG_TOKEN_QUOTED))
		{
			appendBinaryStringInfo(&result, done, lexer.start - done);
			append_quoted(&result, placeholders, lexer.start, lexer.next);
			done = lexer.next;
		}
		if (cmig_lexer_is_char(&lexer, '['))
			brackets++;
		else if (cmig_lexer_is_char(&lexer, ']'))
			brackets = Max(brackets - 1, 0);
		if (!cmig_lexer_is_char(&lexer, ':') || brackets > 0 || !find_variable(lexer.start, &name, &length, &quote))
			continue;
		value = require_value(placeholders, name, length, text, lexer.start, file_name);
		if (quote == '\'')
			value = quote_literal_cstr(value);
		else if (quote == '"')
			value = quote_identifier(value);
		appendBinaryStringInfo(&result, done, lexer.start - done);
		appendStringInfoString(&result, value);
		done = name + length + (quote ? 1 : 0);
		cmig_lexer_move(&lexer, done, lexer.line);
	}
	appendStringInfoString(&result, done);
	return result.data;
}
