/*
 * parse.h
 *	  What src/parse provides to other folders.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_PARSE_H
#define CMIG_PARSE_H

#include "postgres.h"

#include "lib/stringinfo.h"
#include "nodes/parsenodes.h"
#include "parser/parser.h"

#include "base/base.h"

/* in lexer.c */

/* The kinds of tokens. */
typedef enum CmigTokenType
{
	CMIG_TOKEN_END,
	CMIG_TOKEN_WORD,			/* keyword or unquoted identifier */
	CMIG_TOKEN_QUOTED,			/* "identifier", U&"identifier" */
	CMIG_TOKEN_STRING,			/* '...', including its E, B, X, N or U& */
	CMIG_TOKEN_DOLLAR,			/* $tag$...$tag$ */
	CMIG_TOKEN_NUMBER,
	CMIG_TOKEN_PARAM,			/* $1 */
	CMIG_TOKEN_OPERATOR,		/* also single characters, :: := .. */
	CMIG_TOKEN_LINE_COMMENT,	/* without its newline */
	CMIG_TOKEN_BLOCK_COMMENT
} CmigTokenType;

/* A position in SQL text, and the token before that position. */
typedef struct CmigLexer
{
	const char *text;			/* NUL-terminated */
	const char *next;			/* where to look for the next token */
	int			next_line;		/* line number of next, counted from 1 */

	/*
	 * the value of the setting standard_conforming_strings; the caller may
	 * change this field between tokens
	 */
	bool		standard_conforming_strings;

	/* the current token */
	CmigTokenType type;
	const char *start;			/* start of the token; its end is "next" */
	int			line;			/* line number of start */
	bool		continued;		/* true if the token is a string that
								 * continues the previous token, as in 'a'
								 * newline 'b' */
	bool		unterminated;	/* true if the token is a quote or comment
								 * without an end */

	/*
	 * private: kind of the last string, if the next token can continue that
	 * string
	 */
	char		string_kind;
	bool		newline_since;

	/*
	 * private: start and end of the + and - signs that follow an operator;
	 * each of these signs is a separate token
	 */
	const char *signs;
	const char *signs_end;
} CmigLexer;

extern void cmig_lexer_init(CmigLexer *lexer, const char *text);

/*
 * Move to "next", which is on the given line, and continue as if the text began
 * there.
 */
extern void cmig_lexer_move(CmigLexer *lexer, const char *next, int line);

/*
 * Returns the next token, which may be a comment.  Returns CMIG_TOKEN_END at
 * the end of the text.
 */
extern CmigTokenType cmig_lexer_next(CmigLexer *lexer);

/*
 * Returns the next token that is not a comment.  An unterminated block comment
 * is returned as a token, because the server rejects it.
 */
extern CmigTokenType cmig_lexer_next_sql(CmigLexer *lexer);

/* Is the current token this word, ignoring case? */
extern bool cmig_lexer_compare_word(const CmigLexer *lexer, const char *word);

static inline bool
cmig_lexer_is_word(const CmigLexer *lexer, const char *word)
{
	/* most words already differ in their first letter, ignoring case */
	return lexer->type == CMIG_TOKEN_WORD && ((*lexer->start ^ *word) & ~0x20) == 0 &&
		cmig_lexer_compare_word(lexer, word);
}

/*
 * Is the current token one of these words, ignoring case?  The array is
 * NULL-terminated.
 */
extern bool cmig_lexer_is_any_word(const CmigLexer *lexer, const char *const *words);

/* Is the current token this single character? */
static inline bool
cmig_lexer_is_char(const CmigLexer *lexer, char c)
{
	return lexer->type == CMIG_TOKEN_OPERATOR &&
		*lexer->start == c && lexer->next == lexer->start + 1;
}

/*
 * Returns the name of the current token's type for messages, such as "quoted
 * string".
 */
extern const char *cmig_lexer_type_name(const CmigLexer *lexer);

/* in script.c */

/*
 * A callback that returns the value of a placeholder, or NULL if the
 * placeholder has no value.  In the latter case, or if the callback is NULL,
 * the placeholder's name is used as its value.  "literal" is true if the placeholder is declared as a
 * literal.
 */
typedef const char *(*CmigSubstituteValue) (const char *name, bool literal, void *arg);

/*
 * Parse a declaration.  Sets *name to the placeholder's palloc'd name, and
 * *literal to true if the placeholder is a literal.  Returns false if the
 * declaration is not valid.
 */
extern bool cmig_substitute_parse(const char *declaration, char **name, bool *literal);

/*
 * Returns the script with its declared placeholders replaced, or the script
 * itself if it contains none.  For messages, "owner" is the revision's id, and
 * "what" is the name of the script, such as "upgrade".  Raises MG013 for an
 * invalid declaration, and for a placeholder that is inside quotes or touches
 * another token.  Raises 22023 for a value that cannot be used at the
 * placeholder's position.
 */
extern const char *cmig_substitute_script(const char *script, const CmigNames *declarations,
										  const char *owner, const char *what,
										  CmigSubstituteValue value, void *arg);

/* in statement.c */

/*
 * Like raw_parser(), but raises 54001 for text whose operators or comments
 * would keep the server's scanner busy for minutes.  This is necessary because
 * the scanner cannot be canceled.
 */
extern List *cmig_raw_parse(const char *text, RawParseMode mode);

/* Like cmig_raw_parse(), for text that contains one statement. */
extern RawStmt *cmig_raw_parse_one(const char *text);

/*
 * Set an expression's or statement's string constants to NULL, in place.  Call
 * this before parse analysis if only functions and types are of interest.
 * Otherwise, converting a constant to a composite type would run the checks of
 * the type's domains, which may have been written by another user.
 */
extern void cmig_raw_parse_blank_strings(Node *raw);

/* in script.c */

/* A script that is being read, and the position in it. */
typedef struct CmigScriptReader CmigScriptReader;

/* A statement of a script. */
typedef struct CmigStatement
{
	RawStmt    *raw;			/* parse tree; locations refer to text */
	const char *text;			/* the statement alone: NUL-terminated,
								 * without leading blanks or comments, and
								 * without its semicolon */
	int			number;			/* counted from 1 */
	int			line;			/* script line where text starts, counted from
								 * 1 */
	int			offset;			/* offset of text in the script, in bytes */
} CmigStatement;

/*
 * Start reading a script.  The reader lives in the current memory context and
 * keeps a pointer to "source".
 */
extern CmigScriptReader *cmig_script_open(const char *source);

/*
 * Read the next statement.  Returns false at the end of the script.  The result
 * is allocated in the current memory context, so the caller can reset that
 * context after each statement, unless the reader lives in it.
 *
 * Raises 42601 for text that does not parse and for a psql meta-command.  The
 * error position is relative to the statement's text, which the caller's error
 * context must report as the internal query or the query.  The number, line,
 * and text of *statement are set before the parser runs, so that an error
 * context can use them.  While the parser runs, the text still ends with the
 * semicolon.
 */
extern bool cmig_script_next(CmigScriptReader *script, CmigStatement *statement);

/* Free the reader. */
extern void cmig_script_close(CmigScriptReader *script);

/*
 * Returns a palloc'd SHA-256 hash, in hex, of the script's tokens and the
 * transactional flag.  White space, comments, and the case of unquoted words do
 * not affect the hash.  The script need not be valid SQL.
 */
extern char *cmig_script_checksum(const char *upgrade_sql, bool transactional);

/*
 * Returns a copy of the script in which an outer BEGIN and COMMIT without
 * options are replaced with blanks.  Returns "source" itself if there is no
 * such pair.
 */
extern char *cmig_script_strip_outer_transaction(const char *source);

/* in statement.c */

/* Classes of statements, according to where a statement can run. */
typedef enum CmigStatementClass
{
	CMIG_STATEMENT_PLAIN,		/* runs in a transaction */
	CMIG_STATEMENT_TRANSACTION, /* BEGIN, COMMIT, SAVEPOINT ...: not allowed */
	CMIG_STATEMENT_CLIENT_COPY, /* COPY FROM STDIN, TO STDOUT: not allowed */
	CMIG_STATEMENT_DISCARD_ALL, /* not allowed */
	CMIG_STATEMENT_CONCURRENTLY,	/* has CONCURRENTLY; can run in a
									 * transaction only if cmig.concurrent_ddl
									 * is off */
	CMIG_STATEMENT_OWN_PROCEDURE,	/* CALL cmig.backfill and the like; can
									 * run in a transaction only if
									 * cmig.concurrent_ddl is off */
	CMIG_STATEMENT_TOP_LEVEL	/* VACUUM, CREATE DATABASE ...: only in a
								 * nontransactional revision */
} CmigStatementClass;

/*
 * Returns the Boolean value of one of a statement's options, or "otherwise" if
 * the option is not given.
 */
extern bool cmig_statement_option(const List *options, const char *name, bool otherwise);

/*
 * Classify a statement.  Sets *reason to a static string that names the
 * statement in messages, such as "CREATE INDEX CONCURRENTLY" or "VACUUM".
 */
extern CmigStatementClass cmig_statement_classify(const RawStmt *raw, const char **reason);

/*
 * Raise 0A000 if the statement is one that no script may contain (TRANSACTION,
 * CLIENT_COPY, or DISCARD_ALL).
 */
extern void cmig_statement_refuse(const RawStmt *raw);

/*
 * If the statement calls a procedure with the same name as one of pg_cmig's
 * procedures that commit, returns a string such as "CALL cmig.backfill";
 * otherwise, returns NULL.  Sets *qualified to false if the call does not name
 * the schema, so the procedure may be in another schema.
 */
extern const char *cmig_statement_own_procedure(const RawStmt *raw, bool *qualified);

/*
 * Is the statement an index command or a DETACH with CONCURRENTLY, for one or
 * more relations?  Such a statement waits for other transactions to end.
 */
extern bool cmig_statement_is_concurrent(const RawStmt *raw);

/*
 * Does the statement set or reset standard_conforming_strings?  If so, the rest
 * of the script can be split correctly only after the statement has run.
 */
extern bool cmig_statement_changes_strings(const RawStmt *raw);

/*
 * Returns a copy of the parse tree without CONCURRENTLY.  Call this only for a
 * statement with CONCURRENTLY.
 */
extern RawStmt *cmig_statement_without_concurrently(const RawStmt *raw);

/*
 * Returns the function names in a SELECT that consists only of set_config()
 * calls with constant arguments that set values for the session.  Each name is
 * a list, as written in the call, for the caller to look up.  Returns NIL for
 * any other statement.
 */
extern List *cmig_statement_set_config_names(const RawStmt *raw);

/*
 * Does the statement create, or write to, an object that cannot outlive the
 * session, such as a temporary table or a cursor?  *names is a List of char *
 * that contains the names of such objects created by the script so far.  This
 * function adds to the list.
 */
extern bool cmig_statement_is_temporary(const RawStmt *raw, List **names);

/*
 * Returns true if the script may contain a statement that is not
 * CMIG_STATEMENT_PLAIN.  Only the words in the script are examined, so there
 * can be false positives, but no false negatives.
 */
extern bool cmig_statement_may_need_top_level(const char *source);

/*
 * A callback that returns true if a function may change rows or sequences.
 * "schema" is NULL if the function name in the call is not qualified.
 */
typedef bool (*CmigMayWrite) (const char *schema, const char *name);

/*
 * Returns the statement's command name if the statement changes rows or a
 * sequence's value, or if it runs a function or block that may do so.  Returns
 * NULL for other statements.
 */
extern const char *cmig_row_change_command(const RawStmt *raw, CmigMayWrite may_write);

/* in script.c */

/*
 * Call this in PG_CATCH() after switching back to the caller's memory context.
 * Returns a copy of the error if the script's text caused it, and rethrows any
 * other error.
 */
extern ErrorData *cmig_script_error_take(void);

/* Returns the script line of an error in a statement. */
extern int	cmig_script_error_line(const CmigStatement *statement, const ErrorData *error);

/* in statement.c */

/* A reason why a script cannot run, and what to do about it. */
typedef struct CmigTextProblem
{
	char	   *problem;		/* a sentence without a period */
	const char *fix;
} CmigTextProblem;

/*
 * Finds the first statement that does not parse or that the runner would
 * reject, and returns the problem with this statement.  Returns NULL if there
 * is none.  If a statement sets standard_conforming_strings, the statements
 * after it are not examined.  "what" is the name of the script, such as
 * "upgrade".  "off_mode" is true if cmig.concurrent_ddl is off, so that
 * CONCURRENTLY will be removed.
 */
extern CmigTextProblem *cmig_text_check(const char *what, const char *sql,
										bool transactional, bool off_mode);

/* in psql_text.c */

/*
 * Facts about the SQL text of a script: what it may need, and what it may leave
 * behind in the session.  These facts are determined only from the words in the
 * text, including words in dollar quotes.
 */
typedef struct CmigPsqlFacts
{
	bool		calls_cmig;		/* calls a function such as cmig.stamp() */
	bool		temp_objects;
	bool		prepares;
	bool		declares_cursor;
	bool		deferrable;		/* has constraints that can be deferred */
} CmigPsqlFacts;

/*
 * Append a statement that does not end with a semicolon.  If psql would not
 * send the statement in one piece, write a DO block that executes the statement
 * from a string.
 */
extern void cmig_psql_append_statement(StringInfo to, const char *statement,
									   CmigPsqlFacts *facts);

/*
 * Insert "pin", a line that sets the client encoding, before the text that
 * begins at offset "from", unless that text is ASCII.
 */
extern void cmig_psql_pin(StringInfo to, int from, const char *pin);

/* Append the comments in "text", which contains no statement. */
extern void cmig_psql_append_comments(StringInfo to, const char *text, int length);

/* Append a string constant, as quote_literal() writes it. */
extern void cmig_psql_append_literal(StringInfo to, const char *text);

/* Append a dollar-quoted string, or a DO statement with the given body. */
extern void cmig_psql_append_dollar_quoted(StringInfo to, const char *text);
extern void cmig_psql_append_do(StringInfo to, const char *body);

#endif							/* CMIG_PARSE_H */
