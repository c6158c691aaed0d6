/*
 * stamp.h
 *	  Sets the version rows without running any scripts.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_STAMP_H
#define CMIG_STAMP_H

#include "postgres.h"
#include "base/revision.h"

/*
 * Set the version rows to the targets, and journal the affected revisions.  If
 * "purge" is true, all existing rows are removed first.  Returns the new
 * version rows, sorted.  The caller must hold the run lock.
 */
extern CmigNames *cmig_stamp_targets(const CmigNames *targets, bool purge);

#endif							/* CMIG_STAMP_H */
