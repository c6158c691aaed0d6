/*
 * adopt.h
 *	  What src/adopt provides to other folders.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_ADOPT_H
#define CMIG_ADOPT_H

#include "postgres.h"

#include "graph/graph.h"

/* This is in the message of a script that an import has left to be written. */
#define CMIG_NOT_WRITTEN	"has not been written as SQL"

/* in tools.c */

/* How names in the tool's table are compared with revision ids. */
typedef enum CmigToolMatch
{
	CMIG_TOOL_EXACT,
	CMIG_TOOL_NUMBER,			/* names are compared as numbers: 00012 equals
								 * 12 */
	CMIG_TOOL_OCCURRENCE,		/* a name may occur more than once (Sqitch) */
	CMIG_TOOL_DATE				/* the name is a time in milliseconds since
								 * 1970, compared with create_date */
} CmigToolMatch;

#define CMIG_TOOL_MAX_COLUMNS 6
#define CMIG_TOOL_MAX_TABLES 5

/* One of a tool's own tables. */
typedef struct CmigToolTable
{
	const char *name;
	const char *column;			/* a column by which the table is recognized */
	const char *schema;			/* NULL for any schema */
} CmigToolTable;

/* A tool: how its files are recognized and converted, and how its table is read. */
typedef struct CmigTool
{
	const char *name;
	const char *file;			/* a regular expression for the name of one of
								 * its files, or NULL */
	const char *mark;			/* another one, which a line of that file
								 * matches, or NULL */
	const char *main;			/* if the tool is given one file: one for the
								 * name of the main file, and one for the text
								 * of files that include others; or NULL */
	const char *includes;
	bool		is_nested;		/* is that file in a folder of the one to
								 * convert? */
	bool		joins_folders;	/* are the files of all folders migrations of
								 * one database, unless versions repeat? */
	const struct CmigFormat *format;	/* NULL if cmig.import_files() does
										 * not convert its files */

	/*
	 * The tables that may record what has been applied, the usual one first,
	 * and others, all of which a difference leaves alone.
	 */
	CmigToolTable tables[CMIG_TOOL_MAX_TABLES];
	CmigToolTable other_tables[CMIG_TOOL_MAX_TABLES];
	const char *columns[CMIG_TOOL_MAX_COLUMNS]; /* the columns that the query
												 * needs */

	/*
	 * The two variable parts of the query "SELECT <select> FROM ONLY <table>
	 * t <rest>", or NULL if cmig.import_state() does not read the table.  The
	 * query returns the name that the tool gives to a migration, the
	 * migration's state, and, if the tool has one that can be computed again,
	 * the checksum of its script, and its file.  The oldest row comes first.
	 * The states are "applied", "reverted", "failed", "repeatable", and
	 * "until" (the migration and all earlier ones are applied).
	 */
	const char *select;
	const char *rest;
	CmigToolMatch match;
} CmigTool;

/* Tools whose tables have more specific names and columns come first. */
extern const CmigTool *cmig_tool_all(int *count);

/* in state.c */

/* A row in the tool's table. */
typedef struct CmigToolApplied
{
	char	   *name;			/* the migration's name; "" if the name is
								 * null in the table */
	bool		failed;
	bool		until;			/* true if all earlier migrations were also
								 * applied */
	bool		repeatable;		/* true for a repeatable migration, which may
								 * run again */
	char	   *checksum;		/* of the script that ran, or NULL */
	char	   *file;			/* of Liquibase: the name of its file, without
								 * folder and extension; otherwise NULL */
	int			occurrence;		/* which occurrence of the name this is,
								 * starting at 1 */
} CmigToolApplied;

/* The table with the tool's usual name, or InvalidOid. */
extern Oid	cmig_tool_state_table(const CmigTool *tool);

/*
 * The reason why the table cannot be the tool's or must not be read, or NULL.
 */
extern char *cmig_tool_state_refusal(const CmigTool *tool, Oid table);

/* The applied migrations (CmigToolApplied *), oldest first. */
extern List *cmig_tool_state_read(const CmigTool *tool, Oid table);

/* The stored revisions, and which of them the tool has applied. */
typedef struct CmigToolMatches
{
	const CmigTool *tool;
	CmigGraph  *graph;
	List	   *applied;		/* list of CmigToolApplied *, one for each row
								 * of the table */
	int		   *nodes;			/* for each element of "applied": the matching
								 * node, or -1 */
	CmigMarks  *marks;			/* all applied nodes */
} CmigToolMatches;

/* Match the tool's applied migrations with the stored revisions. */
extern CmigToolMatches *cmig_tool_match(const CmigTool *tool, List *applied);

#endif							/* CMIG_ADOPT_H */
