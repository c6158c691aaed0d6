/*
 * import.h
 *	  Revisions from text into cmig.revision: what cmig.load does.
 */
#ifndef CMIG_IMPORT_H
#define CMIG_IMPORT_H

#include "postgres.h"
#include "nodes/pg_list.h"
#include "utils/tuplestore.h"

/* One line of cmig.load's result. */
typedef struct CmigImportAction
{
	const char *revision;
	const char *action;			/* added, replaced, unchanged, removed, kept */
} CmigImportAction;

/*
 * Compare revisions (List of CmigRevisionText *) with the catalog, check the
 * whole graph as it would be, and store what is new or changed.  The caller
 * holds the run lock.  Returns a List of CmigImportAction *.
 */
extern List *cmig_import_load(List *revisions, bool prune, bool accept_changes);

#endif							/* CMIG_IMPORT_H */
