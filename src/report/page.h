/*
 * page.h
 *	  Writes the parts of an HTML page: its head, sections, and tables.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_PAGE_H
#define CMIG_PAGE_H

#include "postgres.h"
#include "lib/stringinfo.h"
#include "base/query.h"

/*
 * Append everything before the first section.  "lanes" is the number of lanes
 * in the graph.
 */
extern void cmig_page_begin(StringInfo page, const char *title, int lanes);

/* Append everything after the last section. */
extern void cmig_page_end(StringInfo page);

/* Callback that writes a section's content. */
typedef void (*CmigPageContent) (StringInfo page, void *arg);

/*
 * Append a section.  If writing its content raises an error, for example
 * because the caller is not allowed to read the data, the section shows the
 * error message instead.
 */
extern void cmig_page_section(StringInfo page, const char *title, CmigPageContent content,
							  void *arg);

/*
 * A table on the page.  All result columns of the query are strings.  If the
 * query returns no rows, "empty" is shown.
 */
typedef struct CmigPageTable
{
	CmigQuery	query;
	const char *columns[8];		/* column titles; a title that begins with "!"
								 * marks a column with SQL */
	const char *empty;
} CmigPageTable;

/* Append a table. */
extern void cmig_page_table(StringInfo page, CmigPageTable *table);

/* Append an element that contains a string from the database. */
extern void cmig_page_element(StringInfo page, const char *tag, const char *class,
							  const char *text);

#endif							/* CMIG_PAGE_H */
