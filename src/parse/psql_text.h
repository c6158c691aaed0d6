/*
 * psql_text.h
 *	  SQL texts as psql reads them.
 *
 * Pure.  psql cuts its input into statements by a lexer of its own, puts
 * variables in and carries out what follows a backslash; what is appended here
 * means the same to it and to the server, whatever the session's settings are.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_PSQL_TEXT_H
#define CMIG_PSQL_TEXT_H

#include "postgres.h"
#include "lib/stringinfo.h"

/* What a text may leave behind or need, by its words; dollar quotes too. */
typedef struct CmigPsqlFacts
{
	bool		calls_cmig;		/* cmig.name( */
	bool		temp_objects;
	bool		prepares;
	bool		declares_cursor;
	bool		deferrable;		/* constraints that can be deferred */
} CmigPsqlFacts;

/*
 * Append the statements of a text, each ended by a semicolon, the last one
 * too, and a newline; pin goes before those that are not ASCII.  Adds to
 * *facts.  Returns false, with nothing appended,
 * if the text may hold a statement that cannot run in a transaction, or if
 * psql might cut it elsewhere than the server would: then it must be parsed
 * and appended by statements.
 */
extern bool cmig_psql_append(StringInfo to, const char *text, const char *pin,
							 CmigPsqlFacts *facts);

/*
 * Append one statement, which has no semicolon at its end.  One that psql
 * would cut in two is executed from a string.
 */
extern void cmig_psql_append_statement(StringInfo to, const char *statement,
									   CmigPsqlFacts *facts);

/*
 * Put pin, a line that sets the client encoding, before what was appended from
 * a place on, unless that is ASCII.
 */
extern void cmig_psql_pin(StringInfo to, int from, const char *pin);

/* Append the comments of a text that holds no statement. */
extern void cmig_psql_append_comments(StringInfo to, const char *text, int length);

/* Append a string constant, as quote_literal() writes it. */
extern void cmig_psql_append_literal(StringInfo to, const char *text);

/* Append a string constant in dollars, and a DO statement of that body. */
extern void cmig_psql_append_dollar_quoted(StringInfo to, const char *text);
extern void cmig_psql_append_do(StringInfo to, const char *body);

#endif							/* CMIG_PSQL_TEXT_H */
