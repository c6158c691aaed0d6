/*
 * script.h
 *	  SQL scripts as text: their statements and their checksum.
 *
 * Pure: uses the lexer and the server's parser, but no catalogs, no SPI, and
 * no settings of pg_cmig.  A script is cut into statements one at a time, so a
 * large script is never held as one parse tree.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_SCRIPT_H
#define CMIG_SCRIPT_H

#include "postgres.h"
#include "nodes/parsenodes.h"

/* A position in a script. */
typedef struct CmigScriptReader CmigScriptReader;

/* A statement of a script. */
typedef struct CmigStatement
{
	RawStmt    *raw;			/* parse tree; locations refer to text */
	const char *text;			/* the statement alone, NUL-terminated, no
								 * leading blanks or comments, no semicolon */
	int			number;			/* from 1 */
	int			line;			/* line of the script where text starts, from
								 * 1 */
	int			offset;			/* byte offset of text in the script */
} CmigStatement;

/*
 * Start reading a script.  The reader lives in the current memory context and
 * keeps a pointer to source.
 */
extern CmigScriptReader *cmig_script_open(const char *source);

/*
 * The next statement, or false at the end.  What it returns is allocated in the
 * current memory context, so the caller can reset a context (not the reader's)
 * after each statement.
 *
 * Text that does not parse raises 42601, and so does a psql meta-command.  The
 * error's position is relative to the statement's text; the caller's error
 * context must set that text as the internal or the query text.  It can name the
 * statement: number, line and text of *statement are filled in before the parser
 * runs (the text then still has its semicolon).
 */
extern bool cmig_script_next(CmigScriptReader *script, CmigStatement *statement);

/* Free the reader. */
extern void cmig_script_close(CmigScriptReader *script);

/*
 * A SHA-256 hash, as hex, of the tokens of the text and the flag: white space,
 * comments and the case of unquoted words do not count.  The text need not be
 * valid SQL.
 */
extern char *cmig_script_checksum(const char *upgrade_sql, bool transactional);

/*
 * Replace one outer BEGIN ... COMMIT pair without options by blanks; returns
 * source itself if there is none.
 */
extern char *cmig_script_strip_outer_transaction(const char *source);

#endif							/* CMIG_SCRIPT_H */
