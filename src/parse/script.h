/*
 * script.h
 *	  Splits SQL scripts into statements and computes their checksums.
 *
 * This module uses the lexer and the server's parser, but does not access the
 * catalogs, SPI, or pg_cmig's settings.  Statements are parsed one at a time,
 * so a large script never needs a single large parse tree.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_SCRIPT_H
#define CMIG_SCRIPT_H

#include "postgres.h"
#include "nodes/parsenodes.h"

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

#endif							/* CMIG_SCRIPT_H */
