/*
 * lint_source.c
 *	  Extracts and edits pieces of a statement's text for suggested fixes.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "lint/lint_source.h"
#include "parse/lexer.h"

#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "parser/parser.h"

/* Start reading the tokens of a string. */
static void
start(CmigLexer *lexer, const char *text)
{
	cmig_lexer_init(lexer, text);
	lexer->standard_conforming_strings = standard_conforming_strings;
}

/* Advance to the next occurrence of "word".  Returns false if there is none. */
static bool
find_word(CmigLexer *lexer, const char *word)
{
	while (cmig_lexer_next_sql(lexer) != CMIG_TOKEN_END)
	{
		if (cmig_lexer_is_word(lexer, word))
			return true;
	}
	return false;
}

/*
 * Returns a copy of the text from "from" to "to" without trailing white space.
 */
static char *
copy_trimmed(const char *from, const char *to)
{
	while (to > from && strchr(" \t\r\n", to[-1]))
		to--;
	return pnstrdup(from, to - from);
}

char *
cmig_lint_source_insert(const char *text, const char *after, const char *word)
{
	CmigLexer	lexer;

	start(&lexer, text);
	if (!find_word(&lexer, after))
		return pstrdup(text);
	return psprintf("%.*s %s%s", (int) (lexer.next - text), text, word, lexer.next);
}

char *
cmig_lint_source_extend(const char *text, const char *word, const char *suffix)
{
	CmigLexer	lexer;

	start(&lexer, text);
	if (!find_word(&lexer, word))
		return NULL;
	return psprintf("%.*s%s%s", (int) (lexer.next - text), text, suffix, lexer.next);
}

char *
cmig_lint_source_remove(const char *text, const char *word)
{
	CmigLexer	lexer;
	const char *rest;

	start(&lexer, text);
	if (!find_word(&lexer, word))
		return pstrdup(text);
	rest = lexer.next;
	while (*rest == ' ')
		rest++;
	if (*rest == '\0')
		return copy_trimmed(text, lexer.start);
	return psprintf("%.*s%s", (int) (lexer.start - text), text, rest);
}

bool
cmig_lint_source_has(const char *text, const char *word)
{
	CmigLexer	lexer;

	start(&lexer, text);
	return find_word(&lexer, word);
}

const char *
cmig_lint_source_behind_name(const char *text, int offset)
{
	CmigLexer	lexer;
	const char *behind;

	start(&lexer, text);
	cmig_lexer_move(&lexer, text + offset, 1);
	do
	{
		(void) cmig_lexer_next_sql(&lexer);
		behind = lexer.next;
		(void) cmig_lexer_next_sql(&lexer);
	} while (cmig_lexer_is_char(&lexer, '.'));
	return behind;
}

/* Process a token, updating the nesting depth of parentheses and brackets. */
static void
count_depth(const CmigLexer *lexer, int *depth)
{
	if (cmig_lexer_is_char(lexer, '(') || cmig_lexer_is_char(lexer, '['))
		(*depth)++;
	else if (cmig_lexer_is_char(lexer, ')') || cmig_lexer_is_char(lexer, ']'))
		(*depth)--;
}

/* Skip ALTER TABLE [IF EXISTS] [ONLY] name [*]. */
static void
skip_table(CmigLexer *lexer)
{
	cmig_lexer_next_sql(lexer); /* ALTER */
	do
	{
		cmig_lexer_next_sql(lexer); /* TABLE, FOREIGN TABLE, ... */
	} while (!cmig_lexer_is_word(lexer, "table") && !cmig_lexer_is_word(lexer, "view") &&
			 !cmig_lexer_is_word(lexer, "index") && !cmig_lexer_is_word(lexer, "sequence") &&
			 !cmig_lexer_is_word(lexer, "type") && lexer->type != CMIG_TOKEN_END);
	cmig_lexer_next_sql(lexer);
	if (cmig_lexer_is_word(lexer, "if"))
	{
		cmig_lexer_next_sql(lexer);
		cmig_lexer_next_sql(lexer);
	}
	if (cmig_lexer_is_word(lexer, "only"))
		cmig_lexer_next_sql(lexer);
	if (cmig_lexer_is_char(lexer, '('))
	{
		while (!cmig_lexer_is_char(lexer, ')') && lexer->type != CMIG_TOKEN_END)
			cmig_lexer_next_sql(lexer);
		cmig_lexer_next_sql(lexer);
		return;
	}
	cmig_lexer_next_sql(lexer);
	while (cmig_lexer_is_char(lexer, '.'))
	{
		cmig_lexer_next_sql(lexer);
		cmig_lexer_next_sql(lexer);
	}
	if (cmig_lexer_is_char(lexer, '*'))
		cmig_lexer_next_sql(lexer);
}

/* Create a piece that starts at byte "from" and ends before byte "to". */
static CmigLintPiece *
make_piece(int from, int to)
{
	CmigLintPiece *piece = palloc(sizeof(CmigLintPiece));

	piece->from = from;
	piece->to = to;
	return piece;
}

List *
cmig_lint_source_actions(const char *text)
{
	CmigLexer	lexer;
	List	   *result = NIL;
	const char *from;
	const char *end;
	int			depth = 0;

	start(&lexer, text);
	skip_table(&lexer);
	from = lexer.start;
	end = from;
	while (lexer.type != CMIG_TOKEN_END)
	{
		if (depth == 0 && cmig_lexer_is_char(&lexer, ','))
		{
			result = lappend(result, make_piece(from - text, end - text));
			cmig_lexer_next_sql(&lexer);
			from = lexer.start;
			continue;
		}
		count_depth(&lexer, &depth);
		end = lexer.next;
		cmig_lexer_next_sql(&lexer);
	}
	return lappend(result, make_piece(from - text, end - text));
}

char *
cmig_lint_source_from(const char *text, int offset, const char *const *words)
{
	CmigLexer	lexer;
	const char *end = text + offset;
	int			depth = 0;

	start(&lexer, text + offset);
	while (cmig_lexer_next_sql(&lexer) != CMIG_TOKEN_END)
	{
		if (depth == 0 && (cmig_lexer_is_char(&lexer, ',') || cmig_lexer_is_char(&lexer, ')') ||
						   (words && cmig_lexer_is_any_word(&lexer, words))))
			break;
		count_depth(&lexer, &depth);
		end = lexer.next;
	}
	return copy_trimmed(text + offset, end);
}

char *
cmig_lint_source_parenthesis(const char *text, int offset)
{
	CmigLexer	lexer;
	const char *from = NULL;
	int			depth = 0;

	start(&lexer, text + offset);
	while (cmig_lexer_next_sql(&lexer) != CMIG_TOKEN_END)
	{
		count_depth(&lexer, &depth);
		if (from == NULL && depth > 0)
			from = lexer.next;
		else if (from != NULL && depth == 0)
			return pnstrdup(from, lexer.start - from);
	}
	return pstrdup("");
}

/* Returns a quoted identifier without its quotes.  Returns "" for U&"...". */
static char *
unquote(const CmigLexer *lexer)
{
	StringInfoData name;
	const char *p = lexer->start;

	/* give up on U&"...", which may contain escapes */
	if (*p != '"')
		return pstrdup("");
	initStringInfo(&name);
	for (p++; p < lexer->next - 1; p++)
	{
		appendStringInfoChar(&name, *p);
		if (*p == '"')
			p++;
	}
	return name.data;
}

List *
cmig_lint_source_long_names(const char *text)
{
	CmigLexer	lexer;
	List	   *result = NIL;

	start(&lexer, text);
	while (cmig_lexer_next_sql(&lexer) != CMIG_TOKEN_END)
	{
		char	   *name;

		if ((lexer.type != CMIG_TOKEN_WORD && lexer.type != CMIG_TOKEN_QUOTED) ||
			lexer.next - lexer.start < NAMEDATALEN)
			continue;
		name = lexer.type == CMIG_TOKEN_WORD ? pnstrdup(lexer.start, lexer.next - lexer.start) : unquote(&lexer);
		if (strlen(name) >= NAMEDATALEN)
			result = lappend(result, name);
	}
	return result;
}
