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
	CMIG_TOOL_NUMBER,			/* names are compared as numbers: 00012 equals
								 * 12 */
	CMIG_TOOL_OCCURRENCE,		/* a name may occur more than once (Sqitch) */
	CMIG_TOOL_DATE				/* the name is a time in milliseconds since
								 * 1970, compared with create_date */
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
	 * t <rest>".  The query returns two columns: the name that the tool gives
	 * to a migration, and the migration's state.  The oldest row comes first.
	 * The states are "applied", "reverted", "failed", "repeatable", and
	 * "until" (the migration and all earlier ones are applied).
	 */
	const char *select;
	const char *rest;
	CmigToolMatch match;
} CmigTool;

/*
 * Returns the tool called "name".  If there is none, raises 22023 with a list
 * of all names.
 */
extern const CmigTool *cmig_tool_find(const char *name);

/*
 * Returns all tools.  A tool whose table has a more specific name and columns
 * comes before other tools.
 */
extern const CmigTool *cmig_tool_all(int *count);

#endif							/* CMIG_TOOL_H */
