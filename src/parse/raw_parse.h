/*
 * raw_parse.h
 *	  The server's parser, guarded against texts that take it very long.
 *
 * Copyright (c) 2026, the pg_cmig developers
 *
 * Pure.  No other file calls raw_parser().
 */
#ifndef CMIG_RAW_PARSE_H
#define CMIG_RAW_PARSE_H

#include "postgres.h"
#include "parser/parser.h"

/*
 * raw_parser(), but raises 54001 for a text whose operators or comments would
 * keep the server's scanner busy for minutes: it cannot be canceled.
 */
extern List *cmig_raw_parse(const char *text, RawParseMode mode);

/* The same for a text that is one statement. */
extern RawStmt *cmig_raw_parse_one(const char *text);

/*
 * Set the string constants of an expression or statement to NULL, in place, before
 * it is analyzed for its functions and types only: the input of a constant of a
 * composite type runs the checks of its domains, which others may have written.
 */
extern void cmig_raw_parse_blank_strings(Node *raw);

#endif							/* CMIG_RAW_PARSE_H */
