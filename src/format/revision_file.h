/*
 * revision_file.h
 *	  Reading revision files: one plain SQL text a revision, or many in one text.
 *
 * Pure: text in, structs out.  revision_format.h has the way back.
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
 * Read a text with one or more revisions: a List of CmigRevisionFile *, with
 * canonical texts.  One outer BEGIN ... COMMIT pair of a section is dropped.
 * Where a header's first line ends in CRLF, so do all lines of the revision,
 * and all become LF.  A line "==> name <==" outside of quotes and comments
 * begins a file of that name, which must hold a revision; name (or NULL) is
 * that of the text before the first.  Errors carry MG013, the file's name and
 * the line in it.
 */
extern List *cmig_revision_file_parse(const char *text, const char *name);

#endif							/* CMIG_REVISION_FILE_H */
