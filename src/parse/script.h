/*
 * script.h
 *	  SQL scripts as text: their statements and their checksum.
 *
 * Pure: needs the lexer and core's parser, no catalog access, no SPI, no
 * setting of ours.  A script is cut into statements one at a time, so a large
 * script is never held as one parse tree.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_SCRIPT_H
#define CMIG_SCRIPT_H

#include "postgres.h"
#include "nodes/parsenodes.h"

typedef struct CmigScriptReader CmigScriptReader;

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
 * Start on a script.  The iterator lives in the current memory context and
 * keeps a pointer to source.
 */
extern CmigScriptReader *cmig_script_open(const char *source);

/*
 * The next statement, or false at the end.  Everything it returns is
 * allocated in the current memory context, so the caller can reset one
 * context a statement (which must not be the iterator's).  Text that does not
 * parse raises 42601 with the position in the statement (errposition relative
 * to the statement's text, which is set as the internal or the query text by
 * the caller's error context); number, line and text of *statement are filled
 * in before the parser runs, so that the error context can name them (text
 * then still has its semicolon).  A psql meta-command raises 42601 too, with
 * its own message.
 */
extern bool cmig_script_next(CmigScriptReader *script, CmigStatement *statement);

/* Free the iterator. */
extern void cmig_script_close(CmigScriptReader *script);

/*
 * sha256, as hex, over the tokens of the text and the flag: white space,
 * comments and the case of unquoted words do not count.  Any text has one.
 */
extern char *cmig_script_checksum(const char *upgrade_sql, bool transactional);

/*
 * Put blanks in the place of one outer BEGIN ... COMMIT pair without options;
 * returns source itself if there is none.
 */
extern char *cmig_script_strip_outer_transaction(const char *source);

#endif							/* CMIG_SCRIPT_H */
