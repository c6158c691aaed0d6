/*
 * parse.h
 *	  What src/parse provides to other folders.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_PARSE_H
#define CMIG_PARSE_H

#include "postgres.h"

#include "parser/parser.h"
#include "storage/lockdefs.h"

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

/* Continue at "next", on the given line, as if the text began there. */
extern void cmig_lexer_move(CmigLexer *lexer, const char *next, int line);

/*
 * Return the next token; the second function skips comments, except for an
 * unterminated one, which the server rejects.
 */
extern CmigTokenType cmig_lexer_next(CmigLexer *lexer);
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

/* Is the current token one of these words?  The array ends with NULL. */
extern bool cmig_lexer_is_any_word(const CmigLexer *lexer, const char *const *words);

/* Is the current token this single character? */
static inline bool
cmig_lexer_is_char(const CmigLexer *lexer, char c)
{
	return lexer->type == CMIG_TOKEN_OPERATOR &&
		*lexer->start == c && lexer->next == lexer->start + 1;
}

/* Returns the token's type for messages, such as "quoted string". */
extern const char *cmig_lexer_type_name(const CmigLexer *lexer);

/* in script.c */

/*
 * Returns the value of a placeholder, which may be declared as a literal, or
 * NULL for the placeholder's name.  The callback itself may be NULL, too.
 */
typedef const char *(*CmigSubstituteValue) (const char *name, bool literal, void *arg);

/* Parse a declaration, or return false if it is not valid. */
extern bool cmig_substitute_parse(const char *declaration, char **name, bool *literal);

/*
 * Returns the script with its declared placeholders replaced, or the script
 * itself if it has none.  For messages, "owner" is the revision's id, and
 * "what" the script's name, such as "upgrade".  Raises MG013 for an invalid
 * declaration and for a placeholder inside quotes or next to another token,
 * and 22023 for a value that cannot be used there.
 */
extern const char *cmig_substitute_script(const char *script, const CmigNames *declarations,
										  const char *owner, const char *what,
										  CmigSubstituteValue value, void *arg);

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

/* The reader lives in the current context, and points to "source". */
extern CmigScriptReader *cmig_script_open(const char *source);

/*
 * Read the next statement, in the current memory context, which the caller can
 * reset after each statement, unless the reader lives in it.  Returns false at
 * the end.
 *
 * Raises 42601 for text that does not parse and for a psql meta-command.  The
 * position is relative to the statement's text, which the caller's error
 * context must report.  Number, line, and text are set before the parser runs,
 * for that context; until then, the text ends with the semicolon.
 */
extern bool cmig_script_next(CmigScriptReader *script, CmigStatement *statement);

extern void cmig_script_close(CmigScriptReader *script);

/*
 * Returns a SHA-256 hash, in hex, of the tokens and the transactional flag.
 * White space, comments, and the case of unquoted words do not matter, and the
 * script need not be valid.
 */
extern char *cmig_script_checksum(const char *upgrade_sql, bool transactional);

/*
 * Returns the script with blanks for an outer BEGIN and COMMIT without options or, if
 * "all" is true, for all such pairs.  Returns "source" itself if there is no such pair,
 * or if something else controls transactions.
 */
extern char *cmig_script_strip_transactions(const char *source, bool all);

/*
 * In PG_CATCH(), in the caller's memory context: returns an error that the
 * script's text caused, and rethrows any other.
 */
extern ErrorData *cmig_script_error_take(void);

/* Returns the script line of an error in a statement. */
extern int	cmig_script_error_line(const CmigStatement *statement, const ErrorData *error);

/* in raw.c */

/*
 * Like raw_parser(), but reads strings with standard_conforming_strings = on and
 * backslash_quote = on whatever the settings are, and raises 54001 for text whose operators or comments
 * would keep the scanner, which cannot be canceled, busy for minutes.
 */
extern List *cmig_raw_parse(const char *text, RawParseMode mode);

/* Like cmig_raw_parse(), for text that contains one statement. */
extern RawStmt *cmig_raw_parse_one(const char *text);

/* Returns the expression of a statement that is only SELECT expression, or NULL. */
extern Node *cmig_statement_expression(const Node *statement);

/* in statement_kind.c */

/* What is known of a statement from its kind alone. */
#define CMIG_STATEMENT_CREATES 0x0001	/* it creates its subject */
#define CMIG_STATEMENT_RENAMABLE 0x0002 /* a comment can give the subject's
										 * former name */
#define CMIG_STATEMENT_PRIVILEGED 0x0004	/* not every role can create the
											 * subject */
#define CMIG_STATEMENT_QUERY 0x0008 /* SELECT, INSERT, UPDATE, DELETE, MERGE */
#define CMIG_STATEMENT_WRITE 0x0010 /* it may change rows, whatever it says */
#define CMIG_STATEMENT_ROWS 0x0020	/* it is about rows, and does not define
									 * anything */
#define CMIG_STATEMENT_CODE 0x0040	/* it can run functions, or find rows, so
									 * that its errors say little */
#define CMIG_STATEMENT_ADDS 0x0080	/* it can neither drop nor weaken what
									 * exists */
#define CMIG_STATEMENT_NAMED 0x0100 /* it only matters to what it names */
#define CMIG_STATEMENT_DEPENDENTS 0x0200	/* and to what depends on that */
#define CMIG_STATEMENT_SERVER 0x0400	/* it is about the server or the
										 * database */
#define CMIG_STATEMENT_ROLES 0x0800 /* it is about roles and memberships */
#define CMIG_STATEMENT_UPKEEP 0x1000	/* it leaves the schema as it is */
#define CMIG_STATEMENT_ALONE 0x2000 /* it cannot run in a transaction */
#define CMIG_STATEMENT_DEFINES 0x4000	/* two images of the schema show all
										 * that it does, if they show objects
										 * of the subject's type, unless
										 * cmig_row_change_command() names it */

/* What a statement creates, or is about. */
typedef struct CmigSubject
{
	int			flags;			/* CMIG_STATEMENT_... */
	ObjectType	type;
	Node	   *object;			/* the object's name as in the parse tree: a
								 * RangeVar, a String, a List of String ...;
								 * or NULL.  For an index, its table. */
} CmigSubject;

/* Returns CMIG_STATEMENT_..., or 0 for a kind of which nothing is known. */
extern int	cmig_statement_flags(const Node *statement);

/* Returns the lock that each statement of this kind takes on its subject, or NoLock. */
extern LOCKMODE cmig_statement_lock(const Node *statement);

/*
 * Returns the privilege that the statement needs on an existing subject, or
 * NULL if there is no single one.
 */
extern const char *cmig_statement_privilege(const Node *statement);

/* Does the statement have IF EXISTS? */
extern bool cmig_statement_missing_ok(const Node *statement);

/* Returns the query in a statement such as EXPLAIN, or NULL. */
extern Node *cmig_statement_query(const Node *statement);

/*
 * Returns false if the statement is not about an object.  The name of CREATE
 * SCHEMA without a name is a String that contains NULL.
 */
extern bool cmig_statement_subject(Node *statement, CmigSubject *subject);

/* in statement.c */

/*
 * Set string constants to NULL, in place, before parse analysis for functions
 * and types only: converting a constant to a composite type would run checks of
 * the type's domains, which another user may have written.
 */
extern void cmig_raw_parse_blank_strings(Node *raw);

/* Classes of statements, according to where a statement can run. */
typedef enum CmigStatementClass
{
	CMIG_STATEMENT_PLAIN,		/* runs in a transaction */
	CMIG_STATEMENT_TRANSACTION, /* BEGIN, COMMIT, SAVEPOINT ...: not allowed */
	CMIG_STATEMENT_CLIENT_COPY, /* COPY FROM STDIN, TO STDOUT: not allowed */
	CMIG_STATEMENT_DISCARD_ALL, /* not allowed */
	CMIG_STATEMENT_STRINGS,		/* turns standard_conforming_strings off: not
								 * allowed */
	CMIG_STATEMENT_CONCURRENTLY,	/* has CONCURRENTLY; can run in a
									 * transaction only if cmig.concurrent_ddl
									 * is off */
	CMIG_STATEMENT_OWN_PROCEDURE,	/* CALL cmig.backfill and the like; can
									 * run in a transaction only if
									 * cmig.concurrent_ddl is off */
	CMIG_STATEMENT_TOP_LEVEL	/* VACUUM, CREATE DATABASE ...: only in a
								 * nontransactional revision */
} CmigStatementClass;

/* Returns a Boolean option, or "otherwise" if it is not given. */
extern bool cmig_statement_option(const List *options, const char *name, bool otherwise);

/* Sets *reason to the statement's name for messages, such as "VACUUM". */
extern CmigStatementClass cmig_statement_classify(const RawStmt *raw, const char **reason);

/* The hint about CMIG_STATEMENT_STRINGS. */
#define CMIG_STRINGS_FIX "Remove it, and write strings with backslash escapes as E'...'."

/* Raise 0A000 for TRANSACTION, CLIENT_COPY, DISCARD_ALL, and STRINGS. */
extern void cmig_statement_refuse(const RawStmt *raw);

/*
 * Returns, for example, "CALL cmig.backfill" if the statement calls a procedure
 * with the name of one of pg_cmig's that commit, or NULL.  If *qualified is
 * false, the procedure may be in another schema.
 */
extern const char *cmig_statement_own_procedure(const RawStmt *raw, bool *qualified);

/* An index command or DETACH with CONCURRENTLY, which waits for others? */
extern bool cmig_statement_is_concurrent(const RawStmt *raw);

/*
 * Returns the first DETACH PARTITION ... CONCURRENTLY action, or NULL if there
 * is none.
 */
extern PartitionCmd *cmig_statement_detach_concurrently(const AlterTableStmt *statement);

/* Returns a copy of a statement with CONCURRENTLY, but without it. */
extern RawStmt *cmig_statement_without_concurrently(const RawStmt *raw);

/*
 * Returns the function names, as lists, for the caller to look up, in a SELECT
 * that consists only of set_config() calls with constants for the session, and
 * NIL for other statements.
 */
extern List *cmig_statement_set_config_names(const RawStmt *raw);

/*
 * Does the statement create, or write to, an object that ends with the session,
 * such as a temporary table or a cursor?  *names (of char *) has those created
 * so far, and gets the new ones.
 */
extern bool cmig_statement_is_temporary(const RawStmt *raw, List **names);

/*
 * Follow what a script leaves in its session: add the settings and the role that
 * the statement sets for the session (if "local", also for the transaction) and the
 * temporary objects that it creates, such as "temporary table t", and remove those
 * that it resets or drops.  What a function or a DO block does is not followed.
 */
extern void cmig_statement_follow_session(const RawStmt *raw, bool local, List **settings,
										  List **objects);

/*
 * May the script contain a statement that is not CMIG_STATEMENT_PLAIN?  This
 * only examines words, so false positives are possible, but not negatives.
 */
extern bool cmig_statement_may_need_top_level(const char *source);

/* May the function change rows?  "schema" is NULL if it is not in the call. */
typedef bool (*CmigMayWrite) (const char *schema, const char *name);

/*
 * Returns the command's name if the statement changes rows or a sequence's
 * value, or runs a function or block that may do so, or NULL.
 */
extern const char *cmig_row_change_command(const RawStmt *raw, CmigMayWrite may_write);

/* A reason why a script cannot run, and what to do about it. */
typedef struct CmigTextProblem
{
	char	   *problem;		/* a sentence without a period */
	const char *fix;
} CmigTextProblem;

/*
 * Returns the problem of the first statement that does not parse or that the
 * runner would reject, or for which the function "refuses", unless it is NULL, returns
 * a reason, or NULL.  off_mode is true if cmig.concurrent_ddl is off.
 */
typedef const char *(*CmigRefuses) (const CmigStatement *statement, const char **fix);

extern CmigTextProblem *cmig_text_check(const char *what, const char *sql,
										bool transactional, bool off_mode, CmigRefuses refuses);

/* in expand.c */

/* Can a comment in the script have the marker?  Often, this need not be searched for. */
extern bool cmig_marker_may_be_in(const char *script, const char *marker);

/* A line "-- cmig:up" or "-- cmig:down" of an upgrade script. */
typedef struct CmigExpandLine
{
	char	   *schema;			/* as written, without quotes; NULL if the
								 * relation's name has none */
	char	   *relation;
	char	   *column;
	char	   *up;				/* the expression; NULL in a line "--
								 * cmig:down" */
	char	   *down;			/* likewise; NULL in a line "-- cmig:up" */
	int			line;			/* line of the script, counted from 1 */
	int			start;			/* offsets of the comment in the script, in
								 * bytes */
	int			end;
} CmigExpandLine;

/*
 * Returns a List of CmigExpandLine, in the order of the upgrade script.  Raises
 * error MG013, with the revision, the file, and the line, for a line that is
 * not correct.
 */
extern List *cmig_expand_lines(const CmigRevisionText *revision);

/* Raises error MG013 for a line, counted from 1 in the upgrade script. */
pg_noreturn extern void cmig_expand_refuse_line(const CmigRevisionText *revision, int line, bool up,
												const char *problem, const char *hint);

/*
 * Parse the value of the header "expand": sets *expand to NULL for false, or
 * to "true" or "strict".  Returns false if the value is not valid.
 */
extern bool cmig_expand_header(const char *value, char **expand);

/*
 * Raises the errors of cmig_expand_lines(), and MG013 if the revision has such
 * lines, but not the header "expand".
 */
extern void cmig_expand_require_header(const CmigRevisionText *revision);

/*
 * Returns the upgrade script with its lines "-- cmig:up" as SQL, in which every
 * statement is still on its line, or the script itself if it has no such line.
 * "generated" is true if a line may replace the USING of a change of type.
 */
extern const char *cmig_expand_fill(const char *sql, const char *revision, bool generated);

/*
 * Is this statement of the filled script the UPDATE that a line "-- cmig:up" of
 * the script has become?
 */
extern bool cmig_expand_is_filling(const char *sql, const CmigStatement *statement);

/*
 * Raises error MG013 if the statement, of a script from cmig_expand_fill(), adds
 * a column that must not be null and that no line fills, unless the script has
 * created the table.  *created are the names of its tables so far.
 */
extern void cmig_expand_require_up(const RawStmt *raw, List **created);

/* Returns such a column, or NULL. */
extern const ColumnDef *cmig_expand_unfilled(const RawStmt *raw, List **created);

/* Is the line about this relation?  A NULL schema matches any. */
extern bool cmig_expand_is_relation(const CmigExpandLine *line, const char *schema,
									const char *relation);

/*
 * If the current token is such a line, returns the text after its keyword, and
 * sets *up; otherwise returns NULL.
 */
extern const char *cmig_expand_match(const CmigLexer *lexer, bool *up);

/* A relation that a statement uses in a way that two versions do not serve. */
typedef struct CmigWholeUse
{
	const RangeVar *relation;	/* NULL if it cannot be told */
	const char *how;			/* such as "truncates" */
	bool		all_columns;	/* only while it has hidden columns */
} CmigWholeUse;

/*
 * Returns a List of CmigWholeUse: what a statement reads or writes by the
 * position of its columns, and what a view does not take.
 */
extern List *cmig_expand_whole_uses(const RawStmt *raw);

/* in psql_text.c */

/*
 * What a script may need, and may leave behind in the session, according to the
 * words in its text, including those in dollar quotes.
 */
typedef struct CmigPsqlFacts
{
	bool		calls_cmig;		/* calls a function such as cmig.stamp(), or
								 * reads a table such as cmig.revision */
	char		called[NAMEDATALEN];	/* the name of the first one */
	bool		temp_objects;
	bool		prepares;
	bool		declares_cursor;
	bool		deferrable;		/* has constraints that can be deferred */
} CmigPsqlFacts;

/* Is there a table or view of this name in the schema cmig? */
extern bool cmig_psql_is_relation(const char *name);

/*
 * Append a statement that does not end with a semicolon.  "function" is true
 * for CREATE FUNCTION and CREATE PROCEDURE.  If psql might not send it in one
 * piece, write a DO block that executes it from a string.
 */
extern void cmig_psql_append_statement(StringInfo to, const char *statement, bool function,
									   CmigPsqlFacts *facts);

/* Insert the line "pin" before the text from "from" on, unless it is ASCII. */
extern void cmig_psql_pin(StringInfo to, int from, const char *pin);

/* Append the comments in "text", which contains no statement. */
extern void cmig_psql_append_comments(StringInfo to, const char *text, int length);

/*
 * If a line comment follows a statement on its line, append it to the line that
 * was written.  Returns the length of the text up to the end of the comment.
 */
extern int	cmig_psql_append_line_comment(StringInfo out, const char *behind);

/* Append a dollar-quoted string, or a DO statement with the given body. */
extern void cmig_psql_append_dollar_quoted(StringInfo to, const char *text);
extern void cmig_psql_append_do(StringInfo to, const char *body);

#endif							/* CMIG_PARSE_H */
