/*
 * file_names.h
 *	  The file names that a template gives to all revisions.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_FILE_NAMES_H
#define CMIG_FILE_NAMES_H

#include "postgres.h"
#include "base/revision.h"

/* A file name and its revision, to find two files with the same name. */
typedef struct CmigNamedFile
{
	char	   *name;
	char	   *id;
} CmigNamedFile;

/* All file names that a template gives. */
typedef struct CmigFileNames
{
	const char *template;
	int			count;
	int			allocated;
	CmigNamedFile *files;
	MemoryContext scratch;		/* reset after each name */
} CmigFileNames;

/* Make the list empty. */
extern void cmig_file_names_init(CmigFileNames *list, const char *template);

/*
 * Add a revision's file name to the list, a CmigFileNames, in the current
 * memory context.
 */
extern void cmig_file_names_add(const CmigRevisionText *revision, void *list);

/*
 * Raise 22023 if the template gives two revisions the same name.  Sorts the
 * list.
 */
extern void cmig_file_names_require_distinct(CmigFileNames *list);

#endif							/* CMIG_FILE_NAMES_H */
