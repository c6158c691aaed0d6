/*
 * page.h
 *	  The parts of an HTML page: its head, sections, and tables.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_PAGE_H
#define CMIG_PAGE_H

#include "postgres.h"
#include "lib/stringinfo.h"
#include "base/query.h"

/* Everything before the first section; lanes is the width of the graph. */
extern void cmig_page_begin(StringInfo page, const char *title, int lanes);

/* Everything after the last section. */
extern void cmig_page_end(StringInfo page);

/* Writes a section's content. */
typedef void (*CmigPageContent) (StringInfo page, void *arg);

/*
 * Append a section.  An error in it, for example since the caller may not read
 * what it shows, becomes its content.
 */
extern void cmig_page_section(StringInfo page, const char *title, CmigPageContent content,
							  void *arg);

/* A table: a query whose columns are texts, and what stands for no rows. */
typedef struct CmigPageTable
{
	CmigQuery	query;
	const char *columns[8];		/* their titles; those with a "!" before them
								 * are SQL */
	const char *empty;
} CmigPageTable;

/* Append a table. */
extern void cmig_page_table(StringInfo page, CmigPageTable *table);

/* Append an element with a text of the database. */
extern void cmig_page_element(StringInfo page, const char *tag, const char *class,
							  const char *text);

#endif							/* CMIG_PAGE_H */
