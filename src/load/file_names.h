/*
 * file_names.h
 *	  Collects revision file names and checks that they are distinct.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_FILE_NAMES_H
#define CMIG_FILE_NAMES_H

#include "postgres.h"
#include "base/revision.h"

/* A file name and the id of its revision. */
typedef struct CmigNamedFile
{
	char	   *name;
	char	   *id;
} CmigNamedFile;

/* The names that a file name template produces for revisions. */
typedef struct CmigFileNames
{
	const char *template;
	int			count;
	int			allocated;
	CmigNamedFile *files;
	MemoryContext scratch;		/* memory for building one name; reset after
								 * each name */
} CmigFileNames;

/* Initialize an empty list. */
extern void cmig_file_names_init(CmigFileNames *list, const char *template);

/*
 * Add a revision's file name to "list", a CmigFileNames *.  The name is
 * allocated in the current memory context.
 */
extern void cmig_file_names_add(const CmigRevisionText *revision, void *list);

/*
 * Raise error 22023 if the template produces the same name for two revisions.
 * Sorts the list.
 */
extern void cmig_file_names_require_distinct(CmigFileNames *list);

#endif							/* CMIG_FILE_NAMES_H */
