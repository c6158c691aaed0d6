/*
 * internal.h
 *	  What the modules of src/adopt share.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_ADOPT_INTERNAL_H
#define CMIG_ADOPT_INTERNAL_H

#include "postgres.h"

#include "fmgr.h"

#include "adopt/adopt.h"
#include "store/store.h"

/* in formats.c */

/* A placeholder and its value. */
typedef struct CmigPlaceholder
{
	char	   *name;
	char	   *value;			/* NULL if ${name} is kept as a pg_cmig
								 * placeholder */
	bool		as_literal;		/* true if the placeholder was kept as a
								 * string literal */
	bool		as_identifier;	/* true if the placeholder was kept as an
								 * identifier */
} CmigPlaceholder;

/* The placeholders passed by the caller. */
typedef struct CmigPlaceholders
{
	int			count;
	CmigPlaceholder *items;
} CmigPlaceholders;

/*
 * Replace ${name} except in comments.  Around a placeholder that is kept,
 * quotes are removed; one without a value is error MG013.  "environment": as
 * goose does, also ${name:-default}, ${name-default}, ${name?message}, and
 * $name with a value.
 */
extern char *cmig_placeholder_fill(const CmigPlaceholders *placeholders, const char *text,
								   const char *file_name, bool environment);

/* A line of a file. */
typedef struct CmigToolLine
{
	const char *start;
	const char *end;			/* end of the line, before its newline */
	const char *next;			/* start of the next line */
} CmigToolLine;

/* Get the line that starts at p.  Returns false at the end of the text. */
extern bool cmig_tool_text_line(const char *p, CmigToolLine *line);

/*
 * The rest of a line that begins with the word in any case, trimmed, or NULL.
 * If "indented", white space may precede the word.
 */
extern char *cmig_tool_text_after(const CmigToolLine *line, const char *word, bool indented);

/* Does the text begin with the word?  Does it end with the word? */
extern bool cmig_tool_text_begins(const char *text, const char *word);
extern bool cmig_tool_text_ends(const char *text, const char *word);

/* "one" for the name "one.up.sql" and the ending ".up.sql". */
extern char *cmig_tool_text_without(const char *name, const char *ending);

/* Returns the number of digits at the start of the text. */
extern int	cmig_tool_text_digits(const char *text);

/* A message from a file name: _ and - become spaces. */
extern char *cmig_tool_text_message(const char *name);

/*
 * The revision id for a migration's name, the same whether it is read from a
 * file or from the tool's table.
 */
extern char *cmig_tool_text_id(const char *name);

/* Compare two versions, such as 2, 010, and 1.2_3, part by part as numbers. */
extern int	cmig_tool_text_compare_versions(const char *a, const char *b);

/* Another tool's file. */
typedef struct CmigToolFile
{
	const char *name;			/* first, as they are sorted by it; as passed
								 * by the caller, relative to the tool's
								 * folder */
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
	bool		alone[CMIG_SECTION_VERIFY]; /* does the tool run this script
											 * without a transaction? */
	StringInfoData notes;
} CmigToolRevision;

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
	const char *format;			/* the tool's name */
	int			file_count;
	CmigToolFile *files;		/* sorted by name */
	const CmigPlaceholders *placeholders;
	CmigPlaceholderStyle style;
	int			keeps;			/* CMIG_KEEPS_... */
	const char *file_template;	/* template for the revision files' names */
	List	   *revisions;		/* list of CmigToolRevision *, in order */
	List	   *notes;			/* of Lists: the name of a file that is not a
								 * revision, and a remark */
} CmigImport;

/* Marks the file with this name as used and returns it, or NULL. */
extern CmigToolFile *cmig_import_file(CmigImport *import, const char *name);

/* Add a new revision.  Raises MG013 if the id is not valid. */
extern CmigToolRevision *cmig_import_add(CmigImport *import, CmigToolFile *file, const char *id);

/* Add a revision for a file, whose id and message are made from "name". */
extern CmigToolRevision *cmig_import_add_named(CmigImport *import, CmigToolFile *file,
											   const char *name);

/*
 * A script of the file as a section: with values for placeholders, without the
 * transaction around it, and with "|" in comments that would be markers.
 */
extern char *cmig_import_section(CmigImport *import, const CmigToolFile *file, CmigSection section,
								 const char *script);

/* Set the scripts of a revision; "down" may be NULL. */
extern void cmig_import_scripts(CmigImport *import, CmigToolRevision *revision, const char *up,
								const char *down);

/* Add a note about a revision, or about a file that is not a revision. */
extern void cmig_import_note(CmigToolRevision *revision, const char *note);
extern void cmig_import_file_note(CmigImport *import, const char *file_name, const char *text);

/*
 * Make the upgrade script, the downgrade script, or both fail until they are
 * written.  "reason" is a clause.
 */
extern void cmig_import_not_written(CmigToolRevision *revision, bool up, bool down,
									const char *reason);

/*
 * Read the lines "key = value" of a TOML, INI, or properties file.  "apply"
 * returns false for a setting that it does not use; this adds a note to the
 * revision, or to the file if the revision is NULL.
 */
typedef bool (*CmigApplySetting) (CmigImport *import, CmigToolRevision *revision, const char *key,
								  const char *value);

extern void cmig_import_settings(CmigImport *import, CmigToolRevision *revision, CmigToolFile *file,
								 CmigApplySetting apply);

/* Raise MG013, because the file cannot be converted. */
extern void cmig_import_refuse(const CmigToolFile *file, const char *detail, const char *hint);

/*
 * Sort by the sort keys.  Raises MG013 for the same version, such as 1 and 01.
 */
typedef int (*CmigOrderCompare) (const char *a, const char *b);

extern void cmig_import_sort(CmigImport *import, CmigOrderCompare compare);

/* Make the preceding revision the parent of each revision without a parent. */
extern void cmig_import_chain(CmigImport *import);

/*
 * Check and finish the revisions, and add notes about unused files and about
 * scripts that cannot run.  Raises MG013 if two revisions have the same id.
 */
extern void cmig_import_finish(CmigImport *import);

/* in format_marked.c */

extern void cmig_format_golang_migrate(CmigImport *import);
extern void cmig_format_sqlx(CmigImport *import);
extern void cmig_format_refinery(CmigImport *import, CmigToolFile *file);
extern void cmig_format_supabase(CmigImport *import, CmigToolFile *file);
extern void cmig_format_dbmate(CmigImport *import, CmigToolFile *file);
extern void cmig_format_goose(CmigImport *import, CmigToolFile *file);
extern void cmig_format_node_pg_migrate(CmigImport *import, CmigToolFile *file);
extern void cmig_format_graphile_migrate(CmigImport *import, CmigToolFile *file);
extern void cmig_format_flyway(CmigImport *import);

/* in format_other.c */

extern void cmig_format_sqitch(CmigImport *import);
extern void cmig_format_liquibase(CmigImport *import);
extern void cmig_format_drizzle(CmigImport *import);

/* in formats.c */

extern void cmig_format_diesel(CmigImport *import, CmigToolFile *file);
extern void cmig_format_prisma(CmigImport *import, CmigToolFile *file);
extern void cmig_format_yoyo(CmigImport *import, CmigToolFile *file);
extern void cmig_format_rails(CmigImport *import, CmigToolFile *file);

/* in import.c */

/* The path of the folder that contains the file, without a slash; "" if there is none. */
extern char *cmig_tool_file_folder(const CmigToolFile *file);

/*
 * Returns the programming language of a migration that is not a script, judged
 * by the file's name, or NULL.
 */
extern const char *cmig_import_language(const char *name);

/*
 * Add a note about what a script, which can be parsed, leaves in the session, if
 * the tool keeps it for the migrations that follow.
 */
extern void cmig_import_note_left(const CmigImport *import, CmigToolRevision *revision,
								  CmigSection section, const char *sql);

/* Returns an argument that is a one-dimensional array of strings. */
extern CmigNames *cmig_import_list_argument(FunctionCallInfo fcinfo, int n, const char *name);

/* Raise 22023 unless each name has its content. */
extern void cmig_import_require_contents(const CmigNames *names, const CmigNames *contents);

/* in tools.c */

/* Is "folder" the other folder, or below it? */
extern bool cmig_tool_folder_is_in(const char *folder, const char *other);

/*
 * How a tool's files are converted: the function that reads one of them, or all
 * of them, and adds the migrations as revisions.
 */
struct CmigFormat
{
	void		(*read_file) (CmigImport *import, CmigToolFile *file);
	void		(*read) (CmigImport *import);
	bool		one_folder;		/* does the tool not read subfolders? */
	bool		one_folder_each;	/* or only one for each migration? */
	CmigPlaceholderStyle style;
	CmigOrderCompare compare;	/* by which each revision follows another one;
								 * NULL if the files say what it follows */
	const char *file_template;	/* of the revision files' names, or NULL */

	int			keeps;			/* CMIG_KEEPS_... */
};

/*
 * What a migration leaves in the session, and the tool can keep for those that
 * follow in the same run; a bit mask.
 */
#define CMIG_KEEPS_TABLES	0x01	/* temporary tables */
#define CMIG_KEEPS_ROLE		0x02
#define CMIG_KEEPS_PATH		0x04	/* search_path */
#define CMIG_KEEPS_SETTINGS	0x08	/* other settings */
#define CMIG_KEEPS_LOCAL	0x10	/* also those of SET LOCAL: a run is one
									 * transaction */
#define CMIG_KEEPS_SESSION \
	(CMIG_KEEPS_TABLES | CMIG_KEEPS_ROLE | CMIG_KEEPS_PATH | CMIG_KEEPS_SETTINGS)

/*
 * The tool with this name that has a format ("files"), or whose state can be
 * read.  Raises 22023 with a list of their names if there is none.
 */
extern const CmigTool *cmig_tool_find(const char *name, bool files);

#endif							/* CMIG_ADOPT_INTERNAL_H */
