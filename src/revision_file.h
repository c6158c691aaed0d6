/*
 * revision_file.h
 *	  Revision files: one plain SQL text a revision, or many in one text.
 *
 * Pure: text in, structs out, and back.
 */
#ifndef CMIG_REVISION_FILE_H
#define CMIG_REVISION_FILE_H

#include "postgres.h"
#include "nodes/pg_list.h"
#include "revision.h"

/*
 * Read a text with one or more revisions: a List of CmigRevisionText *.
 * name (a file name) or NULL is used in errors, which carry MG013 and the
 * line.
 */
extern List *cmig_revision_file_parse(const char *text, const char *name);

/*
 * Write a revision as a file that parses back to the same; raises MG013,
 * naming the line, if its text would not.
 */
extern char *cmig_revision_file_format(const CmigRevisionText *revision);

#endif							/* CMIG_REVISION_FILE_H */
