/*
 * stamp.h
 *	  Recording where a database is without running anything.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_STAMP_H
#define CMIG_STAMP_H

#include "postgres.h"
#include "base/revision.h"

/*
 * Make the version rows those of the targets and journal what that covers; with
 * purge, whatever rows there are go first.  Returns the rows now recorded,
 * sorted.  The run lock is the caller's.
 */
extern CmigNames *cmig_stamp_targets(const CmigNames *targets, bool purge);

#endif							/* CMIG_STAMP_H */
