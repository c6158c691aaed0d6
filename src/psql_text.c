/*
 * psql_text.c
 *	  SQL texts as psql reads them.
 *
 * psql finds the same tokens as the server.  It differs in three things:
 * ":name" is a variable of its own, a line that begins with a backslash a
 * command of its own (no valid SQL has a backslash outside of quotes), and it
 * takes the body of a function written as BEGIN ATOMIC ... END for one
 * statement by counting words, which a name such as "begin" can mislead.
 */
#include "postgres.h"

#include "parser/parser.h"
#include "utils/builtins.h"

#include "lexer.h"
#include "psql_text.h"
#include "statement.h"

/* Words that psql counts at a statement's start. */
#define PSQL_FIRST_WORDS 4

/* psql's idea of a statement, as in its psqlscan.l. */
typedef struct PsqlState
{
	int			parens;
	int			words;
	char		first[PSQL_FIRST_WORDS];
	int			begins;
} PsqlState;

/* Feed a token; true if psql would send what it has. */
static bool
psql_next(PsqlState *state, const CmigLexer *lexer)
{
	static const char *const counted[] = {
		"create", "function", "procedure", "or", "replace", NULL
	};
	const char *first = state->first;

	if (lexer->type == CMIG_TOKEN_WORD)
	{
		if (state->words < PSQL_FIRST_WORDS && cmig_lexer_is_any_word(lexer, counted))
			state->first[state->words] = pg_ascii_tolower((unsigned char) *lexer->start);
		state->words++;
		if (first[0] == 'c' && state->parens == 0 &&
			(first[1] == 'f' || first[1] == 'p' ||
			 (first[1] == 'o' && first[2] == 'r' && (first[3] == 'f' || first[3] == 'p'))))
		{
			if (cmig_lexer_is_word(lexer, "begin"))
				state->begins++;
			else if (cmig_lexer_is_word(lexer, "case") && state->begins > 0)
				state->begins++;
			else if (cmig_lexer_is_word(lexer, "end") && state->begins > 0)
				state->begins--;
		}
	}
	else if (cmig_lexer_is_char(lexer, '('))
		state->parens++;
	else if (cmig_lexer_is_char(lexer, ')'))
		state->parens = Max(state->parens - 1, 0);
	else if (cmig_lexer_is_char(lexer, ';') && state->parens == 0 && state->begins == 0)
	{
		memset(state, 0, sizeof(PsqlState));
		return true;
	}
	return false;
}

/* Does the next word count, whatever it is? */
static inline bool
counts_words(const PsqlState *state)
{
	return state->words == 0 ||
		(state->words < PSQL_FIRST_WORDS && state->first[0] == 'c');
}

/*
 * Notes of the tokens that came before.
 */
typedef struct Look
{
	bool		after_cmig;		/* "cmig" */
	bool		after_dot;		/* "cmig" "." */
	bool		after_name;		/* "cmig" "." name */
} Look;

static inline bool
is_cmig(const CmigLexer *lexer)
{
	if (lexer->next - lexer->start > 6)
		return false;
	if (lexer->type == CMIG_TOKEN_QUOTED)
		return lexer->next - lexer->start == 6 && strncmp(lexer->start, "\"cmig\"", 6) == 0;
	return cmig_lexer_is_word(lexer, "cmig");
}

/* All words that is_cmig(), look() and psql_next() want once a statement has begun. */
static const char *const words_of_interest[] = {
	"begin", "cmig", "concurrently", "declare", "deferrable", "deferred", "pg_temp",
	"prepare", "standard_conforming_strings", "temp", "temporary", NULL
};

static inline bool
is_looking(const Look *look)
{
	return look->after_cmig || look->after_dot || look->after_name;
}

static void look_inside(const CmigLexer *lexer, const CmigLexerPass *pass,
						CmigPsqlFacts *facts);

static inline void
look(Look *look, const CmigLexer *lexer, const CmigLexerPass *pass, CmigPsqlFacts *facts)
{
	bool		after_cmig = look->after_cmig;
	bool		after_dot = look->after_dot;

	if (look->after_name && cmig_lexer_is_char(lexer, '('))
		facts->calls_cmig = true;
	look->after_cmig = look->after_dot = look->after_name = false;

	switch (lexer->type)
	{
		case CMIG_TOKEN_WORD:
		case CMIG_TOKEN_QUOTED:
			if (after_dot)
				look->after_name = true;
			else if (is_cmig(lexer))
				look->after_cmig = true;
			if (lexer->type == CMIG_TOKEN_QUOTED)
				break;
			switch (*lexer->start)
			{
				case 't':
				case 'T':
					if (cmig_lexer_is_word(lexer, "temp") || cmig_lexer_is_word(lexer, "temporary"))
						facts->temp_objects = true;
					break;
				case 'p':
				case 'P':
					if (cmig_lexer_is_word(lexer, "pg_temp"))
						facts->temp_objects = true;
					else if (cmig_lexer_is_word(lexer, "prepare"))
						facts->prepares = true;
					break;
				case 'd':
				case 'D':
					if (cmig_lexer_is_word(lexer, "declare"))
						facts->declares_cursor = true;
					else if (cmig_lexer_is_word(lexer, "deferrable") ||
							 cmig_lexer_is_word(lexer, "deferred"))
						facts->deferrable = true;
					break;
			}
			break;
		case CMIG_TOKEN_OPERATOR:
			look->after_dot = after_cmig && cmig_lexer_is_char(lexer, '.');
			break;
		case CMIG_TOKEN_DOLLAR:
			look_inside(lexer, pass, facts);
			break;
		default:
			break;
	}
}

/* A dollar quote may be the body of a function or DO block. */
static void
look_inside(const CmigLexer *lexer, const CmigLexerPass *pass, CmigPsqlFacts *facts)
{
	const char *from = strchr(lexer->start + 1, '$') + 1;
	int			tag = from - lexer->start;
	char	   *body;
	CmigLexer	inner;
	Look		noted = {0};
	bool		declares_cursor = facts->declares_cursor;

	if (lexer->unterminated || lexer->next - from < tag)
		return;
	body = pnstrdup(from, lexer->next - tag - from);
	cmig_lexer_init(&inner, body);
	while (cmig_lexer_next_sql(&inner) != CMIG_TOKEN_END && !inner.unterminated)
	{
		look(&noted, &inner, pass, facts);
		if (!is_looking(&noted))
			cmig_lexer_pass(pass, &inner);
	}
	/* a block's declarations, and its cursors, end with it */
	facts->declares_cursor = declares_cursor;
	pfree(body);
}

/* Would psql take the colon that the lexer stands on for a variable's? */
static inline bool
is_variable(const CmigLexer *lexer)
{
	char		next = *lexer->next;

	return cmig_lexer_is_char(lexer, ':') &&
		((next >= 'a' && next <= 'z') || (next >= 'A' && next <= 'Z') ||
		 (next >= '0' && next <= '9') || next == '_' || next == '\'' ||
		 next == '"' || next == '{' || IS_HIGHBIT_SET(next));
}

bool
cmig_psql_append(StringInfo to, const char *text, CmigPsqlFacts *facts)
{
	CmigLexer	lexer;
	CmigLexerPass pass;
	Look		noted = {0};
	PsqlState	psql = {0};
	CmigTopLevelScan scan = {true, false};
	int			length = to->len;
	int			parens = 0;
	const char *copied = text;
	bool		open = false;	/* a statement has begun */

	cmig_lexer_init(&lexer, text);
	cmig_lexer_pass_init(&pass, words_of_interest);
	while (cmig_lexer_next_sql(&lexer) != CMIG_TOKEN_END)
	{
		bool		sent = psql_next(&psql, &lexer);

		look(&noted, &lexer, &pass, facts);
		if (cmig_lexer_is_char(&lexer, '('))
			parens++;
		else if (cmig_lexer_is_char(&lexer, ')'))
			parens = Max(parens - 1, 0);
		open = !sent;

		/*
		 * What may need the top level, a word that makes psql count, a quote
		 * that does not end, a change of how strings are read: not by tokens
		 * alone.
		 */
		if (cmig_statement_scan(&scan, &lexer) || psql.begins > 0 ||
			(lexer.next - lexer.start == 27 &&
			 cmig_lexer_is_word(&lexer, "standard_conforming_strings")))
		{
			to->len = length;
			to->data[length] = '\0';
			return false;
		}
		if (is_variable(&lexer))
		{
			appendBinaryStringInfo(to, copied, lexer.next - copied);
			appendStringInfoChar(to, ' ');
			copied = lexer.next;
		}

		/* in the midst of a statement most tokens do not matter */
		if (!scan.at_start && !scan.after_verb && !is_looking(&noted) &&
			!counts_words(&psql))
			cmig_lexer_pass(&pass, &lexer);
	}
	if (parens > 0)
	{
		to->len = length;
		to->data[length] = '\0';
		return false;
	}
	appendStringInfoString(to, copied);
	if (to->len > length && to->data[to->len - 1] != '\n')
		appendStringInfoChar(to, '\n');
	if (open)
		appendStringInfoString(to, ";\n");
	return true;
}

/* Would psql send the statement, with a semicolon after it, as a whole? */
static bool
is_sent_whole(const char *statement)
{
	CmigLexer	lexer;
	PsqlState	psql = {0};

	cmig_lexer_init(&lexer, statement);
	lexer.standard_conforming_strings = standard_conforming_strings;
	while (cmig_lexer_next_sql(&lexer) != CMIG_TOKEN_END)
		if (psql_next(&psql, &lexer))
			return false;
	return psql.parens == 0 && psql.begins == 0;
}

void
cmig_psql_append_statement(StringInfo to, const char *statement, CmigPsqlFacts *facts)
{
	CmigLexer	lexer;
	CmigLexerPass pass;
	Look		noted = {0};
	const char *copied = statement;
	const char *end = statement;
	bool		whole = is_sent_whole(statement);

	cmig_lexer_pass_init(&pass, words_of_interest);
	cmig_lexer_init(&lexer, statement);
	lexer.standard_conforming_strings = standard_conforming_strings;
	while (cmig_lexer_next_sql(&lexer) != CMIG_TOKEN_END)
	{
		look(&noted, &lexer, &pass, facts);
		end = lexer.next;
		if (whole && is_variable(&lexer))
		{
			appendBinaryStringInfo(to, copied, lexer.next - copied);
			appendStringInfoChar(to, ' ');
			copied = lexer.next;
		}
	}
	if (whole)
	{
		appendStringInfoString(to, copied);
		appendStringInfoString(to, *end ? "\n;\n" : ";\n");	/* a comment may be its end */
	}
	else
	{
		StringInfoData body;

		initStringInfo(&body);
		appendStringInfoString(&body, "BEGIN\n\tEXECUTE ");
		cmig_psql_append_dollar_quoted(&body, statement);
		appendStringInfoString(&body, ";\nEND");
		cmig_psql_append_do(to, body.data);
		pfree(body.data);
	}
}

void
cmig_psql_append_comments(StringInfo to, const char *text, int length)
{
	char	   *copy = pnstrdup(text, length);
	CmigLexer	lexer;

	cmig_lexer_init(&lexer, copy);
	while (cmig_lexer_next(&lexer) != CMIG_TOKEN_END)
		if (lexer.type == CMIG_TOKEN_LINE_COMMENT ||
			(lexer.type == CMIG_TOKEN_BLOCK_COMMENT && !lexer.unterminated))
		{
			appendBinaryStringInfo(to, lexer.start, lexer.next - lexer.start);
			appendStringInfoChar(to, '\n');
		}
	pfree(copy);
}

void
cmig_psql_append_literal(StringInfo to, const char *text)
{
	if (strpbrk(text, "'\\") != NULL)
	{
		appendStringInfoString(to, quote_literal_cstr(text));
		return;
	}
	appendStringInfoChar(to, '\'');
	appendStringInfoString(to, text);
	appendStringInfoChar(to, '\'');
}

/*
 * Append text, between newlines if lines, as a dollar quote.
 */
static void
append_dollar_quoted(StringInfo to, const char *text, bool lines)
{
	char		tag[32] = "$cmig$";
	char		begin[32] = "$cmig";

	/* the text may also end in what begins the tag */
	for (int i = 1; strstr(text, begin); i++)
	{
		snprintf(tag, sizeof(tag), "$cmig%d$", i);
		snprintf(begin, sizeof(begin), "$cmig%d", i);
	}
	appendStringInfoString(to, tag);
	if (lines)
		appendStringInfoChar(to, '\n');
	appendStringInfoString(to, text);
	if (lines)
		appendStringInfoChar(to, '\n');
	appendStringInfoString(to, tag);
}

void
cmig_psql_append_dollar_quoted(StringInfo to, const char *text)
{
	append_dollar_quoted(to, text, false);
}

void
cmig_psql_append_do(StringInfo to, const char *body)
{
	appendStringInfoString(to, "DO ");
	append_dollar_quoted(to, body, true);
	appendStringInfoString(to, ";\n");
}
