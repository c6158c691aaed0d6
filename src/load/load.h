/*
 * load.h
 *	  Revisions from text into cmig.revision: what cmig.load and
 *	  cmig.load_directory have in common.
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
 * catalog, check the whole graph as it would be, store what is new or changed,
 * and return the rows of the result.  Arguments 1 and 2 are prune and
 * accept_changes; function is named in errors.  Raises MG005, MG008, MG011
 * (prune where cmig.protect forbids it) and MG013, and follows
 * cmig.checksum_policy.
 */
extern Datum cmig_load_call(FunctionCallInfo fcinfo, const char *function, List *files);

#endif							/* CMIG_LOAD_H */
