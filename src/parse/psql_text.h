/*
 * psql_text.h
 *	  SQL texts that psql and the server read in the same way. Pure.  psql cuts
 * its input into statements with a lexer of its own, replaces variables, and
 * runs commands that begin with a backslash.  What is appended here means the
 * same to it and to the server, whatever the session's settings.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_PSQL_TEXT_H
#define CMIG_PSQL_TEXT_H

#include "postgres.h"
#include "lib/stringinfo.h"

/*
 * What a text may need or leave behind.  Only its words are examined, including
 * those in dollar quotes.
 */
typedef struct CmigPsqlFacts
{
	bool		calls_cmig;		/* cmig.name( */
	bool		temp_objects;
	bool		prepares;
	bool		declares_cursor;
	bool		deferrable;		/* constraints that can be deferred */
} CmigPsqlFacts;

/*
 * Append the statements of a text, the last one with a semicolon and a newline,
 * too.  pin, a line that sets the client encoding, goes before statements that
 * are not ASCII.  Adds to *facts.  Returns false and appends nothing if the text
 * may contain a statement that cannot run in a transaction, or if psql might cut
 * it differently from the server: then the caller must parse it and append its
 * statements one by one.
 */
extern bool cmig_psql_append(StringInfo to, const char *text, const char *pin,
							 CmigPsqlFacts *facts);

/*
 * Append one statement, which has no semicolon at its end.  If psql would cut it
 * in two, it is written as a DO block that executes it from a string.
 */
extern void cmig_psql_append_statement(StringInfo to, const char *statement,
									   CmigPsqlFacts *facts);

/*
 * Put pin, a line that sets the client encoding, before the text from a place on
 * unless that text is ASCII.
 */
extern void cmig_psql_pin(StringInfo to, int from, const char *pin);

/* Append the comments of a text that has no statement. */
extern void cmig_psql_append_comments(StringInfo to, const char *text, int length);

/* Append a string constant, as quote_literal() writes it. */
extern void cmig_psql_append_literal(StringInfo to, const char *text);

/* Append a string constant in dollars, and a DO statement of that body. */
extern void cmig_psql_append_dollar_quoted(StringInfo to, const char *text);
extern void cmig_psql_append_do(StringInfo to, const char *body);

#endif							/* CMIG_PSQL_TEXT_H */
