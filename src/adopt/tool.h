/*
 * tool.h
 *	  Describes the tables in which other tools record applied migrations.
 *
 * compare/tool_table.h lists the tables.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_TOOL_H
#define CMIG_TOOL_H

#include "postgres.h"

/* How names in the tool's table are compared with revision ids. */
typedef enum CmigToolMatch
{
	CMIG_TOOL_EXACT,
	CMIG_TOOL_NUMBER,			/* compared as numbers: 00012 equals 12 */
	CMIG_TOOL_OCCURRENCE,		/* a name may be repeated, as in Sqitch */
	CMIG_TOOL_DATE				/* milliseconds since 1970, compared with
								 * create_date */
} CmigToolMatch;

#define CMIG_TOOL_MAX_COLUMNS 6

/* A tool, and how to query its table. */
typedef struct CmigTool
{
	const char *name;
	const char *columns[CMIG_TOOL_MAX_COLUMNS]; /* the columns that the query
												 * needs */

	/*
	 * The two variable parts of the query "SELECT <select> FROM ONLY <table>
	 * t <rest>".  The query returns two columns, oldest row first: the name
	 * that the tool gives to a migration, and the migration's state.  The
	 * states are "applied", "reverted", "failed", "repeatable", and "until"
	 * (applied, together with everything before it).
	 */
	const char *select;
	const char *rest;
	CmigToolMatch match;
} CmigTool;

/*
 * Returns the tool with this name.  Raises 22023, listing all names, if there
 * is none.
 */
extern const CmigTool *cmig_tool_find(const char *name);

/*
 * Returns all tools.  Tools whose tables have more specific names and columns
 * come first.
 */
extern const CmigTool *cmig_tool_all(int *count);

#endif							/* CMIG_TOOL_H */
