/*
 * script.c
 *	  Scripts: statements, and placeholders in them.
 *
 * A placeholder, ${name}, stands for an identifier if it is declared as "name"
 * or "name identifier", and for a string if it is declared as "name literal".
 * Each value is quoted, so it is always a single identifier or a single string.
 * Undeclared placeholders and all comments are left unchanged.  Dollar quotes
 * may contain code in another language, so a value inserted in a dollar quote
 * must not contain characters that could be special in that language.
 *
 * A script is split at the semicolons that end statements, and each piece is
 * parsed separately by the server's parser.  Therefore, only one parse tree is
 * in memory at a time, and a parser error refers to a single statement.  A
 * semicolon does not end a statement inside parentheses (as in rules) or inside
 * a function's BEGIN ATOMIC ... END body.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include <ctype.h>

#include "mb/pg_wchar.h"
#include "utils/builtins.h"

#include "base/errors.h"
#include "parse/parse.h"

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

bool
cmig_substitute_parse(const char *declaration, char **name, bool *literal)
{
	int			length = strspn(declaration, "abcdefghijklmnopqrstuvwxyz_0123456789");
	const char *p = declaration + length;
	const char *end = p + strspn(p, " \t");

	if (length == 0 || length >= NAMEDATALEN || (declaration[0] >= '0' && declaration[0] <= '9'))
		return false;
	*name = pnstrdup(declaration, length);
	*literal = end > p && strcmp(end, "literal") == 0;
	return *end == '\0' || *literal || (end > p && strcmp(end, "identifier") == 0);
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
			 errdetail("It is on line %d of the %s script.", line_of(region, p),
					   region->substitution->what),
			 cmig_hint("%s", hint)));
}

/* Returns the value as a quoted identifier or a string constant. */
static const char *
quoted_value(const Region *region, const Placeholder *placeholder, const char *p)
{
	const Substitution *substitution = region->substitution;
	const char *value = substitution->value ?
	substitution->value(placeholder->name, placeholder->literal, substitution->arg) : NULL;
	StringInfoData quoted;

	if (value == NULL)
		value = placeholder->name;
	if (region->in_dollar_quotes && strpbrk(value, NOT_IN_DOLLAR_QUOTES) != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the value of placeholder \"%s\" of revision \"%s\" cannot be inserted in dollar quotes",
						placeholder->name, substitution->owner),
				 errdetail("The value contains a quote, a backslash, a line break, or one of $ @ { }. The placeholder is on line %d of the %s script.",
						   line_of(region, p), substitution->what),
				 errhint("Inside the dollar quotes, read the value with current_setting('cmig_var.%s')", placeholder->name)));
	if (placeholder->literal)
		return quote_literal_cstr(value);
	if (strlen(value) >= NAMEDATALEN)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the value of placeholder \"%s\" of revision \"%s\" is longer than %d bytes",
						placeholder->name, substitution->owner, NAMEDATALEN - 1),
				 errdetail("It is used as an identifier on line %d of the %s script.",
						   line_of(region, p), substitution->what),
				 cmig_hint("`SET cmig_var.%s = '<value>'`", placeholder->name)));

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
 * Would the character "c" become part of a placeholder's value if it preceded
 * or followed the placeholder?
 */
static bool
touches(char c)
{
	return cmig_is_word(c) || c == '$' || c == '"' || c == '\'';
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
	{
		const Placeholder *placeholder;
		const char *start;
		const char *end;
		char	   *body;
		char	   *changed;

		switch (lexer.type)
		{
			case CMIG_TOKEN_STRING:
			case CMIG_TOKEN_QUOTED:
				for (const char *p = lexer.start; p < lexer.next; p++)
					if ((placeholder = find_placeholder(substitution, p)) != NULL)
						refuse_place(&region, placeholder, p, "is inside quotes",
									 placeholder->literal ?
									 "Remove the quotes: the value is quoted when it is inserted. Use format() to build a longer string." :
									 "Remove the quotes: the value is quoted when it is inserted. If the placeholder stands for a string, declare it as a literal.");
				break;
			case CMIG_TOKEN_DOLLAR:
				if (lexer.unterminated)
					break;
				/* the text between the delimiters is often a function body */
				start = strchr(lexer.start + 1, '$') + 1;
				end = lexer.next - (start - lexer.start);
				body = pnstrdup(start, end - start);
				changed = substitute(substitution, body, line_of(&region, start), true);
				if (changed != body)
				{
					appendBinaryStringInfo(&region.result, region.copied, start - region.copied);
					appendStringInfoString(&region.result, changed);
					region.copied = end;
					pfree(changed);
				}
				pfree(body);
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
				placeholder = find_placeholder(substitution, lexer.next - 1);
				if (placeholder)
					replace(&region, &lexer, lexer.next - 1, placeholder);
				break;
		}
	}
	if (region.copied == text)
	{
		pfree(region.result.data);
		return unconstify(char *, text);
	}
	appendStringInfoString(&region.result, region.copied);
	return region.result.data;
}

const char *
cmig_substitute_script(const char *script, const CmigNames *declarations, const char *owner,
					   const char *what, CmigSubstituteValue value, void *arg)
{
	Substitution substitution = {owner, what, 0, NULL, value, arg};

	if (script == NULL || declarations->count == 0 || strstr(script, "${") == NULL)
		return script;
	substitution.count = declarations->count;
	substitution.placeholders = palloc(sizeof(Placeholder) * declarations->count);
	for (int i = 0; i < declarations->count; i++)
	{
		Placeholder *placeholder = &substitution.placeholders[i];

		if (!cmig_substitute_parse(declarations->names[i], &placeholder->name,
								   &placeholder->literal))
			ereport(ERROR,
					(errcode(ERRCODE_CMIG_BAD_FILE),
					 errmsg("revision \"%s\" declares an invalid placeholder: \"%s\"",
							owner, declarations->names[i]),
					 errhint("Write a name that consists of lower-case letters, digits, and _. If the placeholder stands for a string instead of an identifier, add \"literal\" after its name.")));
		placeholder->length = strlen(placeholder->name);
	}
	return substitute(&substitution, script, 1, false);
}

/*
 * Statements
 */

/* A script that is being read, and the position in it. */
struct CmigScriptReader
{
	const char *source;
	CmigLexer	lexer;			/* positioned after the statement that was
								 * read last */
	int			number;			/* number of the statement that was read last */
};

/* The location of a statement in the script, found from the tokens alone. */
typedef struct Piece
{
	const char *start;			/* first token; NULL at the end of the script */
	int			line;
	const char *end;			/* after the last token or the semicolon */
	bool		has_semicolon;
	const char *backslash;		/* a psql meta-command, or NULL */
	const char *atomic;			/* the word ATOMIC before a function's body,
								 * or NULL */
	bool		open;			/* true if the script ends inside a function's
								 * body */
	CmigLexer	body;			/* lexer state after ATOMIC */
	CmigLexer	behind;			/* lexer state after the piece */
} Piece;

/*
 * Hints for psql meta-commands.  The first match counts; a trailing * matches
 * any number of characters.
 */
static const struct
{
	const char *command;
	const char *hint;
}			meta_commands[] =

{
	{"i", "Put the text of the included file into the script."},
	{"ir", "Put the text of the included file into the script."},
	{"include*", "Put the text of the included file into the script."},
	{"copy", "Use INSERT, or COPY with a file on the server."},
	{".", "Use INSERT instead of COPY ... FROM STDIN; pg_dump writes it with --inserts."},
	{"c", "Remove it; the script runs in the current database."},
	{"connect", "Remove it; the script runs in the current database."},
	{"echo", "Remove it, or use RAISE NOTICE in a DO block."},
	{"warn", "Remove it, or use RAISE WARNING in a DO block."},
	{"g*", "End the statement with a semicolon; a DO block can use a query's result."},
	{"set*", "Use a DO block with variables, or set_config()"},
	{"if", "Use IF in a DO block."},
	{"el*", "Use IF in a DO block."},
	{"endif", "Use IF in a DO block."},
	{"restrict", "Remove it; pg_dump writes this line for psql."},
	{"unrestrict", "Remove it; pg_dump writes this line for psql."},
};

CmigScriptReader *
cmig_script_open(const char *source)
{
	CmigScriptReader *script = palloc0(sizeof(CmigScriptReader));

	script->source = source;
	cmig_lexer_init(&script->lexer, source);
	return script;
}

void
cmig_script_close(CmigScriptReader *script)
{
	pfree(script);
}

/* Read tokens to find the next statement, and move the lexer past it. */
static void
find_piece(CmigLexer *lexer, Piece *piece)
{
	bool		is_create = false;	/* does the statement begin with CREATE? */
	int			parens = 0;		/* number of open parentheses */
	int			atomic_depth = 0;	/* number of open BEGIN ATOMICs, plus open
									 * CASEs in the body */
	bool		after_begin = false;	/* was the last token BEGIN? */
	bool		after_label = false;	/* was the last token AS or a dot, so
										 * that CASE or END is a name? */

	memset(piece, 0, sizeof(Piece));
	while (cmig_lexer_next_sql(lexer) != CMIG_TOKEN_END)
	{
		bool		was_begin = after_begin;
		bool		is_label = after_label;

		if (piece->start == NULL && cmig_lexer_is_char(lexer, ';'))
			continue;			/* an empty statement */
		if (piece->start == NULL)
		{
			piece->start = lexer->start;
			piece->line = lexer->line;
			is_create = cmig_lexer_is_word(lexer, "create");
		}
		piece->end = lexer->next;
		after_begin = false;
		after_label = cmig_lexer_is_char(lexer, '.');

		if (lexer->type == CMIG_TOKEN_WORD && atomic_depth > 0)
		{
			if (is_label)
				continue;
			if (cmig_lexer_is_word(lexer, "case"))
				atomic_depth++;
			else if (cmig_lexer_is_word(lexer, "end"))
				atomic_depth--;
			else
				after_label = cmig_lexer_is_word(lexer, "as");
		}
		else if (lexer->type == CMIG_TOKEN_WORD)
		{
			if (!is_create || parens > 0)
				continue;
			after_begin = cmig_lexer_is_word(lexer, "begin");
			if (was_begin && cmig_lexer_is_word(lexer, "atomic"))
			{
				atomic_depth = 1;
				piece->atomic = lexer->start;
				piece->body = *lexer;
			}
		}
		else if (cmig_lexer_is_char(lexer, '('))
			parens++;
		else if (cmig_lexer_is_char(lexer, ')'))
			parens = Max(parens - 1, 0);
		else if (cmig_lexer_is_char(lexer, '\\') &&
				 (isalpha((unsigned char) *lexer->next) ||
				  (*lexer->next && strchr(".!?", *lexer->next))))
		{
			/* the parser raises a syntax error for any other backslash */
			piece->backslash = lexer->start;
			break;
		}
		else if (cmig_lexer_is_char(lexer, ';') && parens == 0 && atomic_depth == 0)
		{
			piece->has_semicolon = true;
			break;
		}
	}
	piece->open = atomic_depth > 0;
	piece->behind = *lexer;
}

/*
 * Set the piece's end to the next semicolon after an END, because the function
 * may end there.  The lexer must be in the function's body.  Returns false if
 * the script ends first.
 */
static bool
find_possible_end(CmigLexer *lexer, Piece *piece)
{
	bool		after_end = false;

	while (cmig_lexer_next_sql(lexer) != CMIG_TOKEN_END &&
		   !(after_end && cmig_lexer_is_char(lexer, ';')))
		after_end = cmig_lexer_is_word(lexer, "end");
	if (lexer->type == CMIG_TOKEN_END)
		return false;
	piece->end = lexer->next;
	piece->has_semicolon = true;
	piece->open = false;
	piece->behind = *lexer;
	return true;
}

/* Raise an error for a psql meta-command in the piece. */
static void
refuse_meta_command(const CmigStatement *statement, const Piece *piece)
{
	const char *name = piece->backslash + 1;
	int			length = strcspn(name, " \t\r\n\f;\\");
	const char *hint = "Remove it, or replace it with equivalent SQL.";

	for (int i = 0; i < lengthof(meta_commands); i++)
	{
		const char *command = meta_commands[i].command;
		int			command_length = strlen(command);
		bool		prefix = command[command_length - 1] == '*';

		if (prefix)
			command_length--;
		if ((prefix ? length >= command_length : length == command_length) &&
			strncmp(command, name, command_length) == 0)
		{
			hint = meta_commands[i].hint;
			break;
		}
	}
	length = pg_mbcliplen(name, length, 40);
	ereport(ERROR,
			(errcode(ERRCODE_SYNTAX_ERROR),
			 errmsg("psql meta-command \"\\%.*s\" cannot run in the server",
					length, name),
			 errdetail("Commands that begin with a backslash are run by psql; a script must contain only SQL."),
			 cmig_hint("%s", hint),
			 errposition(pg_mbstrlen_with_len(statement->text,
											  piece->backslash - piece->start) + 1)));
}

/*
 * Parse a function whose end was found by counting CASE and END.  The count can
 * be wrong if one of these words is a column label without AS.  Therefore, as
 * long as the parser needs more text than the piece contains, the next possible
 * end is tried.
 */
static List *
parse_atomic(CmigScriptReader *script, CmigStatement *statement, Piece *piece)
{
	MemoryContext context = CurrentMemoryContext;
	CmigLexer	candidates = piece->open ? piece->body : piece->behind;

	if (piece->open)
		(void) find_possible_end(&candidates, piece);

	for (;;)
	{
		List	   *volatile parsed = NIL;
		ErrorData  *volatile error = NULL;
		char	   *text = pnstrdup(piece->start, piece->end - piece->start);

		statement->text = text;
		PG_TRY();
		{
			parsed = cmig_raw_parse(text, RAW_PARSE_DEFAULT);
		}
		PG_CATCH();
		{
			MemoryContextSwitchTo(context);
			error = CopyErrorData();
			if (error->sqlerrcode != ERRCODE_SYNTAX_ERROR)
				PG_RE_THROW();
			FlushErrorState();
		}
		PG_END_TRY();

		if (error == NULL)
		{
			script->lexer = piece->behind;
			return parsed;
		}

		/*
		 * Only an error at the end of the piece means that text is missing.
		 * The caller's error context may have turned the error position into
		 * an internal position.
		 */
		if (Max(error->cursorpos, error->internalpos) < pg_mbstrlen(text) ||
			!find_possible_end(&candidates, piece))
		{
			script->lexer = piece->behind;
			ReThrowError(error);
		}
		pfree(text);
	}
}

bool
cmig_script_next(CmigScriptReader *script, CmigStatement *statement)
{
	Piece		piece;
	List	   *parsed;
	char	   *text;

	find_piece(&script->lexer, &piece);
	if (piece.start == NULL)
		return false;

	statement->raw = NULL;
	statement->number = ++script->number;
	statement->line = piece.line;
	statement->offset = piece.start - script->source;

	if (piece.backslash)
	{
		statement->text = pnstrdup(piece.start, piece.backslash - piece.start +
								   strcspn(piece.backslash, "\r\n"));
		refuse_meta_command(statement, &piece);
	}

	if (piece.atomic)
		parsed = parse_atomic(script, statement, &piece);
	else
	{
		statement->text = pnstrdup(piece.start, piece.end - piece.start);
		parsed = cmig_raw_parse(statement->text, RAW_PARSE_DEFAULT);
	}
	if (parsed == NIL)
		elog(ERROR, "no statement in \"%s\"", statement->text);

	/* remove the semicolon, which was kept only for the parser's messages */
	text = (char *) statement->text;
	statement->raw = linitial_node(RawStmt, parsed);
	if (list_length(parsed) > 1)
	{
		/*
		 * The piece contains several statements because CASE or END was
		 * miscounted.  Keep the first one, and move the lexer past its
		 * semicolon.
		 */
		int			length = statement->raw->stmt_len;

		cmig_lexer_move(&script->lexer, piece.start, piece.line);
		while (cmig_lexer_next_sql(&script->lexer) != CMIG_TOKEN_END &&
			   script->lexer.start < piece.start + length)
			;
		text[length] = '\0';
	}
	else if (piece.has_semicolon)
		text[strlen(text) - 1] = '\0';
	statement->raw->stmt_location = 0;
	statement->raw->stmt_len = 0;
	return true;
}

char *
cmig_script_checksum(const char *upgrade_sql, bool transactional)
{
	/*
	 * The letters that represent the kinds of tokens.  The checksum must not
	 * depend on the server version or the architecture, so these letters must
	 * not change.  The checksum covers each token's kind, length, and bytes,
	 * with words in lower case.
	 */
	static const char kinds[] = {
		[CMIG_TOKEN_WORD] = 'w',[CMIG_TOKEN_QUOTED] = 'q',[CMIG_TOKEN_STRING] = 's',
		[CMIG_TOKEN_DOLLAR] = 'd',[CMIG_TOKEN_NUMBER] = 'n',[CMIG_TOKEN_PARAM] = 'p',
		[CMIG_TOKEN_OPERATOR] = 'o',[CMIG_TOKEN_LINE_COMMENT] = 'o',[CMIG_TOKEN_BLOCK_COMMENT] = 'o'
	};
	CmigLexer	lexer;
	StringInfoData buffer;
	pg_cryptohash_ctx *checksum = cmig_checksum_start();

	initStringInfo(&buffer);
	appendStringInfoChar(&buffer, transactional ? 't' : 'f');
	cmig_lexer_init(&lexer, upgrade_sql);
	for (;;)
	{
		CmigTokenType type = cmig_lexer_next(&lexer);
		int			length = lexer.next - lexer.start;
		bool		up;

		if (type == CMIG_TOKEN_LINE_COMMENT && cmig_expand_match(&lexer, &up) != NULL)
		{
			/* such a line counts as if it were not a comment */
			cmig_lexer_move(&lexer, lexer.start + 2, lexer.line);
			continue;
		}
		if ((type == CMIG_TOKEN_LINE_COMMENT || type == CMIG_TOKEN_BLOCK_COMMENT) &&
			!lexer.unterminated)
			continue;
		if (type == CMIG_TOKEN_END || buffer.len > 16384)
		{
			cmig_checksum_add(checksum, buffer.data, buffer.len);
			resetStringInfo(&buffer);
			if (type == CMIG_TOKEN_END)
				break;
		}

		appendStringInfo(&buffer, "%c%d:", lexer.continued ? 'c' : kinds[type], length);
		if (type == CMIG_TOKEN_WORD)
		{
			for (int i = 0; i < length; i++)
				appendStringInfoChar(&buffer,
									 pg_ascii_tolower((unsigned char) lexer.start[i]));
		}
		else if (length > 16384)
		{
			/*
			 * add a long token directly, instead of copying it to the buffer
			 */
			cmig_checksum_add(checksum, buffer.data, buffer.len);
			cmig_checksum_add(checksum, lexer.start, length);
			resetStringInfo(&buffer);
		}
		else
			appendBinaryStringInfo(&buffer, lexer.start, length);
	}

	pfree(buffer.data);
	return cmig_checksum_finish(checksum);
}

/*
 * Returns true if a statement without options begins a transaction or, if
 * "opening" is false, commits a transaction.  The lexer must be at the
 * statement's first word.  If the result is true, this function has moved the
 * lexer to the statement's end.
 */
static bool
is_bare_transaction(CmigLexer *lexer, bool opening)
{
	bool		start = opening && cmig_lexer_is_word(lexer, "start");

	if (!start && !cmig_lexer_is_word(lexer, opening ? "begin" : "commit") &&
		(opening || !cmig_lexer_is_word(lexer, "end")))
		return false;

	cmig_lexer_next_sql(lexer);
	if (cmig_lexer_is_word(lexer, "transaction") ||
		(!start && cmig_lexer_is_word(lexer, "work")))
		cmig_lexer_next_sql(lexer);
	else if (start)
		return false;
	return cmig_lexer_is_char(lexer, ';') || lexer->type == CMIG_TOKEN_END;
}

/* Replace a part of a copy of the source by blanks; its lines remain. */
static void
blank_out(char *copy, const char *source, const char *start, const char *end)
{
	for (char *p = copy + (start - source); p < copy + (end - source); p++)
		if (*p != '\n' && *p != '\r')
			*p = ' ';
}

char *
cmig_script_strip_transactions(const char *source, bool all)
{
	static const char *const control[] = {
		"abort", "begin", "commit", "end", "rollback", "start", NULL
	};
	CmigLexer	lexer;
	CmigLexer	word;
	Piece		piece;
	char	   *result;
	bool		open = false;
	int			count = 0;

	/* for most scripts, it is enough to look at the first word */
	cmig_lexer_init(&lexer, source);
	do
	{
		cmig_lexer_next_sql(&lexer);
	} while (cmig_lexer_is_char(&lexer, ';'));
	if (!all && !is_bare_transaction(&lexer, true))
		return (char *) source;

	result = pstrdup(source);
	cmig_lexer_init(&lexer, source);
	for (find_piece(&lexer, &piece); piece.start != NULL; find_piece(&lexer, &piece))
	{
		cmig_lexer_init(&word, piece.start);
		cmig_lexer_next_sql(&word);
		if (is_bare_transaction(&word, !open) && (all || open || count == 0))
		{
			blank_out(result, source, piece.start, piece.end);
			open = !open;
			count++;
		}
		else if (cmig_lexer_is_any_word(&word, control) || (!all && !open))
			return (char *) source;

		/*
		 * skip a psql meta-command, which extends to the end of its line; the
		 * error about it is raised when the script runs
		 */
		if (piece.backslash)
			cmig_lexer_move(&lexer, piece.backslash + strcspn(piece.backslash, "\r\n"),
							lexer.next_line);
	}
	return open || count == 0 ? (char *) source : result;
}

/*
 * Only errors in the categories that are listed in this function can be caused
 * by the script's text.
 */
ErrorData *
cmig_script_error_take(void)
{
	ErrorData  *error = CopyErrorData();
	int			category = ERRCODE_TO_CATEGORY(error->sqlerrcode);

	if (category != ERRCODE_SYNTAX_ERROR_OR_ACCESS_RULE_VIOLATION &&
		category != ERRCODE_FEATURE_NOT_SUPPORTED &&
		category != ERRCODE_PROGRAM_LIMIT_EXCEEDED &&
		category != ERRCODE_DATA_EXCEPTION)
		PG_RE_THROW();
	FlushErrorState();
	return error;
}

int
cmig_script_error_line(const CmigStatement *statement, const ErrorData *error)
{
	int			position = Max(error->cursorpos, error->internalpos);
	int			line = statement->line;

	for (const char *p = statement->text; p && *p && --position > 0; p += pg_mblen(p))
	{
		if (*p == '\n')
			line++;
	}
	return line;
}
