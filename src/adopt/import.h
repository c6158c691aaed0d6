/*
 * import.h
 *	  Functions that the formats of other migration tools share. Pure.  A
 * format finds its revisions in a list of files and adds them to a CmigImport
 * in the order in which the tool runs them; the result is a revision file for
 * each, and notes about what has no counterpart here.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_IMPORT_H
#define CMIG_IMPORT_H

#include "postgres.h"
#include "lib/stringinfo.h"
#include "nodes/pg_list.h"
#include "adopt/placeholder.h"
#include "base/revision.h"
#include "format/marker.h"

/* A file of the other tool. */
typedef struct CmigToolFile
{
	const char *name;			/* as it was given, relative to the tool's
								 * folder */
	const char *base;			/* name after the last slash */
	const char *folder;			/* name of the folder that contains it, or "" */
	char	   *text;			/* without byte order mark and CRs of CRLF */
	bool		used;			/* a format has read it */
} CmigToolFile;

/* A revision that is being made of one or more files. */
typedef struct CmigToolRevision
{
	CmigRevisionText text;
	const CmigToolFile *file;	/* for messages */
	char	   *order;			/* the format's sort key */
	const char *file_template;	/* template for the name of the file that is
								 * written; NULL: the template of the import */
	StringInfoData notes;
} CmigToolRevision;

/* A remark about a file that is not a revision. */
typedef struct CmigImportNote
{
	const char *file_name;
	char	   *note;
} CmigImportNote;

/* The form of placeholders in the texts of a format. */
typedef enum CmigPlaceholderStyle
{
	CMIG_PLACEHOLDER_NONE,
	CMIG_PLACEHOLDER_BRACES,	/* ${name} */
	CMIG_PLACEHOLDER_PSQL,		/* :name, :'name', :"name" */
	CMIG_PLACEHOLDER_COLON		/* :NAME, also in quotes if a value is given */
} CmigPlaceholderStyle;

/* The state of an import. */
typedef struct CmigImport
{
	const char *format;
	int			file_count;
	CmigToolFile *files;		/* sorted by name */
	const CmigPlaceholders *placeholders;
	CmigPlaceholderStyle style;
	const char *file_template;	/* template for the names of the files that
								 * are written */
	List	   *revisions;		/* of CmigToolRevision *, in order */
	List	   *notes;			/* of CmigImportNote * */
} CmigImport;

/* The file with this name, which is then considered used, or NULL. */
extern CmigToolFile *cmig_import_file(CmigImport *import, const char *name);

/* Add a new revision; raises MG013 if the id is not valid. */
extern CmigToolRevision *cmig_import_add(CmigImport *import, CmigToolFile *file, const char *id);

/*
 * A part of the file, from start to end, as a section: placeholders are
 * replaced, an outer transaction is removed, and comments that would be
 * mistaken for markers are changed.
 */
extern char *cmig_import_section(CmigImport *import, const CmigToolFile *file, CmigSection section,
								 const char *start, const char *end);

/* The same for a whole file. */
extern char *cmig_import_whole(CmigImport *import, const CmigToolFile *file, CmigSection section);

/* Two scripts, one after the other; either may be NULL. */
extern char *cmig_import_join(const char *first, const char *second);

/* Add a note to a revision, or about a file. */
extern void cmig_import_note(CmigToolRevision *revision, const char *format,...) pg_attribute_printf(2, 3);
extern void cmig_import_file_note(CmigImport *import, const char *file_name, const char *format,...) pg_attribute_printf(3, 4);

/* Sort the revisions by their sort keys. */
typedef int (*CmigOrderCompare) (const char *a, const char *b);
extern void cmig_import_sort(CmigImport *import, CmigOrderCompare compare);

/* Make a revision follow another one. */
extern void cmig_import_set_parent(CmigToolRevision *revision, const char *parent);

/* Make each revision that has no parent follow the one before it. */
extern void cmig_import_chain(CmigImport *import);

/*
 * Add notes about unused files and about scripts that cannot run.  Raises
 * MG013 if two revisions have the same id.
 */
extern void cmig_import_finish(CmigImport *import);

#endif							/* CMIG_IMPORT_H */
