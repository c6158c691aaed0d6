/*
 * revision_format.h
 *	  Brings revisions into canonical form and writes them as files.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_REVISION_FORMAT_H
#define CMIG_REVISION_FORMAT_H

#include "postgres.h"
#include "base/revision.h"

/*
 * Bring a revision's texts into canonical form, the form that they have after
 * they are written to a file and read again.  Sections have no leading blank
 * lines and no trailing white space; the message and the description have no
 * surrounding white space.  Sections that are already canonical are not
 * copied.
 */
extern void cmig_revision_canonicalize(CmigRevisionText *revision);

/*
 * Returns the contents of a revision file from which the same canonical texts
 * can be read.  Raises error MG013 if that is impossible; if a section or the
 * description is the reason, the message contains the line number.
 */
extern char *cmig_revision_format(const CmigRevisionText *revision);

#endif							/* CMIG_REVISION_FORMAT_H */
