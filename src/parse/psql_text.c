/*
 * psql_text.c
 *	  Writes SQL text that psql and the server read in the same way.
 *
 * psql has its own lexer.  This lexer treats ":name" as a variable, and a
 * backslash outside of quotes as the start of a command.  (Valid SQL has no
 * backslash outside of quotes.)  The lexer finds the end of a BEGIN ATOMIC ...
 * END function body by counting words, so a name such as "begin" can mislead
 * it.  Therefore, a function with that word is created in a DO block.
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
 * The statements have been parsed, so they contain nothing else about which
 * psql and the server could disagree, such as a word that follows a number
 * without a space.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include <ctype.h>

#include "catalog/namespace.h"
#include "common/string.h"
#include "mb/pg_wchar.h"
#include "utils/lsyscache.h"

#include "parse/parse.h"

/* Length of the longest escape in an E string: \U and its digits. */
#define LONGEST_ESCAPE 10

/*
 * The tokens before the current one, as far as they matter for finding calls
 * such as cmig.name().
 */
typedef enum Look
{
	LOOK_NOTHING = 0,
	LOOK_CMIG,					/* the last token was "cmig" */
	LOOK_DOT,					/* the last tokens were "cmig" and "." */
	LOOK_NAME					/* the last tokens were "cmig", ".", and a
								 * name */
} Look;

static void look_inside(const CmigLexer *lexer, int tag, CmigPsqlFacts *facts);

bool
cmig_psql_is_relation(const char *name)
{
	Oid			schema = get_namespace_oid("cmig", true);

	return OidIsValid(schema) && OidIsValid(get_relname_relid(name, schema));
}

/* Record the facts that the current token reveals. */
static void
look(Look *look, const CmigLexer *lexer, CmigPsqlFacts *facts)
{
	Look		before = *look;
	bool		quoted = lexer->type == CMIG_TOKEN_QUOTED;

	if (before == LOOK_NAME && cmig_lexer_is_char(lexer, '('))
		facts->calls_cmig = true;
	*look = LOOK_NOTHING;
	if (lexer->type == CMIG_TOKEN_DOLLAR)
		look_inside(lexer, strchr(lexer->start + 1, '$') + 1 - lexer->start, facts);
	else if (before == LOOK_CMIG && cmig_lexer_is_char(lexer, '.'))
		*look = LOOK_DOT;
	if (lexer->type != CMIG_TOKEN_WORD && !quoted)
		return;
	if (before == LOOK_DOT)
	{
		*look = LOOK_NAME;
		if (!facts->calls_cmig)
			strlcpy(facts->called, lexer->start,
					pg_mbcliplen(lexer->start, lexer->next - lexer->start, NAMEDATALEN - 1) + 1);
		/* a table or view, as cmig.revision, and not a setting */
		facts->calls_cmig |= cmig_psql_is_relation(facts->called);
	}
	else if (quoted ? lexer->next - lexer->start == 6 && strncmp(lexer->start, "\"cmig\"", 6) == 0 :
			 cmig_lexer_is_word(lexer, "cmig"))
		*look = LOOK_CMIG;
	if (quoted)
		return;
	facts->temp_objects |= cmig_lexer_is_word(lexer, "temp") ||
		cmig_lexer_is_word(lexer, "temporary") || cmig_lexer_is_word(lexer, "pg_temp");
	facts->prepares |= cmig_lexer_is_word(lexer, "prepare");
	facts->declares_cursor |= cmig_lexer_is_word(lexer, "declare");
	facts->deferrable |= cmig_lexer_is_word(lexer, "deferrable") ||
		cmig_lexer_is_word(lexer, "deferred");
}

/*
 * Look for CmigPsqlFacts in a quote, which may be a function or DO body.  "tag" is
 * the length of what begins it.
 */
static void
look_inside(const CmigLexer *lexer, int tag, CmigPsqlFacts *facts)
{
	const char *from = lexer->start + tag;
	char	   *body;
	CmigLexer	inner;
	Look		noted = LOOK_NOTHING;
	bool		declares_cursor = facts->declares_cursor;

	if (lexer->unterminated || lexer->next - from < tag)
		return;
	body = pnstrdup(from, lexer->next - tag - from);
	cmig_lexer_init(&inner, body);
	while (cmig_lexer_next_sql(&inner) != CMIG_TOKEN_END && !inner.unterminated)
		look(&noted, &inner, facts);

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
		(cmig_is_word(next) || next == '\'' || next == '"' || next == '{');
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
	bool		backslash = memchr(lexer->start, '\\', lexer->next - lexer->start) != NULL;
	const char *behind = lexer->next + strspn(lexer->next, " \t\f\v");
	bool		escapes;
	int			from;
	CmigLexer	part = *lexer;
	CmigLexer	last = *lexer;

	/* can the string continue on another line? */
	if ((*behind != '\n' && *behind != '\r' && *behind != '-' && !(plain && backslash)))
		return copied;
	while (cmig_lexer_next_sql(&part) == CMIG_TOKEN_STRING && part.continued)
	{
		backslash |= memchr(part.start, '\\', part.next - part.start) != NULL;
		last = part;
	}
	if (last.start == lexer->start && !(plain && backslash))
		return copied;

	appendBinaryStringInfo(to, copied, lexer->start - copied);
	if (lexer->string_kind == 'N')
		appendStringInfoString(to, "NCHAR ");
	else if (plain && backslash && lexer->start > lexer->text &&
			 (cmig_is_word(lexer->start[-1]) || lexer->start[-1] == '$'))
		appendStringInfoChar(to, ' ');
	if (!plain)
		appendBinaryStringInfo(to, lexer->start, strcspn(lexer->start, "'"));
	else if (backslash)
		appendStringInfoChar(to, 'E');
	appendStringInfoChar(to, '\'');

	escapes = lexer->string_kind == 'E';
	from = to->len;
	for (part = *lexer;; cmig_lexer_next_sql(&part))
	{
		int			near = Min(to->len - from, LONGEST_ESCAPE);
		const char *p = (const char *) memchr(part.start, '\'', part.next - part.start) + 1;

		/*
		 * make sure that the last escape of the previous part does not absorb
		 * the first character of this part
		 */
		if (escapes && p < part.next - 1 && isxdigit((unsigned char) *p) &&
			memchr(to->data + to->len - near, '\\', near) != NULL)
			appendStringInfo(to, "\\%03o", (unsigned char) *p++);
		for (; p < part.next - 1; p++)
		{
			if (*p == '\\' && plain && !escapes)
				appendStringInfoChar(to, '\\');
			appendStringInfoChar(to, *p);
		}
		if (part.start == last.start)
			break;
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

/* Does the statement contain the unquoted word "begin"? */
static bool
has_begin(const char *statement)
{
	CmigLexer	lexer;

	cmig_lexer_init(&lexer, statement);
	while (cmig_lexer_next_sql(&lexer) != CMIG_TOKEN_END)
		if (cmig_lexer_is_word(&lexer, "begin"))
			return true;
	return false;
}

void
cmig_psql_append_statement(StringInfo to, const char *statement, bool function,
						   CmigPsqlFacts *facts)
{
	CmigLexer	lexer;
	Look		noted = LOOK_NOTHING;
	StringInfoData body;
	const char *copied = statement;
	const char *end = statement;
	bool		whole = !function || !has_begin(statement);

	initStringInfo(&body);
	cmig_lexer_init(&lexer, statement);
	while (cmig_lexer_next_sql(&lexer) != CMIG_TOKEN_END)
	{
		look(&noted, &lexer, facts);
		if (function && lexer.type == CMIG_TOKEN_STRING && lexer.start[0] == '\'')
			look_inside(&lexer, 1, facts);
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
cmig_psql_append_dollar_quoted(StringInfo to, const char *text)
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
	appendStringInfoString(to, text);
	appendStringInfoString(to, tag);
}

void
cmig_psql_append_do(StringInfo to, const char *body)
{
	char	   *lines = psprintf("\n%s\n", body);

	appendStringInfoString(to, "DO ");
	cmig_psql_append_dollar_quoted(to, lines);
	appendStringInfoString(to, ";\n");
	pfree(lines);
}

int
cmig_psql_append_line_comment(StringInfo out, const char *behind)
{
	const char *comment = behind + strspn(behind, " \t;");
	int			length = strcspn(comment, "\r\n");

	if (comment[0] != '-' || comment[1] != '-' || out->data[out->len - 1] != '\n')
		return 0;
	out->data[out->len - 1] = ' ';
	appendBinaryStringInfo(out, comment, length);
	appendStringInfoChar(out, '\n');
	return comment + length - behind;
}
