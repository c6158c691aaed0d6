/*
 * revision_file.h
 *	  Reading revision files: plain SQL, one revision in a file or many in a text.
 *
 * Pure: text in, structs out.  revision_format.h is the opposite direction.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_REVISION_FILE_H
#define CMIG_REVISION_FILE_H

#include "postgres.h"
#include "nodes/pg_list.h"
#include "base/revision.h"

/* A revision, and where it was read. */
typedef struct CmigRevisionFile
{
	CmigRevisionText text;
	const char *name;			/* of the file, or NULL */
	int			line;			/* of its header in the file, from 1 */
} CmigRevisionFile;

/*
 * Read a text with one or more revisions.  Returns a List of CmigRevisionFile *
 * with canonical texts.  One outer BEGIN ... COMMIT pair of a section is dropped.
 * If the first line of a header ends in CRLF, every CRLF of the revision becomes
 * LF.  A line "==> name <==" outside of quotes and comments begins a file of that
 * name, which must contain a revision; name (or NULL) is the name of the text
 * before the first such line.  Errors have MG013, the file's name and the line in
 * it.
 */
extern List *cmig_revision_file_parse(const char *text, const char *name);

#endif							/* CMIG_REVISION_FILE_H */
