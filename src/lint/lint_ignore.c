/*
 * lint_ignore.c
 *	  Reads comments that suppress cmig.lint rules.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "lint/lint_ignore.h"
#include "parse/lexer.h"

#include "parser/parser.h"

#define MARKER "cmig:ignore"

/* Rules that have different names in cmig.lint and in the linter squawk. */
static const struct
{
	const char *alias;
	const char *rule;
}			aliases[] =

{
	{"prefer-timestamptz", "prefer-timestamp-tz"},
	{"require-timeout-settings", "require-lock-timeout"},
	{"require-timeout-settings", "require-statement-timeout"},
};

bool
cmig_lint_ignore_is(const char *name, const char *rule)
{
	if (pg_strcasecmp(name, rule) == 0)
		return true;
	for (int i = 0; i < lengthof(aliases); i++)
	{
		if (strcmp(aliases[i].rule, rule) == 0 && pg_strcasecmp(aliases[i].alias, name) == 0)
			return true;
	}
	return false;
}

bool
cmig_lint_ignore_may_occur(const char *script)
{
	return strstr(script, MARKER) != NULL;
}

/* Add the name of a rule that the comment on line "line" suppresses. */
static List *
add_name(List *ignores, char *name, int line)
{
	CmigLintIgnore *ignore = palloc0(sizeof(CmigLintIgnore));

	ignore->name = name;
	ignore->line = line;
	return lappend(ignores, ignore);
}

/*
 * Add the rules that are named in a comment.  The list of rules ends at "--",
 * after which the comment can give a reason.  If the comment names no rule, add
 * an empty name.
 */
static List *
read_comment(List *ignores, const char *text, int length, int line)
{
	const char *end = text + length;
	const char *p = text + 2;	/* skip the comment marker */
	int			before = list_length(ignores);

	while (p < end && strchr(" \t\r\n", *p))
		p++;
	if (end - p < strlen(MARKER) || strncmp(p, MARKER, strlen(MARKER)) != 0)
		return ignores;
	p += strlen(MARKER);
	if (p < end && !strchr(" \t\r\n:", *p))
		return ignores;
	while (p < end)
	{
		int			skipped = strspn(p, " \t\r\n:,");
		int			name_length;

		p += skipped;
		name_length = strcspn(p, " \t\r\n:,*/");
		if (p >= end || name_length == 0 || strncmp(p, "--", 2) == 0)
			break;
		ignores = add_name(ignores, pnstrdup(p, Min(name_length, end - p)), line);
		p += name_length;
	}
	return list_length(ignores) > before ? ignores : add_name(ignores, "", line);
}

List *
cmig_lint_ignore_read(const char *script, int from, int to, int first_line)
{
	CmigLexer	lexer;
	List	   *ignores = NIL;

	cmig_lexer_init(&lexer, script);
	lexer.standard_conforming_strings = standard_conforming_strings;
	cmig_lexer_move(&lexer, script + from, first_line);
	while (cmig_lexer_next(&lexer) != CMIG_TOKEN_END && lexer.start < script + to)
	{
		if (lexer.type == CMIG_TOKEN_LINE_COMMENT || lexer.type == CMIG_TOKEN_BLOCK_COMMENT)
			ignores = read_comment(ignores, lexer.start, lexer.next - lexer.start, lexer.line);
	}
	return ignores;
}
