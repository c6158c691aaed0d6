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
 * Make the version rows those of the targets, and journal the revisions that
 * this covers.  With purge, all existing rows are removed first.  Returns the
 * rows now recorded, sorted.  The caller holds the run lock.
 */
extern CmigNames *cmig_stamp_targets(const CmigNames *targets, bool purge);

#endif							/* CMIG_STAMP_H */
