/*
 * load.h
 *	  Loading revisions into cmig.revision.
 *
 * This is what cmig.load and cmig.load_directory have in common.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_LOAD_H
#define CMIG_LOAD_H

#include "postgres.h"
#include "fmgr.h"
#include "nodes/pg_list.h"

/*
 * Take the run lock, compare revisions (List of CmigRevisionFile *) with the
 * catalog, check the whole graph as they would be after loading, store what is
 * new or changed, and return the rows of the result.  Arguments 1 and 2 of the
 * call are prune and accept_changes; errors name the function.  Raises MG005,
 * MG008, MG011 (if cmig.protect forbids prune), and MG013, depending on
 * cmig.checksum_policy.
 */
extern Datum cmig_load_call(FunctionCallInfo fcinfo, const char *function, List *files);

#endif							/* CMIG_LOAD_H */
