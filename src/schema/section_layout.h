/*
 * section_layout.h
 *	  Lays out a difference as the sections of a revision file.
 *
 * Statements about the same table, or other object, are kept together and
 * followed by an empty line.  A hazard is written as a comment above its
 * statement.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_SECTION_LAYOUT_H
#define CMIG_SECTION_LAYOUT_H

#include "postgres.h"
#include "schema/diff_line.h"

/* The sections of a revision file. */
typedef struct CmigSections
{
	char	   *upgrade;
	char	   *downgrade;		/* NULL if a statement cannot be reverted */
	char	   *hazards;		/* one per line, including unsupported
								 * changes; NULL if there are none */
	bool		transactional;
} CmigSections;

/* Returns the sections for a List of CmigDiffLine *. */
extern CmigSections *cmig_section_layout(const List *lines);

/*
 * Append a one-line comment.  Names in it may contain anything, so line breaks
 * and comment markers are replaced.
 */
extern void cmig_section_layout_comment(StringInfo text, const char *comment);

/* Returns "table public.a: reason" for an unsupported change. */
extern char *cmig_section_layout_unsupported(const CmigDiffLine *line);

#endif							/* CMIG_SECTION_LAYOUT_H */
