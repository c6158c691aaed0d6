/*
 * tool_table.h
 *	  Recognizes the bookkeeping tables of other migration tools.
 *
 * No target contains these tables, and no revision creates them, but they
 * must stay as long as the tool is in use.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_TOOL_TABLE_H
#define CMIG_TOOL_TABLE_H

#include "postgres.h"
#include "kinds/image.h"

/* A migration tool's table. */
typedef struct CmigToolTable
{
	const char *tool;			/* the tool's name in cmig.import_state(), or
								 * NULL if that function does not read the
								 * table */
	const char *schema;			/* NULL for any schema */
	const char *name;
	const char *column;			/* a column by which the table is recognized */
} CmigToolTable;

/*
 * Returns the tool's first table that comes after "last" and may record what
 * the tool has applied.  Returns NULL if there are no more tables.  More
 * common tables come first.
 */
extern const CmigToolTable *cmig_tool_table_next(const char *tool, const CmigToolTable *last);

/*
 * Add to "other" the tables of other migration tools that only "live"
 * contains, so that these tables do not count as differences.  Issues a NOTICE
 * that names the tables.
 */
extern void cmig_tool_table_keep(const CmigImage *live, CmigImage *other);

#endif							/* CMIG_TOOL_TABLE_H */
