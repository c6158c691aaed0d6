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
 * Append everything before the first section.  "lanes" is the graph's width.
 */
extern void cmig_page_begin(StringInfo page, const char *title, int lanes);

/* Append everything after the last section. */
extern void cmig_page_end(StringInfo page);

/* Writes a section's content. */
typedef void (*CmigPageContent) (StringInfo page, void *arg);

/*
 * Append a section.  If an error occurs, for example because the caller may
 * not read the data, the error becomes the section's content.
 */
extern void cmig_page_section(StringInfo page, const char *title, CmigPageContent content,
							  void *arg);

/*
 * A table: a query that returns texts, and the text to be shown if there are
 * no rows.
 */
typedef struct CmigPageTable
{
	CmigQuery	query;
	const char *columns[8];		/* column titles; a leading "!" marks a column
								 * of SQL */
	const char *empty;
} CmigPageTable;

/* Append a table. */
extern void cmig_page_table(StringInfo page, CmigPageTable *table);

/* Append an element with a text from the database. */
extern void cmig_page_element(StringInfo page, const char *tag, const char *class,
							  const char *text);

#endif							/* CMIG_PAGE_H */
