/*
 * load.h
 *	  Loads revisions for cmig.load and cmig.load_directory.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_LOAD_H
#define CMIG_LOAD_H

#include "postgres.h"
#include "base/revision.h"
#include "fmgr.h"
#include "nodes/pg_list.h"

/*
 * Take the run lock, compare revisions (a List of CmigRevisionFile *) with the
 * stored ones, check the graph as it would be after loading, store new and
 * changed revisions, and return the rows of the result.  Arguments 1 and 2 of
 * the SQL call are prune and accept_changes.  "function" is the name of the SQL
 * function for errors.
 *
 * Raises MG005 if the graph would be broken, MG008 for changes that are not
 * allowed (depending on cmig.checksum_policy), MG011 if cmig.protect forbids
 * prune, and MG013 for invalid files.
 */
extern Datum cmig_load_call(FunctionCallInfo fcinfo, const char *function, List *files);

/*
 * Called after revisions have been loaded, with those that are new.  May record
 * them as applied.
 */
extern void (*cmig_load_at_end) (const CmigRevisionText *const *added, int count);

#endif							/* CMIG_LOAD_H */
