/*
 * tool.h
 *	  How to read the tables in which other tools record what they have applied.
 *
 * Pure.  schema/tool_table.h lists the tables.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_TOOL_H
#define CMIG_TOOL_H

#include "postgres.h"

/* How the contents of the table are compared with ids. */
typedef enum CmigToolMatch
{
	CMIG_TOOL_EXACT,
	CMIG_TOOL_NUMBER,			/* 00012 is 12, 1.0 is 1 */
	CMIG_TOOL_OCCURRENCE,		/* a name may be there several times: Sqitch */
	CMIG_TOOL_DATE				/* milliseconds since 1970, create_date here */
} CmigToolMatch;

#define CMIG_TOOL_MAX_COLUMNS 6

/* A tool, and the query of its table. */
typedef struct CmigTool
{
	const char *name;
	const char *columns[CMIG_TOOL_MAX_COLUMNS]; /* the columns that the query
												 * needs */

	/*
	 * What follows SELECT and what follows FROM ONLY <table> t: two columns,
	 * the tool's name of what is applied and its state, oldest first.  The
	 * states are "applied", "reverted", "failed", "repeatable", and "until":
	 * applied together with everything before it.
	 */
	const char *select;
	const char *rest;
	CmigToolMatch match;
} CmigTool;

/* The tool of that name; raises 22023, listing all names, if there is none. */
extern const CmigTool *cmig_tool_find(const char *name);

/* All tools; more specific tables come first. */
extern const CmigTool *cmig_tool_all(int *count);

#endif							/* CMIG_TOOL_H */
