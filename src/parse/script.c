/*
 * script.c
 *	  Splits SQL scripts into statements and computes their checksums.
 *
 * A script is split at the semicolons that end statements, and each piece is
 * parsed separately.  Therefore, only one parse tree is in memory at a time,
 * and a parser error refers to a single statement.  A semicolon does not end a
 * statement inside parentheses (as in rules) or inside a function's BEGIN
 * ATOMIC ... END body.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include <ctype.h>

#include "base/checksum.h"
#include "parse/lexer.h"
#include "parse/raw_parse.h"
#include "parse/script.h"

#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "parser/parser.h"
#include "utils/memutils.h"

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

/*
 * Is the token a backslash that begins a psql meta-command?  The parser raises
 * a syntax error for any other backslash.
 */
static bool
is_meta_command(const CmigLexer *lexer)
{
	unsigned char next = lexer->next[0];

	return cmig_lexer_is_char(lexer, '\\') &&
		(isalpha(next) || next == '.' || next == '!' || next == '?');
}

/*
 * The state of find_piece(), after it has read some of the statement's tokens.
 */
typedef struct PieceState
{
	bool		is_create;		/* does the statement begin with CREATE? */
	int			parens;			/* number of open parentheses */
	int			atomic_depth;	/* number of open BEGIN ATOMICs, plus open
								 * CASEs in the body */
	bool		after_begin;	/* was the last token BEGIN? */
	bool		after_label;	/* was the last token AS or a dot, so that
								 * CASE or END is a name? */
} PieceState;

/*
 * Process one token, counting the words that open and close a BEGIN ATOMIC
 * body.
 */
static void
count_body_word(PieceState *state, Piece *piece, const CmigLexer *lexer)
{
	bool		was_begin = state->after_begin;
	bool		is_label = state->after_label;

	state->after_begin = false;
	state->after_label = false;
	if (state->atomic_depth > 0)
	{
		if (is_label)
			return;
		if (cmig_lexer_is_word(lexer, "case"))
			state->atomic_depth++;
		else if (cmig_lexer_is_word(lexer, "end"))
			state->atomic_depth--;
		else if (cmig_lexer_is_word(lexer, "as"))
			state->after_label = true;
	}
	else if (state->is_create && state->parens == 0)
	{
		if (was_begin && cmig_lexer_is_word(lexer, "atomic"))
		{
			state->atomic_depth = 1;
			piece->atomic = lexer->start;
			piece->body = *lexer;
		}
		else if (cmig_lexer_is_word(lexer, "begin"))
			state->after_begin = true;
	}
}

/* Read tokens to find the next statement, and move the lexer past it. */
static void
find_piece(CmigLexer *lexer, Piece *piece)
{
	PieceState	state = {0};

	memset(piece, 0, sizeof(Piece));
	for (;;)
	{
		cmig_lexer_next_sql(lexer);
		if (lexer->type == CMIG_TOKEN_END)
			break;
		if (piece->start == NULL && cmig_lexer_is_char(lexer, ';'))
			continue;			/* an empty statement */
		if (piece->start == NULL)
		{
			piece->start = lexer->start;
			piece->line = lexer->line;
			state.is_create = cmig_lexer_is_word(lexer, "create");
		}
		piece->end = lexer->next;

		if (lexer->type == CMIG_TOKEN_WORD)
		{
			count_body_word(&state, piece, lexer);
			continue;
		}
		state.after_begin = false;
		state.after_label = cmig_lexer_is_char(lexer, '.');
		if (cmig_lexer_is_char(lexer, '('))
			state.parens++;
		else if (cmig_lexer_is_char(lexer, ')'))
			state.parens = Max(state.parens - 1, 0);
		else if (is_meta_command(lexer))
		{
			piece->backslash = lexer->start;
			break;
		}
		else if (cmig_lexer_is_char(lexer, ';') && state.parens == 0 && state.atomic_depth == 0)
		{
			piece->has_semicolon = true;
			break;
		}
	}
	piece->open = state.atomic_depth > 0;
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

	for (;;)
	{
		cmig_lexer_next_sql(lexer);
		if (lexer->type == CMIG_TOKEN_END)
			return false;
		if (after_end && cmig_lexer_is_char(lexer, ';'))
			break;
		after_end = cmig_lexer_is_word(lexer, "end");
	}
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
			 errhint("%s", hint),
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

/*
 * The piece contains several statements because CASE or END was miscounted.
 * Keep the first statement, which has the given length, and move the lexer past
 * its semicolon.
 */
static void
go_back(CmigScriptReader *script, const Piece *piece, char *text, int length)
{
	CmigLexer  *lexer = &script->lexer;

	cmig_lexer_move(lexer, piece->start, piece->line);
	do
	{
		cmig_lexer_next_sql(lexer);
	} while (lexer->start < piece->start + length &&
			 lexer->type != CMIG_TOKEN_END);
	text[length] = '\0';
}

bool
cmig_script_next(CmigScriptReader *script, CmigStatement *statement)
{
	Piece		piece;
	List	   *parsed;
	char	   *text;

	/* like psql, use the current value, which the script may have set */
	script->lexer.standard_conforming_strings = standard_conforming_strings;

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
		go_back(script, &piece, text, statement->raw->stmt_len);
	else if (piece.has_semicolon)
		text[strlen(text) - 1] = '\0';
	statement->raw->stmt_location = 0;
	statement->raw->stmt_len = 0;
	return true;
}

/*
 * Returns the letter that represents a token's kind in the checksum.  The
 * checksum must not depend on the server version or the architecture, so these
 * letters must not change.  The checksum covers each token's kind, length, and
 * bytes, with words in lower case.
 */
static char
checksum_kind(const CmigLexer *lexer)
{
	switch (lexer->type)
	{
		case CMIG_TOKEN_WORD:
			return 'w';
		case CMIG_TOKEN_QUOTED:
			return 'q';
		case CMIG_TOKEN_STRING:
			return lexer->continued ? 'c' : 's';
		case CMIG_TOKEN_DOLLAR:
			return 'd';
		case CMIG_TOKEN_NUMBER:
			return 'n';
		case CMIG_TOKEN_PARAM:
			return 'p';
		default:
			return 'o';
	}
}

char *
cmig_script_checksum(const char *upgrade_sql, bool transactional)
{
	CmigLexer	lexer;
	StringInfoData buffer;
	pg_cryptohash_ctx *checksum = cmig_checksum_start();

	initStringInfo(&buffer);
	appendStringInfoChar(&buffer, transactional ? 't' : 'f');
	cmig_lexer_init(&lexer, upgrade_sql);
	for (;;)
	{
		CmigTokenType type = cmig_lexer_next_sql(&lexer);
		int			length = lexer.next - lexer.start;

		if (type == CMIG_TOKEN_END || buffer.len > 16384)
		{
			cmig_checksum_add(checksum, buffer.data, buffer.len);
			resetStringInfo(&buffer);
			if (type == CMIG_TOKEN_END)
				break;
		}

		appendStringInfo(&buffer, "%c%d:", checksum_kind(&lexer), length);
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

/* Does the word begin a transaction control statement? */
static bool
is_transaction_control(const CmigLexer *lexer)
{
	static const char *const words[] = {
		"abort", "begin", "commit", "end", "rollback", "start", NULL
	};

	return cmig_lexer_is_any_word(lexer, words);
}

/* Replace text with blanks, but keep the line breaks. */
static void
blank(char *from, const char *to)
{
	for (; from < to; from++)
		if (*from != '\n' && *from != '\r')
			*from = ' ';
}

char *
cmig_script_strip_outer_transaction(const char *source)
{
	CmigLexer	lexer;
	Piece		piece;
	const char *begin;
	const char *begin_end;
	Piece		last;
	char	   *result;

	/* for most scripts, it is enough to look at the first word */
	cmig_lexer_init(&lexer, source);
	do
	{
		cmig_lexer_next_sql(&lexer);
	} while (cmig_lexer_is_char(&lexer, ';'));
	begin = lexer.start;
	if (!is_bare_transaction(&lexer, true))
		return (char *) source;
	begin_end = lexer.next;

	/*
	 * the last statement must commit the transaction, and there must be no
	 * transaction control before that statement
	 */
	memset(&last, 0, sizeof(last));
	for (;;)
	{
		find_piece(&lexer, &piece);
		if (piece.start == NULL)
			break;
		if (last.start != NULL)
		{
			CmigLexer	word;

			cmig_lexer_init(&word, last.start);
			cmig_lexer_next_sql(&word);
			if (is_transaction_control(&word))
				return (char *) source;
		}
		last = piece;

		/*
		 * skip a psql meta-command, which extends to the end of its line; the
		 * error about it is raised when the script runs
		 */
		if (piece.backslash)
			cmig_lexer_move(&lexer, piece.backslash + strcspn(piece.backslash, "\r\n"),
							lexer.next_line);
	}
	if (last.start == NULL)
		return (char *) source;
	cmig_lexer_init(&lexer, last.start);
	cmig_lexer_next_sql(&lexer);
	if (!is_bare_transaction(&lexer, false))
		return (char *) source;

	result = pstrdup(source);
	blank(result + (begin - source), result + (begin_end - source));
	blank(result + (last.start - source), result + (last.end - source));
	return result;
}
