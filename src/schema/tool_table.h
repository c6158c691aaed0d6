/*
 * tool_table.h
 *	  The tables in which other migration tools record what they have applied.
 *
 * No target contains them, and no revision creates them, but they must stay as
 * long as the tool is in use.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_TOOL_TABLE_H
#define CMIG_TOOL_TABLE_H

#include "postgres.h"
#include "schema/image.h"

/* A table of a tool. */
typedef struct CmigToolTable
{
	const char *tool;			/* if it contains what is applied: the name by
								 * which cmig.import_state() knows the tool */
	const char *schema;			/* NULL: any */
	const char *name;
	const char *column;			/* a column that the table has */
} CmigToolTable;

/*
 * The next table with what the tool has applied, NULL after the last one.  The
 * more usual ones come first.
 */
extern const CmigToolTable *cmig_tool_table_next(const char *tool, const CmigToolTable *last);

/*
 * Add such tables of the live schema to the other image if it lacks them, so
 * that they do not differ, and issue a NOTICE that names them.
 */
extern void cmig_tool_table_keep(const CmigImage *live, CmigImage *other);

#endif							/* CMIG_TOOL_TABLE_H */
