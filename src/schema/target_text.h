/*
 * target_text.h
 *	  The text of a target, as people have it: for psql, and with comments that
 *	  say what something was called before.
 *
 * Pure.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_TARGET_TEXT_H
#define CMIG_TARGET_TEXT_H

#include "postgres.h"
#include "nodes/parsenodes.h"

/* A comment "@renamed from=old_name". */
typedef struct CmigTargetComment
{
	char	   *from;			/* one name, without quotes */
	int			anchor;			/* offset of the token that it stands beside */
	bool		before;			/* it stands before what it is about, on a
								 * line of its own; otherwise behind it */
} CmigTargetComment;

typedef struct CmigTargetText
{
	char	   *sql;			/* blanks where something was left out, so
								 * that lines and offsets are the same */
	int			commands;		/* of psql that were left out */
	int			copies;			/* COPY ... FROM STDIN with their data */
	int			first_line;		/* of what was left out */
	List	   *comments;		/* of CmigTargetComment, in order */
} CmigTargetText;

/*
 * Leave out what psql would do without an effect on the schema: commands such
 * as \restrict, \set and \connect, and COPY blocks.  A command that could have
 * one, such as \i, stays, and running the script raises the error.
 */
extern CmigTargetText *cmig_target_text_read(const char *sql);

/*
 * What the comment is about, in the statement that is at offset in the text and
 * has that many bytes: "table" and the like in *kind, its name in *relation or
 * in *names, and the name of its part (a column or a constraint) in *part, or
 * NULL.  False if the comment is not about the statement.
 */
extern bool cmig_target_text_renamed(const CmigTargetComment *comment, const RawStmt *raw,
									 int offset, int length, const char **kind,
									 RangeVar **relation, List **names, char **part);

#endif							/* CMIG_TARGET_TEXT_H */
