/*
 * target_text.h
 *	  Reads a target's SQL, which may have been written for psql, and may have
 *	  comments that give objects' former names.
 *
 * No database access.
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
	int			anchor;			/* offset of the token next to the comment */
	bool		before;			/* true if the comment is on a separate line
								 * before its object; false if it follows its
								 * object */
} CmigTargetComment;

/* A target's SQL without the parts that only psql understands. */
typedef struct CmigTargetText
{
	char	   *sql;			/* the SQL, with blanks for removed parts, so
								 * that lines and offsets do not change */
	int			commands;		/* number of removed psql commands */
	int			copies;			/* number of removed COPY ... FROM STDIN, with
								 * their data */
	int			first_line;		/* line of the first part that was removed */
	List	   *comments;		/* list of CmigTargetComment, in order */
} CmigTargetText;

/*
 * Remove the parts that have no effect on the schema when psql runs the SQL:
 * commands such as \restrict, \set, and \connect, and COPY blocks.  A command
 * that could have an effect, such as \i, is kept, so that running the SQL
 * raises an error.  Also removes a byte order mark, and carriage returns if the
 * first line ends with CRLF.
 */
extern CmigTargetText *cmig_target_text_read(const char *sql);

/*
 * Find the object that the comment is about, if the comment belongs to the
 * statement at the given offset in the SQL.  Sets *kind to "table" or the
 * like, *relation or *names to the object's name, and *part to the name of the
 * column or constraint that the comment is about, or to NULL if it is about
 * the whole object.  Returns false if the comment does not belong to this
 * statement.
 */
extern bool cmig_target_text_renamed(const CmigTargetComment *comment, const RawStmt *raw,
									 int offset, int length, const char **kind,
									 RangeVar **relation, List **names, char **part);

#endif							/* CMIG_TARGET_TEXT_H */
