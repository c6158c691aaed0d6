/*
 * pending.h
 *	  Determines whether revisions are pending, that is, not applied yet.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_PENDING_H
#define CMIG_PENDING_H

#include "postgres.h"
#include "move/move.h"

/*
 * Raises error MG010, with a list of the pending revisions, unless all nodes
 * in "nodes" (a List of int) are applied.  "target" is the identifier that the
 * user specified for these nodes.  The version rows must be sound.
 */
extern void cmig_pending_require(const CmigSituation *now, const List *nodes, const char *target);

/*
 * Check the version rows, and raise error MG010 unless all heads and
 * repeatable revisions are applied.
 */
extern void cmig_pending_require_heads(const CmigSituation *now);

/*
 * Is there nothing to upgrade?  If so, reports that.  Does not take the run
 * lock (see cmig_change_is_unneeded()); if the result is false, the caller
 * takes it and plans the upgrade again.  This includes upgrades to head during
 * a run in a transaction, which may be about to store a new head.  "checksum"
 * is the checksum that the plan must have, or NULL.
 */
extern bool cmig_pending_none(const char *function, const CmigNames *targets,
							  const char *checksum, bool stepwise);

#endif							/* CMIG_PENDING_H */
