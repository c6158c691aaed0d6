/*
 * psql_text.h
 *	  Writes SQL text that psql and the server read in the same way.
 *
 * psql splits its input into statements with its own lexer, replaces variables,
 * and runs commands that begin with a backslash.  The text that this module
 * appends means the same to psql and to the server, whatever the session's
 * settings are.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_PSQL_TEXT_H
#define CMIG_PSQL_TEXT_H

#include "postgres.h"
#include "lib/stringinfo.h"

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
 * Append the statements in "text", end the last statement with a semicolon and
 * a newline, and add the facts found in the text to *facts.  "pin" is a line
 * that sets the client encoding.  This line is written before each statement
 * that is not ASCII.  Returns false and appends nothing if the text may contain
 * a statement that cannot run in a transaction, or if psql might split the text
 * differently from the server.  In that case, the caller must parse the text
 * and append its statements one by one.
 */
extern bool cmig_psql_append(StringInfo to, const char *text, const char *pin,
							 CmigPsqlFacts *facts);

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

#endif							/* CMIG_PSQL_TEXT_H */
