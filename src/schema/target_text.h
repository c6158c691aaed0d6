/*
 * target_text.h
 *	  Reads the text of a target, which may have been written for psql, and may
 *	  have comments that give former names.
 *
 * Pure: does not read the database.
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
	int			anchor;			/* offset of the token next to it */
	bool		before;			/* it is on a line of its own, before its
								 * object; otherwise it follows its object */
} CmigTargetComment;

/* A target as it can be run, without what only psql understands. */
typedef struct CmigTargetText
{
	char	   *sql;			/* the text, with blanks for removed parts, so
								 * that lines and offsets do not change */
	int			commands;		/* number of removed psql commands */
	int			copies;			/* number of removed COPY ... FROM STDIN, with
								 * their data */
	int			first_line;		/* names of removed commands */
	List	   *comments;		/* of CmigTargetComment, in order */
} CmigTargetText;

/*
 * Remove what has no effect on the schema when psql runs the text: commands
 * such as \restrict, \set, and \connect, and COPY blocks.  A command that
 * could have an effect, such as \i, is left in, and running the text then
 * raises an error.
 */
extern CmigTargetText *cmig_target_text_read(const char *sql);

/*
 * Find out what the comment is about, in the statement at the given offset of
 * the text and of the given length: "table" and the like in *kind, its name in
 * *relation or in *names, and the name of a part (a column or a constraint) in
 * *part, or NULL. Returns false if the comment is not about this statement.
 */
extern bool cmig_target_text_renamed(const CmigTargetComment *comment, const RawStmt *raw,
									 int offset, int length, const char **kind,
									 RangeVar **relation, List **names, char **part);

#endif							/* CMIG_TARGET_TEXT_H */
