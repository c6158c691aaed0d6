/*
 * psql_text.c
 *	  Writes SQL text that psql and the server read in the same way.
 *
 * psql has its own lexer.  This lexer treats ":name" as a variable, and a
 * backslash outside of quotes as the start of a command.  (Valid SQL has no
 * backslash outside of quotes.)  The lexer finds the end of a BEGIN ATOMIC ...
 * END function body by counting words, so a name such as "begin" can mislead
 * it.
 *
 * A script must not be able to influence where psql sees the end of a quote:
 * text that psql wrongly treats as unquoted may be a shell command.  psql and
 * the server can differ in three cases.  In each of them, the text is written
 * in a form that both read in the same way:
 *
 * - A backslash in a plain string.  Its meaning depends on
 *   standard_conforming_strings, whose value psql learns from the server.  A
 *   function, or an error that rolls back, can change the setting without psql
 *   noticing.  Therefore, the string is written as an E string.
 * - A string that continues on another line.  psql lexes line by line and
 *   treats the rest as a new plain string.  Therefore, the parts are joined.
 * - Non-ASCII characters, whose meaning depends on client_encoding.  In some
 *   encodings, psql mistakes a quote for the second byte of a character.
 *   Therefore, the statement is preceded by one that sets the encoding.  That
 *   statement is on a separate line, because psql checks the encoding once for
 *   each line.
 *
 * Versions of psql also disagree about a token that follows a number without a
 * space.  The server's parser rejects such a token, so text that contains one
 * is left to the parser.
 *
 * psql splits its input into statements with its own lexer, replaces variables,
 * and runs commands that begin with a backslash.  The text that this module
 * appends means the same to psql and to the server, whatever the session's
 * settings are.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include <ctype.h>

#include "common/string.h"
#include "lib/stringinfo.h"
#include "parser/parser.h"
#include "utils/builtins.h"

#include "parse/internal.h"

/* Length of the longest escape in an E string: \U and its digits. */
#define LONGEST_ESCAPE 10

/* The number of words that psql examines at the start of a statement. */
#define PSQL_FIRST_WORDS 4

/* psql's state for finding the end of a statement; see psqlscan.l. */
typedef struct PsqlState
{
	int			parens;			/* number of open parentheses */
	int			words;			/* number of words so far */
	char		first[PSQL_FIRST_WORDS];	/* first letters of the words that
											 * psql knows: "cf", "corp", ... */
	int			begins;			/* number of open BEGINs and CASEs in a
								 * function's body */
} PsqlState;

/* Process a token.  Returns true if psql would send the text read so far. */
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

/* Does psql examine the next word? */
static inline bool
counts_words(const PsqlState *state)
{
	return state->words == 0 ||
		(state->words < PSQL_FIRST_WORDS && state->first[0] == 'c');
}

/*
 * The tokens before the current one, as far as they matter for finding calls
 * such as cmig.name().
 */
typedef struct Look
{
	bool		after_cmig;		/* was the last token "cmig"? */
	bool		after_dot;		/* were the last tokens "cmig" and "."? */
	bool		after_name;		/* were the last tokens "cmig", ".", and a
								 * name? */
} Look;

/* Is the token the schema name cmig, quoted or not? */
static inline bool
is_cmig(const CmigLexer *lexer)
{
	if (lexer->next - lexer->start > 6)
		return false;
	if (lexer->type == CMIG_TOKEN_QUOTED)
		return lexer->next - lexer->start == 6 && strncmp(lexer->start, "\"cmig\"", 6) == 0;
	return cmig_lexer_is_word(lexer, "cmig");
}

/* The words that this module looks for after the start of a statement. */
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

/* Record the facts that the current token reveals. */
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

/*
 * Look for CmigPsqlFacts in a dollar quote, which may be a function or DO
 * body.
 */
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

	/*
	 * ignore cursors declared in the dollar quote, which are closed when its
	 * block ends
	 */
	facts->declares_cursor = declares_cursor;
	pfree(body);
}

/* Is the token a colon that psql would treat as the start of a variable? */
static inline bool
is_variable(const CmigLexer *lexer)
{
	char		next = *lexer->next;

	return cmig_lexer_is_char(lexer, ':') &&
		((next >= 'a' && next <= 'z') || (next >= 'A' && next <= 'Z') ||
		 (next >= '0' && next <= '9') || next == '_' || next == '\'' ||
		 next == '"' || next == '{' || IS_HIGHBIT_SET(next));
}

/* Can the byte be part of a word? */
static inline bool
is_word_byte(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
		c == '_' || c == '$' || IS_HIGHBIT_SET(c);
}

/*
 * Does the token directly follow a number or parameter, without a space?  Or is
 * the token a parameter that is directly followed by something else?
 */
static inline bool
touches_number(const CmigLexer *lexer)
{
	const char *p = lexer->start;

	switch (lexer->type)
	{
		case CMIG_TOKEN_PARAM:
			return is_word_byte(*lexer->next);
		case CMIG_TOKEN_STRING:
		case CMIG_TOKEN_QUOTED:
		case CMIG_TOKEN_DOLLAR:
			while (p > lexer->text && is_word_byte(p[-1]))
				p--;
			return p < lexer->start && ((*p >= '0' && *p <= '9') || *p == '$');
		default:
			return false;
	}
}

/*
 * Strings
 */

static inline bool
has_backslash(const CmigLexer *lexer)
{
	return memchr(lexer->start, '\\', lexer->next - lexer->start) != NULL;
}

/* Can the string at the lexer continue on another line? */
static inline bool
may_continue(const CmigLexer *lexer)
{
	const char *p = lexer->next + strspn(lexer->next, " \t\f\v");

	return *p == '\n' || *p == '\r' || *p == '-';
}

/*
 * Append the text between the quotes of one part of a string.  The text of the
 * whole string begins at offset "from" of "to".  If the string has escapes,
 * make sure that the last escape of the previous part does not absorb the first
 * character of this part.
 */
static void
append_string_part(StringInfo to, int from, const CmigLexer *lexer, bool escapes,
				   bool double_backslashes)
{
	int			near = Min(to->len - from, LONGEST_ESCAPE);
	const char *p = (const char *) memchr(lexer->start, '\'', lexer->next - lexer->start) + 1;
	const char *end = lexer->next - 1;

	if (escapes && p < end && isxdigit((unsigned char) *p) &&
		memchr(to->data + to->len - near, '\\', near) != NULL)
		appendStringInfo(to, "\\%03o", (unsigned char) *p++);
	if (!double_backslashes)
	{
		appendBinaryStringInfo(to, p, end - p);
		return;
	}
	for (; p < end; p++)
	{
		if (*p == '\\')
			appendStringInfoChar(to, '\\');
		appendStringInfoChar(to, *p);
	}
}

/*
 * If psql might read a string differently from the server, append the text
 * before the string and then the string in a safe form.  The lexer is at the
 * string's first part, and is moved to its last part.  "copied" is the end of
 * the input that has already been appended.  Returns the new value of "copied".
 */
static const char *
append_string(StringInfo to, CmigLexer *lexer, const char *copied)
{
	bool		plain = lexer->string_kind == '\'' || lexer->string_kind == 'N';
	bool		backslash = has_backslash(lexer);
	bool		continues = false;
	bool		escapes;
	int			from;
	CmigLexer	part = *lexer;
	CmigLexer	last = *lexer;

	if (lexer->unterminated || (!may_continue(lexer) && !(plain && backslash)))
		return copied;
	while (cmig_lexer_next_sql(&part) == CMIG_TOKEN_STRING && part.continued)
	{
		if (part.unterminated)
		{
			/* leave an unterminated string to the caller */
			*lexer = part;
			return copied;
		}
		backslash |= has_backslash(&part);
		continues = true;
		last = part;
	}
	if (!continues && !(plain && backslash))
		return copied;

	appendBinaryStringInfo(to, copied, lexer->start - copied);
	if (lexer->string_kind == 'N')
		appendStringInfoString(to, "NCHAR ");
	else if (plain && backslash && lexer->start > lexer->text && is_word_byte(lexer->start[-1]))
		appendStringInfoChar(to, ' ');
	if (!plain)
		appendBinaryStringInfo(to, lexer->start, strcspn(lexer->start, "'"));
	else if (backslash)
		appendStringInfoChar(to, 'E');
	appendStringInfoChar(to, '\'');

	escapes = lexer->string_kind == 'E' ||
		(plain && backslash && !lexer->standard_conforming_strings);
	from = to->len;
	part = *lexer;
	for (;;)
	{
		append_string_part(to, from, &part, escapes, plain && backslash && !escapes);
		if (part.start == last.start)
			break;
		cmig_lexer_next_sql(&part);
	}
	appendStringInfoChar(to, '\'');
	*lexer = last;
	return last.next;
}

void
cmig_psql_pin(StringInfo to, int from, const char *pin)
{
	StringInfoData pinned;

	if (pg_is_ascii(to->data + from))
		return;
	from += strspn(to->data + from, " \t\r\n\f\v");
	initStringInfo(&pinned);
	if (from > 0 && to->data[from - 1] != '\n')
		appendStringInfoChar(&pinned, '\n');
	appendStringInfoString(&pinned, pin);
	appendStringInfoString(&pinned, to->data + from);
	to->len = from;
	appendBinaryStringInfo(to, pinned.data, pinned.len);
	pfree(pinned.data);
}

/*
 * Append the rest of a statement up to "end", pin the encoding, and append a
 * comment that follows on the same line.  "copied" is the end of the input that
 * has already been appended.  Returns the new value of "copied".
 */
static const char *
end_statement(StringInfo to, int *from, const char *copied, const char *end, const char *pin)
{
	const char *behind = end + strspn(end, " \t");

	appendBinaryStringInfo(to, copied, end - copied);
	cmig_psql_pin(to, *from, pin);
	if (behind[0] == '-' && behind[1] == '-')
	{
		behind += strcspn(behind, "\r\n");
		appendBinaryStringInfo(to, end, behind - end);
		end = behind;
	}
	*from = to->len;
	return end;
}

/*
 * Truncate "to" to the given length.  Always returns false, so that a caller
 * that fails can return this function's result.
 */
static bool
undo_append(StringInfo to, int length)
{
	to->len = length;
	to->data[length] = '\0';
	return false;
}

/* Is the token the setting name standard_conforming_strings? */
static bool
changes_strings(const CmigLexer *lexer)
{
	return lexer->next - lexer->start == strlen("standard_conforming_strings") &&
		cmig_lexer_is_word(lexer, "standard_conforming_strings");
}

/*
 * Append the rest of the input, and end the output with a newline.  The output
 * for this input begins at offset "length" of "to".  If "open" is true, also
 * append a semicolon to end the last statement.
 */
static void
append_rest(StringInfo to, int length, const char *rest, bool open)
{
	appendStringInfoString(to, rest);
	if (to->len > length && to->data[to->len - 1] != '\n')
		appendStringInfoChar(to, '\n');
	if (open)
		appendStringInfoString(to, ";\n");
}

/*
 * Returns the number of open parentheses after the current token.  "before" is
 * the number before the token.
 */
static int
open_parens(const CmigLexer *lexer, int before)
{
	if (cmig_lexer_is_char(lexer, '('))
		return before + 1;
	return cmig_lexer_is_char(lexer, ')') ? Max(before - 1, 0) : before;
}

bool
cmig_psql_append(StringInfo to, const char *text, const char *pin, CmigPsqlFacts *facts)
{
	CmigLexer	lexer;
	CmigLexerPass pass;
	Look		noted = {0};
	PsqlState	psql = {0};
	CmigTopLevelScan scan = {true, false};
	int			length = to->len;
	int			from = to->len;
	int			parens = 0;
	const char *copied = text;
	bool		ascii = pg_is_ascii(text);
	bool		open = false;	/* has a statement begun? */

	cmig_lexer_init(&lexer, text);
	cmig_lexer_pass_init(&pass, words_of_interest);
	while (cmig_lexer_next_sql(&lexer) != CMIG_TOKEN_END)
	{
		bool		sent = psql_next(&psql, &lexer);

		look(&noted, &lexer, &pass, facts);
		parens = open_parens(&lexer, parens);
		open = !sent;

		/*
		 * The text must be parsed if a statement might not be able to run in
		 * a transaction, if psql starts counting BEGINs, if a quote is
		 * unterminated, if versions of psql disagree about a token, or if the
		 * script changes how strings are read.
		 */
		if (touches_number(&lexer))
			return undo_append(to, length);
		if (lexer.type == CMIG_TOKEN_STRING)
			copied = append_string(to, &lexer, copied);
		if (cmig_statement_scan(&scan, &lexer) || psql.begins > 0 ||
			changes_strings(&lexer))
			return undo_append(to, length);
		if (is_variable(&lexer))
		{
			appendBinaryStringInfo(to, copied, lexer.next - copied);
			appendStringInfoChar(to, ' ');
			copied = lexer.next;
		}
		if (sent && !ascii)
			copied = end_statement(to, &from, copied, lexer.next, pin);

		/* skip tokens that do not matter inside a statement */
		if (!scan.at_start && !scan.after_verb && !is_looking(&noted) &&
			!counts_words(&psql))
			cmig_lexer_pass(&pass, &lexer);
	}
	if (parens > 0)
		return undo_append(to, length);
	append_rest(to, length, copied, open);
	if (!ascii)
		cmig_psql_pin(to, from, pin);
	return true;
}

/* Would psql send the statement in one piece if a semicolon followed it? */
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
	StringInfoData body;
	const char *copied = statement;
	const char *end = statement;
	bool		whole = is_sent_whole(statement);

	initStringInfo(&body);
	cmig_lexer_pass_init(&pass, words_of_interest);
	cmig_lexer_init(&lexer, statement);
	lexer.standard_conforming_strings = standard_conforming_strings;
	while (cmig_lexer_next_sql(&lexer) != CMIG_TOKEN_END)
	{
		look(&noted, &lexer, &pass, facts);
		if (lexer.type == CMIG_TOKEN_STRING)
			copied = append_string(&body, &lexer, copied);
		end = lexer.next;
		if (whole && is_variable(&lexer))
		{
			appendBinaryStringInfo(&body, copied, lexer.next - copied);
			appendStringInfoChar(&body, ' ');
			copied = lexer.next;
		}
	}
	appendStringInfoString(&body, copied);
	if (whole)
	{
		appendBinaryStringInfo(to, body.data, body.len);
		appendStringInfoString(to, *end ? "\n;\n" : ";\n"); /* on a separate line if
															 * the statement may end
															 * with a comment */
	}
	else
	{
		StringInfoData block;

		initStringInfo(&block);
		appendStringInfoString(&block, "BEGIN\n\tEXECUTE ");
		cmig_psql_append_dollar_quoted(&block, body.data);
		appendStringInfoString(&block, ";\nEND");
		cmig_psql_append_do(to, block.data);
		pfree(block.data);
	}
	pfree(body.data);
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
 * Append the text as a dollar-quoted string, between newlines if "lines" is
 * true.
 */
static void
append_dollar_quoted(StringInfo to, const char *text, bool lines)
{
	char		tag[32] = "$cmig$";
	char		begin[32] = "$cmig";

	/*
	 * choose a tag that does not occur in the text, not even without its last
	 * dollar sign
	 */
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
