/*
 * import.h
 *	  Functions shared by the readers of other tools' formats.
 *
 * The reader of a format finds migrations in a list of files and adds them to
 * a CmigImport, in the order in which the tool runs them.  The result is a
 * revision file for each migration, and notes about features that pg_cmig does
 * not have.
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

/* Another tool's file. */
typedef struct CmigToolFile
{
	const char *name;			/* as passed by the caller, relative to the
								 * tool's folder */
	const char *base;			/* name after the last slash */
	const char *folder;			/* name of the folder that contains the file;
								 * "" if there is none */
	char	   *text;			/* without a byte order mark or CRs before
								 * newlines */
	bool		used;			/* true if a format's reader has read the file */
} CmigToolFile;

/* A revision that is being created from one or more files. */
typedef struct CmigToolRevision
{
	CmigRevisionText text;
	const CmigToolFile *file;	/* named in messages */
	char	   *order;			/* sort key, computed by the format's reader */
	const char *file_template;	/* template for the revision file's name, or
								 * NULL to use the import's template */
	StringInfoData notes;
} CmigToolRevision;

/* A remark about a file that is not a revision. */
typedef struct CmigImportNote
{
	const char *file_name;
	char	   *note;
} CmigImportNote;

/* The placeholder syntax of a format. */
typedef enum CmigPlaceholderStyle
{
	CMIG_PLACEHOLDER_NONE,
	CMIG_PLACEHOLDER_BRACES,	/* ${name} */
	CMIG_PLACEHOLDER_PSQL,		/* :name, :'name', :"name" */
	CMIG_PLACEHOLDER_COLON		/* :NAME; also replaced within quotes if the
								 * placeholder has a value */
} CmigPlaceholderStyle;

/* The state of an import. */
typedef struct CmigImport
{
	const char *format;
	int			file_count;
	CmigToolFile *files;		/* sorted by name */
	const CmigPlaceholders *placeholders;
	CmigPlaceholderStyle style;
	const char *file_template;	/* template for the revision files' names */
	List	   *revisions;		/* list of CmigToolRevision *, in order */
	List	   *notes;			/* list of CmigImportNote * */
} CmigImport;

/*
 * If there is a file with this name, marks it as used and returns it;
 * otherwise, returns NULL.
 */
extern CmigToolFile *cmig_import_file(CmigImport *import, const char *name);

/* Add a new revision.  Raises MG013 if the id is not valid. */
extern CmigToolRevision *cmig_import_add(CmigImport *import, CmigToolFile *file, const char *id);

/*
 * Returns the text from "start" to "end" as a section of a revision file.
 * Placeholders are replaced, the commands that begin and end a transaction
 * around the script are removed, and comments that would be mistaken for
 * markers are changed.
 */
extern char *cmig_import_section(CmigImport *import, const CmigToolFile *file, CmigSection section,
								 const char *start, const char *end);

/* Like cmig_import_section(), but for the entire file. */
extern char *cmig_import_whole(CmigImport *import, const CmigToolFile *file, CmigSection section);

/* Returns the concatenation of two scripts.  Either may be NULL. */
extern char *cmig_import_join(const char *first, const char *second);

/* Add a note about a revision, or about a file that is not a revision. */
extern void cmig_import_note(CmigToolRevision *revision, const char *format,...) pg_attribute_printf(2, 3);
extern void cmig_import_file_note(CmigImport *import, const char *file_name, const char *format,...) pg_attribute_printf(3, 4);

/*
 * Returns the programming language of a migration that is not a script, judged
 * by the file's name, or NULL.
 */
extern const char *cmig_import_language(const char *name);

/*
 * Make the upgrade script, or both scripts, a statement that fails until the
 * user has written the script.  "reason" is a clause that says why the script
 * could not be converted.
 */
extern void cmig_import_not_written(CmigToolRevision *revision, bool both, const char *reason);

/*
 * Sort the revisions by their sort keys.  Raises MG013 if two revisions have
 * the same version, such as 1 and 01.
 */
typedef int (*CmigOrderCompare) (const char *a, const char *b);
extern void cmig_import_sort(CmigImport *import, CmigOrderCompare compare);

/* Set a revision's only parent. */
extern void cmig_import_set_parent(CmigToolRevision *revision, const char *parent);

/* Make the preceding revision the parent of each revision without a parent. */
extern void cmig_import_chain(CmigImport *import);

/*
 * Check and finish the revisions, and add notes about unused files and about
 * scripts that cannot run.  Raises MG013 if two revisions have the same id.
 */
extern void cmig_import_finish(CmigImport *import);

#endif							/* CMIG_IMPORT_H */
