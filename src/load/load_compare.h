/*
 * load_compare.h
 *	  Comparing revisions from text with those in cmig.revision.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_LOAD_COMPARE_H
#define CMIG_LOAD_COMPARE_H

#include "postgres.h"
#include "format/revision_file.h"
#include "graph/graph.h"
#include "graph/target.h"
#include "nodes/pg_list.h"

/* A revision of the text, and how it compares with the stored one. */
typedef struct CmigLoadItem
{
	CmigRevisionFile *file;
	bool		exists;			/* has a row */
	char	   *other_message;	/* the row's message, if it differs */
	bool		differs;		/* the row would change */
	bool		runs_differently;	/* its upgrade script or flag would change */
	bool		applied;
	bool		needs_repair;	/* accepted although the journal has another
								 * checksum */
} CmigLoadItem;

/* All revisions of the text, and the graph before and after loading them. */
typedef struct CmigLoad
{
	int			count;
	CmigLoadItem *items;		/* in the order of the text */
	CmigLoadItem **sorted;		/* the same by id */
	CmigGraph  *before;			/* as stored */
	CmigGraph  *after;			/* as it would become */
	CmigApplied *applied;		/* in before */
	CmigMarks  *applied_after;	/* in after */
	List	   *removed;		/* of char *, sorted */
	List	   *kept;			/* of char *, sorted */
} CmigLoad;

/* The id of an item. */
#define cmig_load_id(item) ((item)->file->text.edges.id)

/*
 * Compare revisions (List of CmigRevisionFile *) with the catalog and check
 * the whole graph as it would be afterwards; prune removes revisions that the
 * files do not contain.  The caller holds the run lock.  Raises MG005 if the
 * graph would be broken and MG013 if the text contains an id twice.
 */
extern CmigLoad *cmig_load_compare(List *files, bool prune);

/* Where an item's header is: "line 17 of file "003.sql"". */
extern char *cmig_load_place(const CmigLoadItem *item);

#endif							/* CMIG_LOAD_COMPARE_H */
