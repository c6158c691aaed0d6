/*
 * revision_file.h
 *	  Reads revision files, which are plain SQL with comments.
 *
 * revision_format.h writes them.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_REVISION_FILE_H
#define CMIG_REVISION_FILE_H

#include "postgres.h"
#include "nodes/pg_list.h"
#include "base/revision.h"

/* A revision and the position where it was read. */
typedef struct CmigRevisionFile
{
	CmigRevisionText text;
	const char *name;			/* name of the file, or NULL */
	int			line;			/* line number of the header in the file,
								 * starting at 1 */
} CmigRevisionFile;

/*
 * Parse text that contains one or more revisions.  Returns a List of
 * CmigRevisionFile * with texts in canonical form.  A BEGIN ... COMMIT pair
 * around a section is dropped.  If the first line of a header ends in CRLF,
 * every CRLF in the revision becomes LF.
 *
 * A "==> name <==" line outside of quotes and comments begins a file with that
 * name, which must contain a revision.  "name" is the file name for the text
 * before the first such line, or NULL if it has none.  Raises error MG013; the
 * message contains the file's name and the line in the file.
 */
extern List *cmig_revision_file_parse(const char *text, const char *name);

#endif							/* CMIG_REVISION_FILE_H */
