/*
 * raw_parse.h
 *	  Calls the server's parser, but rejects text that takes very long to
 *	  parse.
 *
 * No other module calls raw_parser().
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_RAW_PARSE_H
#define CMIG_RAW_PARSE_H

#include "postgres.h"
#include "parser/parser.h"

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

#endif							/* CMIG_RAW_PARSE_H */
