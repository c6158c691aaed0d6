/*
 * revision_file.h
 *	  Reading revision files: one plain SQL text a revision, or many in one text.
 *
 * Pure: text in, structs out.  revision_format.h has the way back.
 */
#ifndef CMIG_REVISION_FILE_H
#define CMIG_REVISION_FILE_H

#include "postgres.h"
#include "nodes/pg_list.h"
#include "revision.h"

/* A revision, and where it was read. */
typedef struct CmigRevisionFile
{
	CmigRevisionText text;
	const char *name;			/* of the file, or NULL */
	int			line;			/* of its header in the text, from 1 */
} CmigRevisionFile;

/*
 * Read a text with one or more revisions: a List of CmigRevisionFile *, with
 * canonical texts.  One outer BEGIN ... COMMIT pair of a section is dropped.
 * Where a file's header line ends in CRLF, so do all its lines, and all become
 * LF.  name (a file name) or NULL is used in errors, which carry MG013 and the
 * line.
 */
extern List *cmig_revision_file_parse(const char *text, const char *name);

#endif							/* CMIG_REVISION_FILE_H */
