/*
 * revision_format.h
 *	  Revisions in canonical form, and written as files.
 *
 * Pure: structs in, text out.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_REVISION_FORMAT_H
#define CMIG_REVISION_FORMAT_H

#include "postgres.h"
#include "base/revision.h"

/*
 * Bring texts that were written by hand into the form that they have after being
 * written to a file and read again: sections without leading blank lines and
 * trailing white space, message and description without white space around them.
 * Texts that are already canonical are not copied.
 */
extern void cmig_revision_canonicalize(CmigRevisionText *revision);

/*
 * Write a revision as a file that is read back as the same canonical texts;
 * raises MG013 with the line of the text if that is impossible.
 */
extern char *cmig_revision_format(const CmigRevisionText *revision);

#endif							/* CMIG_REVISION_FORMAT_H */
