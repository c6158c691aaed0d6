/*
 * substitute.c
 *	  Replaces declared placeholders, ${name}, in scripts.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/errors.h"
#include "parse/lexer.h"
#include "parse/substitute.h"

#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"

/* Characters that a value inside dollar quotes must not contain. */
#define NOT_IN_DOLLAR_QUOTES "\\\"'$@{}`\r\n"

/* A declared placeholder. */
typedef struct Placeholder
{
	char	   *name;
	int			length;
	bool		literal;
} Placeholder;

/* A script, and the placeholders that are replaced in it. */
typedef struct Substitution
{
	const char *owner;
	const char *what;
	int			count;
	Placeholder *placeholders;
	CmigSubstituteValue value;
	void	   *arg;
} Substitution;

/*
 * SQL text in which placeholders are replaced: the script, or the contents of a
 * dollar quote.
 */
typedef struct Region
{
	const Substitution *substitution;
	const char *text;
	int			line;			/* line number in the script where the text
								 * begins */
	bool		in_dollar_quotes;
	StringInfoData result;
	const char *copied;			/* end of the text copied so far */
} Region;

/* Declarations of placeholders */

static bool
is_name_char(char c)
{
	return (c >= 'a' && c <= 'z') || c == '_' || (c >= '0' && c <= '9');
}

bool
cmig_substitute_parse(const char *declaration, char **name, bool *literal)
{
	const char *p = declaration;
	const char *end;
	int			length;

	while (is_name_char(*p))
		p++;
	length = p - declaration;
	if (length == 0 || length >= NAMEDATALEN || (declaration[0] >= '0' && declaration[0] <= '9'))
		return false;
	end = p;
	end += strspn(end, " \t");
	*name = pnstrdup(declaration, length);
	*literal = end > p && strcmp(end, "literal") == 0;
	return *end == '\0' || *literal || (end > p && strcmp(end, "identifier") == 0);
}

/* Parse the declarations of placeholders. */
static void
parse_declarations(Substitution *substitution, const CmigNames *declarations)
{
	substitution->placeholders = palloc(sizeof(Placeholder) * declarations->count);
	for (int i = 0; i < declarations->count; i++)
	{
		Placeholder *placeholder = &substitution->placeholders[substitution->count++];

		if (!cmig_substitute_parse(declarations->names[i], &placeholder->name, &placeholder->literal))
			ereport(ERROR,
					(errcode(ERRCODE_CMIG_BAD_FILE),
					 errmsg("revision \"%s\" declares an invalid placeholder: \"%s\"",
							substitution->owner, declarations->names[i]),
					 errhint("Write a name that consists of lower-case letters, digits, and _. If the placeholder stands for a string instead of an identifier, add \"literal\" after its name.")));
		placeholder->length = strlen(placeholder->name);
	}
}

/*
 * Returns the declared placeholder that begins at p.  Returns NULL if there is
 * none.
 */
static const Placeholder *
find_placeholder(const Substitution *substitution, const char *p)
{
	if (p[0] != '$' || p[1] != '{')
		return NULL;
	for (int i = 0; i < substitution->count; i++)
	{
		const Placeholder *placeholder = &substitution->placeholders[i];

		if (strncmp(p + 2, placeholder->name, placeholder->length) == 0 &&
			p[2 + placeholder->length] == '}')
			return placeholder;
	}
	return NULL;
}

/*
 * Errors
 */

/* Returns the script line of a position in a region. */
static int
line_of(const Region *region, const char *p)
{
	int			line = region->line;

	for (const char *q = region->text; q < p; q++)
		line += *q == '\n';
	return line;
}

/* Raise an error for a placeholder that is not a separate token. */
static void
refuse_place(const Region *region, const Placeholder *placeholder, const char *p,
			 const char *problem, const char *hint)
{
	ereport(ERROR,
			(errcode(ERRCODE_CMIG_BAD_FILE),
			 errmsg("placeholder \"%s\" of revision \"%s\" %s", placeholder->name,
					region->substitution->owner, problem),
			 errdetail("It is on line %d of the %s script.", line_of(region, p), region->substitution->what),
			 errhint("%s", hint)));
}

/* Raise an error for a value that is too long for an identifier. */
static void
refuse_long(const Region *region, const Placeholder *placeholder, const char *p)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("the value of placeholder \"%s\" of revision \"%s\" is longer than %d bytes",
					placeholder->name, region->substitution->owner, NAMEDATALEN - 1),
			 errdetail("It is used as an identifier on line %d of the %s script.",
					   line_of(region, p), region->substitution->what),
			 errhint("SET cmig_var.%s = '<value>'", placeholder->name)));
}

/* Raise an error for a value that cannot be inserted in dollar quotes. */
static void
refuse_in_dollar_quotes(const Region *region, const Placeholder *placeholder, const char *p)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("the value of placeholder \"%s\" of revision \"%s\" cannot be inserted in dollar quotes",
					placeholder->name, region->substitution->owner),
			 errdetail("The value contains a quote, a backslash, a line break, or one of $ @ { }. The placeholder is on line %d of the %s script.",
					   line_of(region, p), region->substitution->what),
			 errhint("Inside the dollar quotes, read the value with current_setting('cmig_var.%s')", placeholder->name)));
}

/*
 * Values
 */

/* Returns the value as a quoted identifier or a string constant. */
static const char *
quoted_value(const Region *region, const Placeholder *placeholder, const char *p)
{
	const Substitution *substitution = region->substitution;
	const char *value = substitution->value(placeholder->name, placeholder->literal, substitution->arg);
	StringInfoData quoted;

	if (value == NULL)
		value = placeholder->name;
	if (region->in_dollar_quotes && strpbrk(value, NOT_IN_DOLLAR_QUOTES) != NULL)
		refuse_in_dollar_quotes(region, placeholder, p);
	if (placeholder->literal)
		return quote_literal_cstr(value);
	if (strlen(value) >= NAMEDATALEN)
		refuse_long(region, placeholder, p);

	/*
	 * quote every value, even one that needs no quotes, so that all values
	 * are treated alike
	 */
	initStringInfo(&quoted);
	appendStringInfoChar(&quoted, '"');
	for (; *value; value++)
	{
		if (*value == '"')
			appendStringInfoChar(&quoted, '"');
		appendStringInfoChar(&quoted, *value);
	}
	appendStringInfoChar(&quoted, '"');
	return quoted.data;
}

/*
 * Regions
 */

/*
 * Would the character "c" become part of a placeholder's value if it preceded
 * or followed the placeholder?
 */
static bool
touches(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
		c == '_' || c == '$' || c == '"' || c == '\'' || IS_HIGHBIT_SET(c);
}

/* Replace a placeholder, which must be a separate token. */
static void
replace(Region *region, CmigLexer *lexer, const char *p, const Placeholder *placeholder)
{
	const char *end = p + placeholder->length + 3;
	bool		unicode = p - region->text >= 2 && p[-1] == '&' && (p[-2] == 'U' || p[-2] == 'u');

	if (unicode || touches(*end) || (p > region->text && (touches(p[-1]) || p[-1] == '}')))
		refuse_place(region, placeholder, p, "is not separated from adjacent text",
					 "Put white space or an operator between the placeholder and the text, or use format() to build the text.");
	appendBinaryStringInfo(&region->result, region->copied, p - region->copied);
	appendStringInfoString(&region->result, quoted_value(region, placeholder, p));
	region->copied = end;
	cmig_lexer_move(lexer, end, lexer->line);
}

/* Raise an error for a placeholder inside a quoted string or identifier. */
static void
require_none(const Region *region, const char *start, const char *end)
{
	for (const char *p = start; p < end; p++)
	{
		const Placeholder *placeholder = find_placeholder(region->substitution, p);

		if (placeholder)
			refuse_place(region, placeholder, p, "is inside quotes",
						 placeholder->literal ?
						 "Remove the quotes: the value is quoted when it is inserted. Use format() to build a longer string." :
						 "Remove the quotes: the value is quoted when it is inserted. If the placeholder stands for a string, declare it as a literal.");
	}
}

static char *substitute(const Substitution *substitution, const char *text, int line, bool in_dollar_quotes);

/* Replace placeholders in a dollar quote, often a function body. */
static void
replace_in_body(Region *region, const CmigLexer *lexer)
{
	const char *start = strchr(lexer->start + 1, '$') + 1;
	int			delimiter = start - lexer->start;
	const char *end = lexer->next - delimiter;
	char	   *body = pnstrdup(start, end - start);
	char	   *changed = substitute(region->substitution, body, line_of(region, start), true);

	if (changed != body)
	{
		appendBinaryStringInfo(&region->result, region->copied, start - region->copied);
		appendStringInfoString(&region->result, changed);
		region->copied = end;
		pfree(changed);
	}
	pfree(body);
}

/*
 * Replace the placeholders in one token, or raise an error if they are not
 * allowed there.
 */
static void
take_token(Region *region, CmigLexer *lexer)
{
	const Placeholder *placeholder;
	const char *last = lexer->next - 1;

	switch (lexer->type)
	{
		case CMIG_TOKEN_STRING:
		case CMIG_TOKEN_QUOTED:
			require_none(region, lexer->start, lexer->next);
			break;
		case CMIG_TOKEN_DOLLAR:
			if (!lexer->unterminated)
				replace_in_body(region, lexer);
			break;
		case CMIG_TOKEN_LINE_COMMENT:
		case CMIG_TOKEN_BLOCK_COMMENT:
			break;
		default:

			/*
			 * look for a placeholder that begins at the token's last
			 * character, because the token may be a word that ends with a
			 * dollar sign
			 */
			placeholder = find_placeholder(region->substitution, last);
			if (placeholder)
				replace(region, lexer, last, placeholder);
			break;
	}
}

/*
 * Returns the text with its placeholders replaced.  Returns "text" itself if
 * there are none.
 */
static char *
substitute(const Substitution *substitution, const char *text, int line, bool in_dollar_quotes)
{
	Region		region = {substitution, text, line, in_dollar_quotes};
	CmigLexer	lexer;

	if (strstr(text, "${") == NULL)
		return unconstify(char *, text);
	check_stack_depth();
	initStringInfo(&region.result);
	region.copied = text;
	cmig_lexer_init(&lexer, text);
	while (cmig_lexer_next(&lexer) != CMIG_TOKEN_END)
		take_token(&region, &lexer);
	if (region.copied == text)
	{
		pfree(region.result.data);
		return unconstify(char *, text);
	}
	appendStringInfoString(&region.result, region.copied);
	return region.result.data;
}

/* Does the text contain the word, ignoring case? */
static bool
mentions(const char *text, const char *word)
{
	int			length = strlen(word);

	for (; *text; text++)
		if (pg_strncasecmp(text, word, length) == 0)
			return true;
	return false;
}

const char *
cmig_substitute_script(const char *script, const CmigNames *declarations, const char *owner,
					   const char *what, CmigSubstituteValue value, void *arg)
{
	Substitution substitution = {owner, what, 0, NULL, value, arg};
	char	   *result;

	if (script == NULL || declarations->count == 0 || strstr(script, "${") == NULL)
		return script;
	parse_declarations(&substitution, declarations);
	result = substitute(&substitution, script, 1, false);

	/*
	 * reject the script, because a change of this setting would change where
	 * quotes end
	 */
	if (result != script && mentions(script, "standard_conforming_strings"))
		ereport(ERROR,
				(errcode(ERRCODE_CMIG_BAD_FILE),
				 errmsg("the %s script of revision \"%s\" has placeholders and mentions standard_conforming_strings",
						what, owner),
				 errhint("Move the statements that need that setting to another revision.")));
	return result;
}
