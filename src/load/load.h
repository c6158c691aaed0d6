/*
 * load.h
 *	  Revisions from text into cmig.revision: what cmig.load does.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_LOAD_H
#define CMIG_LOAD_H

#include "postgres.h"
#include "nodes/pg_list.h"

/* One line of cmig.load's result. */
typedef struct CmigLoadAction
{
	const char *revision;
	const char *action;			/* added, replaced, unchanged, removed, kept */
} CmigLoadAction;

/*
 * Compare revisions (List of CmigRevisionFile *) with the catalog, check the
 * whole graph as it would be, and store what is new or changed.  The caller
 * holds the run lock.  Raises MG005, MG008, MG011 (prune where cmig.protect
 * forbids it) and MG013, and follows cmig.checksum_policy.  Returns a List of
 * CmigLoadAction *: those in the text in its order, then the removed and the
 * kept ones, each sorted.
 */
extern List *cmig_load_files(List *files, bool prune, bool accept_changes);

#endif							/* CMIG_LOAD_H */
