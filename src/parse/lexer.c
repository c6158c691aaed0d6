/*
 * lexer.c
 *	  Splits SQL text into tokens, including comments.
 *
 * The rules are those of src/backend/parser/scan.l and are explained there.
 * If the server rejects a token (a number with trailing junk, or an operator
 * that is too long), the token's bounds found here do not matter, because the
 * server's parser receives the same text.  In all server encodings, an ASCII
 * byte is an ASCII character, so the text can be read byte by byte.
 *
 * The lexer finds the same tokens as the server's scanner, but also returns
 * comments.  Like cmig_raw_parse(), it reads strings as standard_conforming_strings = on
 * says, whatever the setting is.  Unlike the scanner, it does not allocate memory, copy the text, or
 * warn about long identifiers, and it raises no error but a cancellation.  The lexer is used
 * to split scripts into statements, to find the markers in revision files, and
 * to compute checksums.  Interpreting a statement is left to the server's
 * parser.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "miscadmin.h"

#include "parse/parse.h"

#define is_space(c) ((c) == ' ' || (c) == '\t' || (c) == '\n' || \
					 (c) == '\r' || (c) == '\f' || (c) == '\v')
#define is_digit(c) ((c) >= '0' && (c) <= '9')
#define is_word_start(c) (((c) >= 'a' && (c) <= 'z') || \
						  ((c) >= 'A' && (c) <= 'Z') || \
						  (c) == '_' || IS_HIGHBIT_SET(c))
#define is_word(c) (is_word_start(c) || is_digit(c) || (c) == '$')

/* can the character be part of a dollar quote's tag? */
#define is_tag(c) (is_word_start(c) || is_digit(c))

void
cmig_lexer_init(CmigLexer *lexer, const char *text)
{
	memset(lexer, 0, sizeof(CmigLexer));
	lexer->text = text;
	lexer->next = text;
	lexer->next_line = 1;
	lexer->type = CMIG_TOKEN_END;
	lexer->start = text;
	lexer->line = 1;
}

void
cmig_lexer_move(CmigLexer *lexer, const char *next, int line)
{
	lexer->next = next;
	lexer->next_line = line;
	lexer->string_kind = '\0';
	lexer->unterminated = false;
	lexer->signs = NULL;
	lexer->signs_end = NULL;
}

static inline bool
is_operator_char(char c)
{
	switch (c)
	{
		case '~':
		case '!':
		case '@':
		case '#':
		case '^':
		case '&':
		case '|':
		case '`':
		case '?':
		case '+':
		case '-':
		case '*':
		case '/':
		case '%':
		case '<':
		case '>':
		case '=':
			return true;
		default:
			return false;
	}
}

/* Set the type and the end of the current token. */
static inline CmigTokenType
finish(CmigLexer *lexer, CmigTokenType type, const char *end)
{
	lexer->type = type;
	/* only these tokens can span lines */
	if (type == CMIG_TOKEN_STRING || type == CMIG_TOKEN_QUOTED ||
		type == CMIG_TOKEN_DOLLAR || type == CMIG_TOKEN_BLOCK_COMMENT)
		for (const char *p = lexer->next; (p = memchr(p, '\n', end - p)) != NULL; p++)
			lexer->next_line++;
	lexer->next = end;
	return type;
}

/*
 * Lex a string or identifier whose opening quote is at p.  If "doubling" is
 * true, a doubled quote stands for a single one.  If "escapes" is true, a
 * backslash escapes the next character.
 */
static CmigTokenType
lex_quoted(CmigLexer *lexer, CmigTokenType type, const char *p, bool doubling,
		   bool escapes)
{
	char		quote = *p++;
	char		stop[3] = {quote, escapes ? '\\' : '\0', '\0'};

	for (;;)
	{
		p += strcspn(p, stop);
		if (*p == '\0')
			break;
		if (*p == '\\' && escapes)
		{
			p++;
			if (*p == '\0')
				break;
			p++;
		}
		else if (p[1] == quote && doubling)
			p += 2;
		else
			return finish(lexer, type, p + 1);
	}
	lexer->unterminated = true;
	return finish(lexer, type, p);
}

/* Lex a string.  "kind" is ' for a plain string; E, B, X, or N; or U for U&. */
static CmigTokenType
lex_string(CmigLexer *lexer, const char *quote, char kind)
{
	lex_quoted(lexer, CMIG_TOKEN_STRING, quote, kind != 'B' && kind != 'X', kind == 'E');
	lexer->string_kind = kind;
	lexer->newline_since = false;
	return lexer->type;
}

static CmigTokenType
lex_block_comment(CmigLexer *lexer)
{
	const char *p = lexer->start + 2;
	int			depth = 1;

	while (depth > 0)
	{
		p += strcspn(p, "*/");
		if (*p == '\0')
		{
			lexer->unterminated = true;
			break;
		}
		if (p[0] == '/' && p[1] == '*')
		{
			depth++;
			p += 2;
		}
		else if (p[0] == '*' && p[1] == '/')
		{
			depth--;
			p += 2;
		}
		else
			p++;
	}
	return finish(lexer, CMIG_TOKEN_BLOCK_COMMENT, p);
}

/* Lex a dollar quote, a parameter, or a stray dollar sign. */
static CmigTokenType
lex_dollar(CmigLexer *lexer)
{
	const char *p = lexer->start + 1;
	size_t		tag_length;

	if (is_digit(*p))
	{
		while (is_digit(*p))
			p++;
		return finish(lexer, CMIG_TOKEN_PARAM, p);
	}

	if (is_word_start(*p))
		while (is_tag(*p))
			p++;
	if (*p != '$')
		return finish(lexer, CMIG_TOKEN_OPERATOR, lexer->start + 1);

	/* the quote ends where its tag, with both dollar signs, occurs again */
	p++;
	tag_length = p - lexer->start;
	for (;;)
	{
		p = strchr(p, '$');
		if (p == NULL)
		{
			lexer->unterminated = true;
			p = lexer->start + strlen(lexer->start);
			break;
		}
		if (strncmp(p, lexer->start, tag_length) == 0)
		{
			p += tag_length;
			break;
		}
		p++;
	}
	return finish(lexer, CMIG_TOKEN_DOLLAR, p);
}

/*
 * Lex a number.  Letters that follow the digits are included, so that a number
 * in the format of a newer server (0x1F, 1_000) is also a single token.
 */
static CmigTokenType
lex_number(CmigLexer *lexer)
{
	const char *p = lexer->start;
	bool		decimal = !(p[0] == '0' && p[1] != '\0' &&
							strchr("xXoObB", p[1]) != NULL);
	bool		may_have_dot = true;

	for (;;)
	{
		if (is_tag(*p))
		{
			if (!is_digit(*p) && *p != '_')
				may_have_dot = false;
			p++;
		}
		else if (*p == '.' && may_have_dot && p[1] != '.')
		{
			may_have_dot = false;
			p++;
		}
		else if ((*p == '+' || *p == '-') && decimal && p > lexer->start &&
				 (p[-1] == 'e' || p[-1] == 'E') && is_digit(p[1]))
			p++;
		else
			break;
	}
	return finish(lexer, CMIG_TOKEN_NUMBER, p);
}

/* Lex an operator, or a character that is a token by itself. */
static CmigTokenType
lex_operator(CmigLexer *lexer)
{
	const char *start = lexer->start;
	int			length = 0;
	bool		special = false;

	if (!is_operator_char(*start))
	{
		/* a single character, "::", ":=", or ".." */
		length = 1;
		if ((start[0] == ':' && (start[1] == ':' || start[1] == '=')) ||
			(start[0] == '.' && start[1] == '.'))
			length = 2;
		return finish(lexer, CMIG_TOKEN_OPERATOR, start + length);
	}

	/*
	 * This is one of the + and - signs that follow an operator.  A previous
	 * call has found their end.  Searching for it again at each sign would
	 * take quadratic time.
	 */
	if (start >= lexer->signs && start < lexer->signs_end)
		return finish(lexer, CMIG_TOKEN_OPERATOR, start + 1);

	while (is_operator_char(start[length]) &&
		   !(start[length] == '-' && start[length + 1] == '-') &&
		   !(start[length] == '/' && start[length + 1] == '*'))
	{
		if (strchr("~!@#^&|`?%", start[length]) != NULL)
			special = true;
		length++;
	}

	/*
	 * A multi-character operator may end in + or - only if it contains a
	 * character that no standard SQL operator uses.
	 */
	lexer->signs_end = start + length;
	if (!special)
		while (length > 1 &&
			   (start[length - 1] == '+' || start[length - 1] == '-'))
			length--;
	lexer->signs = start + length;
	return finish(lexer, CMIG_TOKEN_OPERATOR, start + length);
}

/* Lex a word, or a string or identifier with a prefix such as E or U&. */
static CmigTokenType
lex_word(CmigLexer *lexer)
{
	const char *p = lexer->start;
	char		upper = pg_ascii_toupper((unsigned char) *p);

	if (p[1] == '\'' && strchr("EBXN", upper) != NULL)
		return lex_string(lexer, p + 1, upper);
	if (upper == 'U' && p[1] == '&' && p[2] == '\'')
		return lex_string(lexer, p + 2, 'U');
	if (upper == 'U' && p[1] == '&' && p[2] == '"')
		return lex_quoted(lexer, CMIG_TOKEN_QUOTED, p + 2, true, false);
	while (is_word(*p))
		p++;
	return finish(lexer, CMIG_TOKEN_WORD, p);
}

CmigTokenType
cmig_lexer_next(CmigLexer *lexer)
{
	const char *p = lexer->next;
	char		continues;

	/* what loops over a text, which a caller may give, can be canceled */
	CHECK_FOR_INTERRUPTS();
	while (is_space(*p))
	{
		if (*p == '\n' || *p == '\r')
			lexer->newline_since = true;
		if (*p == '\n')
			lexer->next_line++;
		p++;
	}

	lexer->next = p;
	lexer->start = p;
	lexer->line = lexer->next_line;
	lexer->unterminated = false;
	lexer->continued = false;

	/*
	 * a line comment can separate the parts of a string, but no other token
	 * can
	 */
	if (p[0] == '-' && p[1] == '-')
		return finish(lexer, CMIG_TOKEN_LINE_COMMENT, p + strcspn(p, "\r\n"));

	continues = lexer->newline_since ? lexer->string_kind : '\0';
	lexer->string_kind = '\0';

	if (*p == '\'')
	{
		if (continues)
			lexer->continued = true;
		return lex_string(lexer, p, continues ? continues : '\'');
	}
	if (is_word_start(*p))
		return lex_word(lexer);
	if (is_digit(*p) || (*p == '.' && is_digit(p[1])))
		return lex_number(lexer);

	switch (*p)
	{
		case '\0':
			return finish(lexer, CMIG_TOKEN_END, p);
		case '"':
			return lex_quoted(lexer, CMIG_TOKEN_QUOTED, p, true, false);
		case '$':
			return lex_dollar(lexer);
		case '/':
			if (p[1] == '*')
				return lex_block_comment(lexer);
			pg_fallthrough;
		default:
			return lex_operator(lexer);
	}
}

CmigTokenType
cmig_lexer_next_sql(CmigLexer *lexer)
{
	CmigTokenType type;

	do
	{
		type = cmig_lexer_next(lexer);
	} while ((type == CMIG_TOKEN_LINE_COMMENT ||
			  type == CMIG_TOKEN_BLOCK_COMMENT) && !lexer->unterminated);
	return type;
}

bool
cmig_lexer_compare_word(const CmigLexer *lexer, const char *word)
{
	size_t		length = strlen(word);

	return lexer->next - lexer->start == length &&
		pg_strncasecmp(lexer->start, word, length) == 0;
}

bool
cmig_lexer_is_any_word(const CmigLexer *lexer, const char *const *words)
{
	for (; *words != NULL; words++)
		if (cmig_lexer_is_word(lexer, *words))
			return true;
	return false;
}

const char *
cmig_lexer_type_name(const CmigLexer *lexer)
{
	switch (lexer->type)
	{
		case CMIG_TOKEN_STRING:
			return "quoted string";
		case CMIG_TOKEN_QUOTED:
			return "quoted identifier";
		case CMIG_TOKEN_DOLLAR:
			return "dollar-quoted string";
		case CMIG_TOKEN_BLOCK_COMMENT:
			return "/* comment";
		default:
			return "token";
	}
}
