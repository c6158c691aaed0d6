/*
 * load_compare.h
 *	  Compares revisions from files with those in cmig.revision.
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

/* A revision from a file, and how it differs from the stored one. */
typedef struct CmigLoadItem
{
	CmigRevisionFile *file;
	bool		exists;			/* is the revision already stored? */
	char	   *other_message;	/* the stored message if it differs from the
								 * new one; otherwise NULL */
	bool		differs;		/* would the stored row change? */
	bool		runs_differently;	/* would the upgrade script or the
									 * transactional flag change? */
	bool		applied;
	bool		needs_repair;	/* is the change accepted although the journal
								 * contains a different checksum? */
} CmigLoadItem;

/*
 * The state of a call to cmig.load: the revisions from the files, and the
 * graph before and after loading.
 */
typedef struct CmigLoad
{
	int			count;
	CmigLoadItem *items;		/* in the order of the files */
	CmigLoadItem **sorted;		/* the same items, sorted by id */
	CmigGraph  *before;			/* graph of the stored revisions */
	CmigGraph  *after;			/* graph as it will be after loading */
	CmigApplied *applied;		/* applied nodes of the graph "before" */
	CmigMarks  *applied_after;	/* applied nodes of the graph "after" */
	List	   *removed;		/* of char *: ids of revisions that prune
								 * removes, sorted */
	List	   *kept;			/* of char *: ids of revisions that prune does
								 * not remove although no file contains them,
								 * sorted */
} CmigLoad;

/* The id of an item. */
#define cmig_load_id(item) ((item)->file->text.edges.id)

/*
 * Take revisions (a List of CmigRevisionFile *) from files.  Raises error MG013
 * if an id occurs twice or a placeholder is invalid.
 */
extern CmigLoad *cmig_load_take(List *files);

/*
 * Compare the revisions from files with the stored ones, and check the graph
 * as it would be after loading.  If "prune" is true, stored revisions that the
 * files do not contain will be removed, unless they are still needed.  If
 * "unless_changed" is true and a revision from the files is not stored as it
 * is, returns false without checking the graph.  Otherwise returns true, or
 * raises error MG005 if the graph would be broken.
 */
extern bool cmig_load_compare(CmigLoad *load, bool prune, bool unless_changed);

/* Returns the position of an item's header: line 17 of file "003.sql". */
extern char *cmig_load_place(const CmigLoadItem *item);

#endif							/* CMIG_LOAD_COMPARE_H */
