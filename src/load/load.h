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
 * Implements cmig.load and similar functions.  Takes the run lock, compares
 * the revisions in "files" (a List of CmigRevisionFile *) with the stored
 * ones, checks the graph as it would be after loading, stores new and changed
 * revisions, and returns the result rows.  Arguments 1 and 2 of the SQL
 * function are prune and accept_changes.  "function" is its name, for errors.
 *
 * Raises error MG005 if the graph would be broken, MG008 for changes that are
 * not allowed (depending on cmig.checksum_policy), MG011 if cmig.protect
 * forbids prune, and MG013 for invalid files.
 */
extern Datum cmig_load_call(FunctionCallInfo fcinfo, const char *function, List *files);

/*
 * A hook that is called after new revisions have been stored.  The hook may
 * record them as applied.
 */
extern void (*cmig_load_at_end) (const CmigRevisionText *const *added, int count);

#endif							/* CMIG_LOAD_H */
